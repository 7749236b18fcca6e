"""Tables of predictions made elsewhere against a corpus in class folders, from the command line's functions on."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectlens import audit, evaluate
from affectlens.audits.properties import corpus
from affectlens.core.errors import UsageError
from affectlens.features.properties.registry import PROPERTIES, register_property

LABELS = ("happy", "sad", "fear")
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
WORDS = {"happy": "happiness", "sad": "sadness", "fear": "fear"}


@pytest.fixture
def faces(tmp_path):
    """Thirty pictures, ten of the same names in each of three class folders."""
    rng = np.random.default_rng(3)
    root = tmp_path / "faces"
    for label in LABELS:
        (root / label).mkdir(parents=True)
        for i in range(10):
            picture = np.clip(rng.normal(60 + 12 * i, 20, (48, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(root / label / f"{i:03}.png")
    return root


@pytest.fixture
def light(monkeypatch):
    looked = []
    monkeypatch.setattr(corpus, "view_maker", lambda *_: lambda item: (looked.append(item.key), (item.data, ""))[1])
    register_property("test light", "face", says="it is light")(lambda x: float(x.mean()))
    yield looked
    PROPERTIES.remove("test light")


def predictions(faces, form):
    rng = np.random.default_rng(5)
    keys = [p.relative_to(faces).as_posix() for p in sorted(faces.rglob("*.png"))]
    p = rng.dirichlet(np.ones(7) * 0.5, len(keys))
    return keys, pd.DataFrame(p, columns=list(CLASSES)).assign(file=[form(k) for k in keys])


FORMS = {
    "Windows": lambda k: "D:\\data\\Faces\\" + k.replace("/", "\\"),
    "absolute": lambda k: f"/data/faces/{k}",
    "relative": lambda k: k,
    "no suffix": lambda k: k.removesuffix(".png"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_row_meets_its_picture(faces, tmp_path, light, form):
    keys, table = predictions(faces, FORMS[form])
    table.sample(frac=1, random_state=1).to_csv(tmp_path / "p.csv", index=False)
    made = audit.properties(None, f"folder={faces}", predictions=tmp_path / "p.csv", only=("test light",))
    assert made.n == 30 and not len(made.missed)
    scored = evaluate(tmp_path / "p.csv", f"folder={faces}", draws=2)
    truth = [WORDS[k.split("/")[0]] for k in keys]
    right = table[list(CLASSES)].idxmax(axis=1).to_numpy() == np.array(truth)
    assert scored.n == 30 and not scored.missed and scored.scores["accuracy"].value == pytest.approx(right.mean())


def test_what_does_not_meet_is_listed_or_stops_before_the_pass(faces, tmp_path, light):
    keys, table = predictions(faces, FORMS["absolute"])
    some = pd.concat([table.iloc[:25], table.iloc[[25]].assign(file="/data/faces/happy/999.png")])
    some.to_csv(tmp_path / "p.csv", index=False)
    made = audit.properties(None, f"folder={faces}", predictions=tmp_path / "p.csv", only=("test light",))
    said = " ".join(made.notes)
    assert made.n == 25 and f"5 of 30 items of folder have no prediction, such as {keys[25]}" in said
    assert "1 of 26 files of the table are not in folder, such as /data/faces/happy/999.png" in said
    assert made.missed.key.tolist() == [f"{k}: prediction" for k in keys[25:]]
    assert set(made.missed.reason) == {"the table has no row of it"}
    scored = evaluate(tmp_path / "p.csv", f"folder={faces}", draws=2)
    assert list(scored.missed) == keys[25:] and "no row of it" in scored.missed[keys[25]]
    assert scored.n == 30 and any("5 of 30 items" in note for note in scored.notes)
    light.clear()
    table.assign(file=[k.split("/")[1] for k in keys]).iloc[:10].to_csv(tmp_path / "bare.csv", index=False)
    for call in (
        lambda: audit.properties(None, f"folder={faces}", predictions=tmp_path / "bare.csv", only=("test light",)),
        lambda: evaluate(tmp_path / "bare.csv", f"folder={faces}"),
    ):
        with pytest.raises(
            UsageError, match=r"none of the 30 items of folder: .*which could be of fear/000.png or happy/000.png"
        ):
            call()
    assert not light


def test_labels_and_units_are_audited_without_calibration(faces, tmp_path, light):
    keys, table = predictions(faces, FORMS["absolute"])
    rng = np.random.default_rng(1)
    said = table[list(CLASSES)].idxmax(axis=1).str.capitalize()
    brightness = [np.asarray(Image.open(faces / k)).mean() for k in keys]
    units = pd.DataFrame({"au_1_intensity": np.array(brightness) / 50, "au_12_intensity": rng.uniform(0, 5, 30)})
    frame = pd.DataFrame({"input_image_path": table.file, "facial_expression": said, "au_1": 1}).join(units)
    frame.to_csv(tmp_path / "p.csv", index=False)
    made = audit.properties(None, f"folder={faces}", predictions=tmp_path / "p.csv", only=("test light",))
    assert set(made.tests.output) >= {"AU01", "AU12", "decision"} and made.n == 30
    effect = made.tests.set_index("output").effect
    assert effect["AU01"] > 0.95 and abs(effect["AU12"]) < 0.6  # as they are, not bounded like probabilities
    assert "calibration_error" not in made.groups and "calibration is not computed" in " ".join(made.notes)
    assert made.report(tmp_path / "page").exists()
    scored = evaluate(tmp_path / "p.csv", f"folder={faces}", draws=2)
    assert "calibration_error" not in scored.scores and "calibration is not computed" in " ".join(scored.notes)
    openface = units.set_axis(["AU01_r", "AU12_r"], axis=1).assign(filename=table.file, success=[0] + [1] * 29)
    openface.to_csv(tmp_path / "o.csv", index=False)
    made = audit.properties(None, f"folder={faces}", predictions=tmp_path / "o.csv", only=("test light",))
    assert list(made.tests.output) == ["AU01", "AU12"] and made.n == 29 and made.groups.empty
    assert made.tests.effect[0] > 0.95 and made.report(tmp_path / "page2").exists()
    assert made.missed.reason.tolist() == ["OpenFace: success = 0, no face was tracked"]
