"""Whole audits and evaluations of models of others: each kind of score, their faults, their labels, and what tells them apart."""

import numpy as np
import pandas as pd
import pytest
from torch import nn

from affectlens import audit, evaluate
from affectlens.audits.objects.audit import ObjectAuditor
from affectlens.audits.objects.pictures import Pictures
from affectlens.audits.objects.settings import ObjectSettings
from affectlens.audits.properties.audit import PropertyAuditor
from affectlens.audits.properties.result import PropertyAudit
from affectlens.audits.properties.settings import PropertySettings
from affectlens.core.errors import ModelError, ModelFailedError, ScoresError, UsageError
from affectlens.models.adapters import CallableModel
from affectlens.models.adapters.pictures import picture_network
from affectlens.models.adapters.preprocess import Preprocessing
from affectlens.models.scores import Scores
from tests.audits.objects.nets import Redness, write_folder

LABELS = ("anger", "happiness", "sadness")
TEXTS = 48


@pytest.fixture
def texts(tmp_path):
    """Texts of one to sixteen words; the label goes by their number, not by their length."""
    lines = ["text,label"]
    for i in range(TEXTS):
        words = " ".join(["word"] * (1 + 5 * i % 16))
        lines.append(f"{words}{'!' if i % 2 else '.'} {i},{LABELS[i % 3]}")
    path = tmp_path / "texts.csv"
    path.write_text("\n".join(lines))
    return f"csv={path}"


def length(texts):
    return np.array([len(text.split()) for text in texts], float)


def scored(kind):
    """What a model of texts gives: the longer, the more of the first."""

    def function(batch):
        z = np.stack([0.6 * length(batch) - 5, -0.1 * length(batch) - 1, 0.05 * length(batch) - 2], axis=1)
        e = np.exp(z)
        return {
            "softmax": z, "sigmoid": z, "probabilities": e / e.sum(axis=1, keepdims=True), "independent": 1 / (1 + 1 / e),
            "binary": z[:, :1], "binary-probability": (1 / (1 + 1 / e))[:, :1], "regression": z[:, :2] / 10,
        }[kind]  # fmt: skip

    return function


def labels_of(kind):
    return {"regression": ("valence", "arousal"), "binary": LABELS[:2], "binary-probability": LABELS[:2]}.get(kind, LABELS)


def model_of(kind, scores=None, **more):
    more = {"name": f"texts-{kind}", **more}
    return CallableModel(scored(kind), labels_of(kind), "words", scores=kind if scores is None else scores, **more)


ONLY = {"only": ("length", "exclamation marks"), "interventions": ("none",)}


@pytest.mark.parametrize(
    "kind", ["softmax", "sigmoid", "binary", "probabilities", "independent", "binary-probability", "regression"]
)
def test_an_audit_of_properties_of_each_kind(kind, texts, tmp_path):
    made = audit.properties(model_of(kind), texts, split="all", out=tmp_path / "out", **ONLY)
    assert made.classes == labels_of(kind) and made.n == TEXTS
    outputs = set(made.tests.output)
    assert ("decision" in outputs) == (kind != "regression") and outputs >= set(labels_of(kind))
    effect = made.tests[(made.tests.property == "length") & (made.tests.output == labels_of(kind)[0])].effect.iloc[0]
    sign = -1 if kind.startswith("binary") else 1  # one number is the second class's
    assert sign * effect > 0.9
    assert made.provenance.model["scores"] == kind and made.provenance.model["scores_from"] == "the caller"
    assert f"scores: {kind} (" in made.about and "known from the caller" in made.about
    assert any("independently" in note for note in made.notes) == (kind in ("sigmoid", "independent"))
    assert kind in (tmp_path / "out" / "audit.html").read_text()
    again = PropertyAudit.load(tmp_path / "out")
    assert again.provenance.model["scores"] == kind


def test_answers_that_are_kept_are_those_of_the_kind(texts):
    auditor = PropertyAuditor(model_of("sigmoid"), texts, PropertySettings(split="all", **ONLY))
    auditor.collect()
    kept = auditor.answers()
    z = scored("sigmoid")([item.data for item in auditor.corpus.items()])
    np.testing.assert_allclose(kept.to_numpy(), 1 / (1 + np.exp(-z)), atol=1e-9)
    assert (np.abs(kept.sum(axis=1) - 1) > 0.05).any()


