import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectlens.context.prior import findingemo
from affectlens.context.store import Store, Unit
from affectlens.core.errors import UsageError
from affectlens.core.labels import EKMAN7
from affectlens.core.options import Options
from affectlens.models.base import Calibration
from affectlens.models.shipped.background import BackgroundModel, BackgroundNet
from affectlens.models.weights import save_weights
from affectlens.pipeline import Engine, explain
from tests.conftest import asset_path


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    """A frame of the sample clip as a picture of its own."""
    from affectlens.media.frames import frames

    image = next(frame.image for frame in frames(asset_path("sample-clip"), 1.0) if frame.time >= 2)
    path = tmp_path_factory.mktemp("scene") / "speech.png"
    Image.fromarray(image).save(path)
    return path


def background_weights(path):
    """Weights of a background network that has learned nothing."""
    net = BackgroundNet().eval()
    meta = {"labels": list(EKMAN7.labels), "config": net.config.to_dict(), "corpus": "none", "licence": "none"}
    save_weights(path, dict(net.state_dict()), meta, Calibration())
    return path


def scene_engine(**settings):
    for name in ("yunet", "face-landmarker", "efficientdet-lite0"):
        asset_path(name)
    return Engine(Options(modalities=("face", "scene"), threads=1, device="cpu", faithfulness=0, **settings))


def test_things_looks_and_place_become_evidence(photograph, tmp_path):
    run = explain(photograph, tmp_path / "out", engine=scene_engine())
    found = run.evidence[run.evidence.modality == "scene"]
    names = set(zip(found.kind, found.subject, strict=True))
    assert {("place", ""), ("thing", "person"), ("look", "brightness")} <= names
    assert (found.level == "situation").all() and (found.person == -1).all()
    # The surroundings are no opinion: no row of the table, nothing in the fused answer.
    assert "scene" not in set(run.table.modality)
    page = (run.results[0].report).read_text(encoding="utf-8")
    assert "The surroundings" in page and "people" in page


def test_what_was_told_stands_against_what_is_seen(photograph, tmp_path):
    engine = scene_engine(place="beach")
    run = explain(photograph, tmp_path / "out", engine=engine)
    place = run.evidence[run.evidence.kind == "place"].iloc[0]
    assert '"beach"' in place.detail and '"given"' in place.detail


def test_contradicting_metadata_are_noted(tmp_path, monkeypatch):
    from affectlens.context.place import Place
    from affectlens.modalities.scene import modality as scene

    monkeypatch.setattr(
        scene, "infer_place", lambda *_: (Place("kitchen", True, "things and surfaces seen", 0.9), {"kitchen": 0.9})
    )
    path = tmp_path / "beach.png"
    Image.fromarray(np.full((60, 80, 3), 90, np.uint8)).save(path)
    run = explain(path, tmp_path / "out", engine=scene_engine())
    assert any("looks indoors" in note for note in run.results[0].problems)


def test_an_empty_scene_is_said_to_be_one(tmp_path):
    path = tmp_path / "wall.png"
    Image.fromarray(np.full((60, 80, 3), 90, np.uint8)).save(path)
    run = explain(path, tmp_path / "out", engine=scene_engine())
    found = run.evidence[run.evidence.modality == "scene"]
    assert not (found.kind == "thing").any()
    assert "Place: unknown" in (run.results[0].report).read_text(encoding="utf-8")


def annotations(path):
    rows = [{"image_path": f"/Run_1/Happy adults {place}/{i}.jpg", "emotion": emotion}
            for place, emotion in (("beach", "Joy"), ("prison", "Grief")) for i in range(30)]  # fmt: skip
    pd.DataFrame([*rows, {"image_path": "/Run_1/Happy adults beach/0.jpg", "emotion": "Trust"},
                  {"image_path": "/Run_2/Odd people somewhere/1.jpg", "emotion": "Nonsense"}]).to_csv(path, index=False)  # fmt: skip
    return path


def test_findingemo_becomes_shares_by_place(tmp_path):
    frame = findingemo(annotations(tmp_path / "a.ann"))
    assert set(frame.place) == {"beach", "prison"} and len(frame) == 60
    # Two raters of one picture: joy is happiness, trust half of it.
    first = frame[frame.fingerprint == "/Run_1/Happy adults beach/0.jpg"].iloc[0]
    assert first.p_happiness == 0.75 and first.p_neutral == 0.25
    assert frame[frame.place == "prison"].p_sadness.mean() == 1
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="FindingEmo"):
        findingemo(tmp_path / "b.csv")


