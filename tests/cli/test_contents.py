"""No verb gives results of what is no longer there: one file is exchanged under its name, and the verb runs again."""

import os
import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from benchmarks.kills import compared, outcome

from affectlens.core.disk.places import cache_dir
from tests.cli.every_verb import runs
from tests.conftest import asset_path


def exchanged(path: Path, content: bytes) -> None:
    """Other content under the same name, with the same time of change."""
    stat = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def sound(made):
    """Half as loud, the same number of bytes."""
    path = sorted(made["emodb"].rglob("*.wav"))[5]
    content = bytearray(path.read_bytes())
    samples = np.frombuffer(bytes(content[44:]), np.int16)
    rng = np.random.default_rng(0)
    content[44:] = (samples // 2 + rng.integers(-400, 400, len(samples)).astype(np.int16)).tobytes()
    exchanged(path, bytes(content))


def picture(made):
    path = sorted(made["folder"].rglob("*.png"))[3]
    image = np.ascontiguousarray(cv2.imread(str(path))[::-1, ::-1])
    exchanged(path, cv2.imencode(".png", image)[1].tobytes())


def motion(made):
    path = made["bandai"] / "dataset-1_walk_happy_001.bvh"
    exchanged(path, (made["bandai"] / "dataset-1_dash_sad_002.bvh").read_bytes())


def features(made):
    held = pickle.loads(made["feature-pickle"].read_bytes(), encoding="latin1")
    for name in held[3]:
        held[3][name] = [-np.asarray(x) for x in held[3][name]]
    exchanged(made["feature-pickle"], pickle.dumps(held, protocol=2))


def crops(made):
    lines = made["fer2013"].read_text().split("\n")
    lines[3] = lines[3].replace(" 60 ", " 61 ", 1)
    exchanged(made["fer2013"], "\n".join(lines).encode())


def texts(made):
    path = made["goemotions"] / "ekman_train.tsv"
    exchanged(path, path.read_bytes().replace(b"awful", b"lovel"))


ANEW = {
    "audit objects": (picture, ("yunet", "face-landmarker", "efficientdet-lite0")),
    "audit properties": (sound, ()),
    "audit compare": (sound, ()),
    "audit latent": (sound, ()),
    "audit features": (sound, ()),
    "audit concepts": (features, ()),
    "train speech": (sound, ()),
    "train gait": (motion, ()),
    "train posture": (motion, ()),
    "train background": (picture, ("efficientdet-lite0",)),
    "train bclstm": (features, ()),
    "train fusion": (sound, ("minilm", "yunet", "face-landmarker", "pose-landmarker", "efficientdet-lite0")),
}
REFUSED = {"train face": (crops, ()), "train words": (texts, ("minilm",))}


@pytest.fixture
def own(made, tmp_path, monkeypatch):
    """A copy of the generated corpora that may be changed, and caches that hold the assets alone."""
    copies = {name: tmp_path / "made" / name / path.name for name, path in made.items()}
    for name, path in made.items():
        copies[name].parent.mkdir(parents=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, copies[name])
    assets = [path for path in cache_dir().iterdir() if path.is_dir() and path.name not in ("features", "layers")]

    def cache(name):
        (tmp_path / name).mkdir()
        for asset in assets:
            (tmp_path / name / asset.name).symlink_to(asset)
        monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path / name))

    cache("first cache")
    return copies, cache


def needed(verb, assets, tmp_path):
    for name in assets:
        asset_path(name)
    if verb == "audit concepts":
        from benchmarks.kills import network

        # One file for both: two of the same network may differ in the order of what their headers hold.
        network(tmp_path / "out" / "train bclstm" / "bclstm.safetensors")
        shutil.copytree(tmp_path / "out", tmp_path / "fresh")


@pytest.mark.usefixtures("quick_speech", "quick_fusion", "undrawn")
@pytest.mark.parametrize("verb", ANEW)
def test_what_was_kept_of_other_content_is_not_used(verb, call, own, tmp_path):
    change, assets = ANEW[verb]
    needed(verb, assets, tmp_path)
    made, cache = own

    def done(out):
        result = call(*runs(made, tmp_path / "no clip", tmp_path / out)[verb])
        assert result.code == 0, result.err
        return outcome(tmp_path / out, digits=4), result.err

    first, _ = done("out")
    again, said = done("out")
    assert compared(first, again) == []
    assert verb.startswith("train fusion") or "before in" in said or "from an earlier run" in said or verb == "train bclstm"
    change(made)
    second, _ = done("out")
    cache("second cache")
    fresh, _ = done("fresh")
    assert compared(first, second) and compared(fresh, second) == []


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("verb", REFUSED)
def test_what_cannot_go_on_with_other_data_says_so(verb, call, own, tmp_path):
    change, assets = REFUSED[verb]
    needed(verb, assets, tmp_path)
    made, _ = own
    arguments = runs(made, tmp_path / "no clip", tmp_path / "out")[verb]
    assert call(*arguments).code == 0
    change(made)
    refused = call(*arguments)
    assert refused.code != 0 and "from other data" in refused.err and "give another --out" in refused.err


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("what", ["label", "query", "weights"])
def test_other_labels_queries_and_weights_are_other_runs(what, call, own, tmp_path):
    made, _ = own
    verb = "audit objects" if what == "label" else "audit concepts"
    needed(verb, ("yunet", "face-landmarker", "efficientdet-lite0") if what == "label" else (), tmp_path)
    arguments = runs(made, tmp_path / "no clip", tmp_path / "out")[verb]
    assert call(*arguments).code == 0
    first = outcome(tmp_path / "out")
    if what == "label":
        (made["folder"] / "anger" / "0.png").rename(made["folder"] / "fear" / "zero.png")
        refused = call(*arguments)
        assert refused.code != 0 and "other data" in refused.err and "give another --out" in refused.err
        return
    if what == "query":
        arguments[arguments.index("--query") + 1] = "long=text.str.len() > 16"
    else:
        from benchmarks.kills import network

        network(tmp_path / "out" / "train bclstm" / "bclstm.safetensors", seed=1)
    assert call(*arguments).code == 0
    assert compared(first, outcome(tmp_path / "out"))
