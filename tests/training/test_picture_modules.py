"""Fusion of pictures with the networks that look at them, on parts of one photograph."""

import numpy as np
import pytest
from PIL import Image

from affectlens import train
from affectlens.corpora.base import Item
from affectlens.training.fusion.joint import MODULES, PictureModules, networks
from tests.conftest import asset_path

ASSETS = ("yunet", "face-landmarker", "efficientdet-lite0", "pose-landmarker")


@pytest.fixture(scope="module")
def modules():
    for name in ASSETS:
        asset_path(name)
    return PictureModules()


def test_what_is_seen_of_a_picture(modules, frame):
    seen = modules(Item("a", frame, ("anger",)))
    assert {name: z.shape for name, z in seen.items()} == {"face": (288,), "posture": (64,), "background": (320,)}
    crop = modules.face.read(frame)
    np.testing.assert_allclose(seen["face"], modules.face.deep_and_logits(crop[None])[0][0], atol=1e-5)
    # The person of a box is looked at alone, and hidden from the background.
    height, width = frame.shape[:2]
    half = modules(Item("b", frame, ("anger",), meta={"box": (width // 2, 0, width, height)}))
    assert np.abs(half["background"] - seen["background"]).max() > 1e-3
    assert "face" not in half or np.abs(half["face"] - seen["face"]).max() > 1e-3


def test_a_module_that_finds_nothing_is_left_out(modules):
    assert set(modules(Item("a", np.full((120, 160, 3), 130, np.uint8), ("anger",)))) == {"background"}


def test_every_network_that_reads_pictures_tells_the_cache(modules):
    assert len(set(networks())) == 6


def test_a_network_is_trained_on_pictures(modules, frame, tmp_path):
    for k, name in enumerate(("Anger", "Happy", "Neutral", "Sad")):
        folder = tmp_path / "caer" / "train" / name
        folder.mkdir(parents=True)
        for i in range(9):
            light = np.clip(frame.astype(float) * (0.6 + 0.15 * k) + 2 * i, 0, 255).astype(np.uint8)
            Image.fromarray(light).save(folder / f"{i}.png")
    told = []
    run = train.fusion(
        {"caer-s": tmp_path / "caer"}, tmp_path / "run", epochs=1, cases=64, draws=2, folds=2,
        progress=lambda *now: told.append(now),
    )  # fmt: skip
    assert set(run.scores.pairing) == {"same people"} and len(run.scores) == 4 * 7
    assert set(MODULES) <= {m for names in run.scores.modules for m in names.split(" + ")}
    assert ("caer-s, train", 36, 36) in told