def test_interventions_on_values_have_no_decisions(tmp_path):
    path = tmp_path / "he.csv"
    path.write_text("text,label\n" + "\n".join(f"he said{' so' * (i % 7)} {i},{LABELS[i % 3]}" for i in range(TEXTS)))

    def valence(batch):
        return np.array([[0.4 * text.split().count("he"), -0.1 * len(text)] for text in batch])

    model = CallableModel(valence, ("valence", "arousal"), "words", scores="regression")
    made = audit.properties(model, f"csv={path}", split="all", only=("length",), interventions=("him to her",), sample=20)
    response = made.interventions["him to her"]
    assert response.flips.empty and set(response.curve["class"]) == {"valence", "arousal"}
    made.report(tmp_path / "page")
    page = (tmp_path / "page" / "audit.html").read_text()
    assert "valence moves most" in page and "decisions change" not in page


def test_what_nobody_says_is_shown_as_assumed(texts, tmp_path):
    """In the result, on the page and in what is saved, of every audit that asks a model, and of an evaluation."""
    said = "no one: they are taken as logits"
    made = audit.properties(model_of("softmax", ""), texts, split="all", out=tmp_path / "properties", **ONLY)
    assert sum(said in note for note in made.notes) == 1 and f"known from {said}" in made.about
    assert made.provenance.model["scores_from"].startswith("no one")
    (pictures := tmp_path / "pictures").mkdir()
    table, labels = write_folder(pictures, 12, np.random.default_rng(0))
    undescribed = picture_network(Redness().eval(), ("fear", "joy"), size=32, layer="relu")
    options = {"objects": str(table), "labels": labels, "methods": ("hirescam",), "effects": 0, "out": tmp_path / "objects"}
    looked = audit.objects(undescribed, pictures, **options)
    assert sum(said in note for note in looked.notes) == 1
    for folder in ("properties", "objects"):
        assert said in (tmp_path / folder / "audit.html").read_text()
    result = evaluate(model_of("softmax", ""), texts, split="all", draws=5, out=tmp_path / "scores")
    assert sum(said in note for note in result.notes) == 1
    assert said in (tmp_path / "scores" / "scores.json").read_text()
    described = audit.properties(model_of("softmax"), texts, split="all", **ONLY)
    assert not any("no one" in note for note in described.notes)


@pytest.mark.parametrize(
    ("kind", "said", "message"),
    [
        ("probabilities", "softmax", "they are probabilities already; say scores='probabilities'"),
        ("independent", "softmax", "say scores='independent'"),
        ("independent", "", "nothing says what its scores are"),
        ("softmax", "probabilities", "rows do not sum to one"),
    ],
)
def test_a_contradiction_ends_the_run_with_one_error(kind, said, message, texts):
    for run in (lambda m: audit.properties(m, texts, split="all", **ONLY), lambda m: evaluate(m, texts, split="all", draws=5)):
        with pytest.raises(ScoresError, match=message):
            run(model_of(kind, said))


def test_one_row_that_contradicts_is_no_missing_item(texts):
    def function(batch):
        given = scored("probabilities")(batch)
        given[[i for i, text in enumerate(batch) if text.endswith(" 40")]] *= 2
        return given

    model = CallableModel(function, LABELS, "words", scores="probabilities")
    for run in (
        lambda: audit.properties(model, texts, split="all", **ONLY),
        lambda: evaluate(model, texts, split="all", draws=5),
    ):
        with pytest.raises(ScoresError, match="1 of 48 rows do not sum to one"):
            run()


def test_scores_of_an_evaluation(texts):
    both = {kind: evaluate(model_of(kind), texts, split="all", draws=5) for kind in ("softmax", "sigmoid", "probabilities")}
    assert both["softmax"].scores["accuracy"].value == both["probabilities"].scores["accuracy"].value
    assert both["sigmoid"].about["scores"] == "sigmoid" and any("independently" in note for note in both["sigmoid"].notes)
    assert both["softmax"].about["scores_from"] == "the caller"
    with pytest.raises(UsageError, match="gives valence, arousal .*no classes that could be scored"):
        evaluate(model_of("regression"), texts, split="all")