@pytest.fixture
def sad_store(tmp_path):
    store = Store(tmp_path / "u.db")
    sad = np.full(7, 0.05)
    sad[EKMAN7.labels.index("sadness")] = 0.7
    for i in range(25):
        store.put(f"r{i}", "office", True, None, [Unit(0, 3, EKMAN7.labels, tuple(sad))])
    return tmp_path / "u.db"


def _shares_of_usual(run):
    return run.evidence[(run.evidence.kind == "share") & (run.evidence.subject == "usual")]


def test_what_is_usual_takes_part_only_when_asked_and_is_seen(photograph, tmp_path, sad_store):
    plain = explain(photograph, tmp_path / "a", engine=scene_engine(store=str(sad_store), place="office"))
    asked = explain(photograph, tmp_path / "b", engine=scene_engine(store=str(sad_store), place="office", use_usual=True))
    before, after = (run.table[(run.table.modality == "fused") & (run.table.status == "ok")] for run in (plain, asked))
    assert (after.p_sadness.to_numpy() > before.p_sadness.to_numpy()).all()
    shares = _shares_of_usual(asked)
    assert len(shares) == len(after) and not len(_shares_of_usual(plain))
    assert "took part in the fused answer" in (asked.results[0].report).read_text(encoding="utf-8")
    # What took part in the answers is not taught to the store again.
    assert len(Store(sad_store).units()) == 25 + len(before)


def test_too_few_take_no_part(photograph, tmp_path):
    run = explain(photograph, tmp_path / "a", engine=scene_engine(store=str(tmp_path / "new.db"), use_usual=True))
    assert any("takes no part" in note for note in run.results[0].problems)
    assert not len(_shares_of_usual(run))


def test_usual_needs_a_source():
    with pytest.raises(UsageError, match="--store"):
        Options(use_usual=True)
    with pytest.raises(UsageError, match="findingemo"):
        Options(prior="nonsense")


def test_the_background_needs_weights_and_then_speaks_for_everybody_in_view(photograph, tmp_path):
    asset_path("efficientdet-lite0")
    with pytest.raises(UsageError, match="affectlens train background"):
        Engine(Options(modalities=("face", "background"), threads=1))
    background_weights(tmp_path / "b.safetensors")
    model = BackgroundModel(tmp_path / "b.safetensors")
    x = np.random.default_rng(0).normal(0, 1, (8, 320)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x), np.concatenate([model.predict(x[i : i + 1]) for i in range(8)]), atol=1e-5)
    engine = Engine(Options(modalities=("face", "background"), threads=1, background=str(tmp_path / "b.safetensors")))
    run = explain(photograph, tmp_path / "out", engine=engine)
    rows = run.table[run.table.modality == "background"]
    assert set(rows.person) == set(run.table[run.table.modality == "face"].person) and (rows.status == "ok").all()
    assert np.ptp(rows.p_anger) == 0  # one frame, one background
    told = run.evidence[run.evidence.kind == "object"]
    assert len(told) and set(told.modality) == {"background"} and "person" not in set(told.subject)
    shares = [json.loads(text) for text in told.detail]
    assert all(0 <= share["relevance_share"] <= 1 and 0 < share["area_share"] <= 1 for share in shares)


def test_a_background_is_trained_from_pictures(tmp_path):
    from affectlens import train
    from tests.corpora.visual_trees import caer_s

    asset_path("efficientdet-lite0")
    tree = caer_s(tmp_path / "caer")
    rng = np.random.default_rng(0)
    for name in ("Anger", "Happy", "Sad"):
        for i in range(8):
            shade = {"Anger": (200, 30, 30), "Happy": (60, 190, 60), "Sad": (40, 50, 160)}[name]
            noise = rng.integers(0, 40, (64, 64, 3))
            Image.fromarray((np.array(shade) * 0.8 + noise).astype(np.uint8)).save(tree / "train" / name / f"b{i}.png")
    run = train.background({"caer-s": tree}, tmp_path / "run", epochs=40, batch=8)
    assert run.scores.set_index("score").value["accuracy"] > 0.6 and "CAER-S" in (tmp_path / "run/background.md").read_text()