def test_maps_settle_what_is_plain_and_leave_open_what_is_not():
    rows = np.array([[2.0, -1.0], [0.2, 0.4]])
    for given, kind in ((rows, "softmax"), (rows[1:], ""), (np.array([[0.3, 0.7]]), "probabilities")):
        scores = Scores()
        scores.recognised(given)
        assert scores.kind == kind
        expected = {"softmax": "no one: they are taken as logits", "": "its answers do not tell", "probabilities": ""}[kind]
        assert expected in scores.caveat("mine") and bool(scores.caveat("mine")) == bool(expected)
    stated = Scores("sigmoid", "the caller")
    stated.recognised(rows)
    assert (stated.kind, stated.caveat("mine")) == ("sigmoid", "")


# Faults.
def fails_always(batch):
    raise ValueError("mat1 and mat2 shapes cannot be multiplied")


def fails_on_shouting(batch):
    if any("!" in text for text in batch):
        raise KeyError("!")
    return scored("softmax")(batch)


def test_a_model_that_fails_on_all_is_the_models_error(texts, tmp_path):
    model = CallableModel(fails_always, LABELS, "words", name="mine", scores="softmax")
    for run in (
        lambda: audit.properties(model, texts, split="all", out=tmp_path / "out", **ONLY),
        lambda: evaluate(model, texts, split="all"),
    ):
        with pytest.raises(
            ModelFailedError, match=r"mine: cannot be run on inputs \d+ of \w+: ValueError: mat1 and mat2 .*; see that size"
        ):
            run()


def test_what_fails_on_some_is_listed_as_the_models(texts):
    model = CallableModel(fails_on_shouting, LABELS, "words", name="mine", scores="softmax")
    result = evaluate(model, texts, split="all", draws=5)
    assert len(result.missed) == TEXTS // 2
    assert all(
        reason.startswith("mine: cannot be run on inputs 1 of ") and "KeyError: '!'" in reason
        for reason in result.missed.values()
    )
    made = audit.properties(model, texts, split="all", only=("length",), interventions=("none",))
    assert made.n == TEXTS // 2 and len(made.missed) == TEXTS // 2
    assert made.missed.key.str.endswith(": prediction").all() and made.missed.reason.str.contains("KeyError").all()


@pytest.fixture
def pictures(tmp_path, rng):
    folder = tmp_path / "pictures"
    folder.mkdir()
    table, labels = write_folder(folder, 12, rng)
    return folder, table, labels


def audited(pictures, model, out=None, **settings):
    folder, table, labels = pictures
    settings = {"methods": ("hirescam",), "effects": 0, "objects": str(table), "labels": labels, **settings}
    return ObjectAuditor(model, folder, ObjectSettings(**settings), out)


class Narrow(nn.Module):
    """It takes pictures of 16 pixels and is given others."""

    def __init__(self):
        super().__init__()
        self.cells, self.head = nn.Conv2d(3, 4, 4, 4), nn.Linear(4 * 16, 2)

    def forward(self, x):
        return self.head(self.cells(x).flatten(1))


def test_a_network_that_takes_no_picture_is_the_networks_error(pictures):
    model = picture_network(Narrow(), ("fear", "joy"), name="narrow", size=32, layer="cells", scores="softmax")
    with pytest.raises(
        ModelFailedError, match=r"narrow: cannot be run on inputs \(1, 3, 32, 32\) float32: RuntimeError: .*shapes"
    ):
        audited(pictures, model).run()


def test_a_finder_that_fails_is_named(pictures, monkeypatch):
    import tests.audits.test_models_of_others as here

    monkeypatch.setattr(here, "finder", lambda picture: {}["box"], raising=False)
    with pytest.raises(
        ModelFailedError, match="--objects tests.audits.test_models_of_others:finder: .*KeyError: 'box' is missing"
    ):
        audited(pictures, network(), objects="tests.audits.test_models_of_others:finder").run()


# Pictures.
def network(change=0.0, labels=("fear", "joy"), **more):
    net = Redness().eval()
    net.head.weight.data += change
    return picture_network(net, labels, name="redness", size=32, layer="relu", **more)


def test_objects_of_independent_labels(pictures):
    made = audited(pictures, network(scores="sigmoid")).run()
    net = Redness().eval()
    first = Pictures(pictures[0], objects=str(pictures[1]), labels=pictures[2])["000.png"]
    model = network(scores="sigmoid")
    z = net(model.tensor(model.read(first.picture)[None]))[0].detach().numpy()
    row = made.images.set_index("image").loc["000.png"]
    assert row.probability == pytest.approx(1 / (1 + np.exp(-z[0])), abs=1e-6) and row.emotion == "fear"
    assert "scores: sigmoid" in made.about and any("independently" in note for note in made.notes)


def test_objects_of_values_are_refused_before_work(pictures):
    with pytest.raises(UsageError, match="gives valence, arousal .*follows the probability of an emotion"):
        audited(pictures, network(labels=("valence", "arousal")))


def test_maps_of_a_crop_are_joined_with_what_lies_in_the_crop(pictures):
    """The middle alone is seen: the shares are those of the same picture cut by hand."""
    folder, table, labels = pictures

    def middle(picture):
        import cv2

        return (
            cv2.resize(picture[16:80, 32:96], (32, 32), interpolation=cv2.INTER_AREA).transpose(2, 0, 1).astype(np.float32)
            / 255
        )

    model = network(preprocess=Preprocessing(middle, "middle"))
    auditor = audited(pictures, model)
    made = auditor.run()
    assert any("a part of each picture" in note for note in made.notes)
    rows = auditor.table("hirescam")
    shown = Pictures(folder, objects=str(table), labels=labels)
    for key in ("000.png", "003.png"):
        for thing in shown[key].things:
            left, top, right, bottom = thing.box
            inside = max(0, min(right, 96) - max(left, 32)) * max(0, min(bottom, 80) - max(top, 16))
            row = rows[(rows.image == key) & (rows.object == thing.name)]
            if inside == 0:
                assert row.empty
            else:
                assert row.area.iloc[0] == pytest.approx(inside / 64**2, abs=0.02)


# Labels that are written otherwise.
def test_labels_of_another_spelling_are_mapped_and_the_rest_is_listed(texts):
    function = scored("softmax")
    model = CallableModel(function, ("Angry", "HAPPY", "Sadness "), "words", scores="softmax")
    plain = CallableModel(function, LABELS, "words", scores="softmax")
    a, b = (evaluate(m, texts, split="all", draws=5) for m in (model, plain))
    assert {n: e.value for n, e in a.scores.items()} == {
        n: e.value for n, e in b.scores.items()
    } and "Angry as anger, HAPPY as happiness, Sadness  as sadness" in " ".join(a.notes)
    assert model.labels == ("Angry", "HAPPY", "Sadness ")  # the caller's model is as it was
    made = audit.properties(model, texts, split="all", **ONLY)
    assert made.classes == LABELS and len(made.groups) and any("Angry as anger" in note for note in made.notes)
    other = CallableModel(function, ("anger", "happiness", "boredom"), "words", scores="softmax")
    listed = audit.properties(other, texts, split="all", **ONLY)
    assert any(
        "the model has no class sadness (16 items); its class boredom is no label of the corpus" in n for n in listed.notes
    )


def test_labels_of_pictures_of_another_spelling(pictures):
    made = audited(pictures, network(labels=("Fear", "JOY"))).run()
    assert set(made.images.emotion) == {"fear", "joy"} and any("Fear as fear, JOY as joy" in note for note in made.notes)


# What tells one model from another of the same name.
def closure(weight):
    def function(batch):
        return weight * scored("softmax")(batch)

    return function


def edited(sign):
    space = {"length": length, "np": np}
    exec(f"def function(batch):\n    z = {sign}length(batch)\n    return np.stack([z, -2 * z, z * 0 - 3], axis=1)\n", space)
    return space["function"]


def named(function, **more):
    return CallableModel(function, LABELS, "words", name="mine", scores="softmax", **more)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lambda: named(closure(1.0)), lambda: named(closure(2.0))),
        (lambda: named(edited("")), lambda: named(edited("-"))),
        (lambda: named(scored("softmax")), lambda: named(scored("sigmoid"))),
        (lambda: named(edited("")), lambda: named(edited(""), prepare=Preprocessing(str.upper))),
        (lambda: named(edited("")), lambda: CallableModel(edited(""), LABELS, "words", name="mine", scores="sigmoid")),
        (lambda: named(edited("")), lambda: CallableModel(edited(""), LABELS[::-1], "words", name="mine", scores="softmax")),
    ],
    ids=[
        "another closure",
        "another body",
        "another helper's argument",
        "a preprocessing",
        "another kind of score",
        "other labels",
    ],
)
def test_a_pass_is_not_taken_up_with_another_model_of_the_same_name(before, after, texts, tmp_path):
    settings = PropertySettings(split="all", **ONLY)
    first = PropertyAuditor(before(), texts, settings, tmp_path / "out")
    first.collect()
    same = PropertyAuditor(before(), texts, settings, tmp_path / "out")
    assert same.plan().left == 0
    with pytest.raises(UsageError, match="holds a run with other settings .*class"):
        PropertyAuditor(after(), texts, settings, tmp_path / "out").plan()


@pytest.mark.parametrize("what", ["weights", "forward", "finder"])
def test_a_retrained_network_or_another_finder_is_a_new_one(what, pictures, tmp_path, monkeypatch):
    import tests.audits.test_models_of_others as here

    monkeypatch.setattr(here, "finder", finder_at(4), raising=False)
    spec = "tests.audits.test_models_of_others:finder"
    audited(pictures, network(), tmp_path / "out", objects=spec).collect()
    assert audited(pictures, network(), tmp_path / "out", objects=spec).plan().left == 0
    model = network(change=0.5 if what == "weights" else 0.0)
    if what == "forward":
        model.net.__class__ = Other
    if what == "finder":
        monkeypatch.setattr(here, "finder", finder_at(6))
    with pytest.raises(UsageError, match="holds a run with other settings"):
        audited(pictures, model, tmp_path / "out", objects=spec).plan()


class Other(Redness):
    def forward(self, x):
        return -super().forward(x)


def finder_at(edge):
    def finder(picture):
        return [("thing", 1.0, (edge, edge, 40, 40))]

    return finder


def test_errors_of_a_model_are_never_read_as_markup(texts, capsys, monkeypatch):
    import tests.audits.test_models_of_others as here
    from affectlens.cli.main import main

    def function(batch):
        raise ValueError("expected [bold red]3[/] channels [/x]")

    function.labels, function.modality = LABELS, "words"
    monkeypatch.setattr(here, "marked", function, raising=False)
    with pytest.raises(SystemExit):
        main(["evaluate", "tests.audits.test_models_of_others:marked", "--corpus", texts, "--split", "all"])
    assert "ValueError: expected [bold red]3[/] channels [/x]" in " ".join(capsys.readouterr().err.split())


def test_options_of_the_program(texts, tmp_path, capsys, monkeypatch):
    import tests.audits.test_models_of_others as here
    from affectlens.cli.main import main

    def function(batch):
        return scored("independent")(batch)

    function.labels, function.modality = LABELS, "words"
    monkeypatch.setattr(here, "function", function, raising=False)
    monkeypatch.setattr(here, "louder", str.upper, raising=False)
    spec, here_name = "tests.audits.test_models_of_others:function", "tests.audits.test_models_of_others"
    out = tmp_path / "scores"
    with pytest.raises(SystemExit):
        main(["evaluate", spec, "--corpus", texts, "--split", "all", "--scores", "sigmiod"])
    assert "did you mean sigmoid?" in capsys.readouterr().err
    for arguments in (
        ["evaluate", spec, "--draws", "5"],
        ["audit", "properties", "--model", spec, "--only", "length", "--interventions", "none"],
    ):
        try:
            main([*arguments, "--corpus", texts, "--split", "all", "--scores", "independent", "--preprocess", f"{here_name}:louder",
                  "--out", str(out / arguments[0])])  # fmt: skip
        except SystemExit as stop:
            assert not stop.code, capsys.readouterr()
    assert '"scores": "independent"' in (out / "evaluate" / "scores.json").read_text()
    assert '"scores": "independent"' in (out / "audit" / "provenance.json").read_text()
    with pytest.raises(ModelError, match="one number for two classes"):
        pd.DataFrame({"key": ["a"], "p_x": [1.0], "p_y": [0.0]}).to_csv(tmp_path / "t.csv", index=False)
        evaluate(str(tmp_path / "t.csv"), texts, split="all", scores="binary")
