"""The comparison of classifiers: what is told against hand counts, what is kept and what is asked again, and the page."""

import re
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from affectlens import audit
from affectlens.audits.compare.audit import Comparer
from affectlens.audits.compare.models import named_models
from affectlens.audits.compare.result import Comparison
from affectlens.audits.compare.settings import CompareSettings
from affectlens.audits.sharing import carried_out
from affectlens.core.errors import UsageError
from affectlens.dispatch import Running, Shard
from tests.audits.compare.bench import CLASSES, Stripes, reader

QUICK = {"only": ("none",), "interventions": ("none",), "draws": 20}


def right(model, corpus):
    """Which items a model gets right, asked by hand."""
    return model.probabilities(np.stack(corpus.pictures)).argmax(axis=1) == corpus.truth


@pytest.fixture(scope="module")
def three():
    return reader(10, 1, "sharp"), reader(25, 2, "middling"), reader(60, 3, "dull")


@pytest.fixture(scope="module")
def found(three, tmp_path_factory):
    corpus, folder = Stripes(240), tmp_path_factory.mktemp("compare")
    own = folder / "own.csv"
    pd.DataFrame({"key": corpus.keys, "ground": corpus.ground}).to_csv(own, index=False)
    given = QUICK | {"table": own, "interventions": ("contrast",), "sample": 30, "draws": 60}
    return audit.compare(three, corpus, out=folder / "out", **given), folder / "out", corpus


def test_scores_and_tests_are_those_of_a_hand_count(found, three):
    result, _, corpus = found
    hits = {model.name: right(model, corpus) for model in three}
    accuracy = result.scores[result.scores.measure == "accuracy"].set_index("model").value
    assert accuracy.to_dict() == pytest.approx({name: hit.mean() for name, hit in hits.items()})
    pairs = result.tests[(result.tests.family == "between models") & (result.tests.measure == "accuracy")]
    assert len(pairs) == 3
    for row in pairs.itertuples():
        one, other = hits[row.model], hits[row.other]
        only = int((one & ~other).sum()), int((other & ~one).sum())
        assert row.p_value == pytest.approx(binomtest(only[0], sum(only)).pvalue)
        assert row.effect == pytest.approx(one.mean() - other.mean()) and row.low < row.effect < row.high
    recall = result.tests[result.tests.measure == "mean recall"].iloc[0]
    means = [np.mean([hits[name][corpus.truth == k].mean() for k in range(3)]) for name in (recall.model, recall.other)]
    assert recall.effect == pytest.approx(means[0] - means[1])


def test_an_order_is_told_only_where_it_is_shown(found):
    result, _, _ = found
    ranks = result.ranks.set_index("model")
    assert ranks.loc["dull", ["best_rank", "worst_rank"]].tolist() == [3, 3]
    assert "dull" in ranks.shown_better_than["sharp"]
    same = audit.compare([reader(25, 1, "a"), reader(25, 2, "b")], Stripes(60), **QUICK)
    assert same.ranks[["best_rank", "worst_rank"]].to_numpy().tolist() == [[1, 2], [1, 2]]
    assert any("No model is shown to be more accurate" in line for line in same.findings())


def test_the_correction_is_over_everything(found):
    from affectlens.stats.multiple import holm

    tests = found[0].tests
    headline = tests.family == "between models"
    for half in (headline, ~headline):
        expected = np.minimum(1, 2 * holm(tests.p_value[half].to_numpy()))
        assert tests.p_holm[half].to_numpy() == pytest.approx(expected, nan_ok=True)
    assert len(found[0].claims) == (tests.p_holm <= 0.05).sum() > 0


def test_every_cell_leads_to_a_row_of_the_page(found):
    result, folder, _ = found
    page = (folder / "audit.html").read_text(encoding="utf-8")
    links, names = re.findall(r'href="#([^"]+)"', page), re.findall(r'<tr id="([^"]+)"', page)
    assert len(links) > 30 and set(links) <= set(names) and len(names) == len(set(names))
    assert "●" in page and "McNemar" in page
    matrix = result.matrix()
    assert list(matrix.columns) == ["what", "sharp", "middling", "dull"]
    assert {"accuracy", "ECE", "contrast, changed"} <= set(matrix.what)


def test_it_comes_back_from_its_folder(found):
    result, folder, _ = found
    again = Comparison.load(folder)
    pd.testing.assert_frame_equal(again.tests, result.tests)
    assert again.models == result.models and again.findings() == result.findings()
    assert set(again.provenance.model["models"]) == {"sharp", "middling", "dull"}
    for name in ("scores", "ranks", "dependence", "responses"):
        assert result.plot(name) is not None


def test_a_model_that_is_added_is_the_only_one_that_is_asked(tmp_path):
    corpus = Stripes(40)
    one, two, three = (reader(20, seed, f"m{seed}") for seed in (1, 2, 3))
    given = QUICK | {"interventions": ("brightness",), "sample": 10}
    before = audit.compare([one, two], corpus, out=tmp_path, **given)
    asked, read = [m.function.asked for m in (one, two)], corpus.read
    after = audit.compare([one, two, three], corpus, out=tmp_path, **given)
    assert [m.function.asked for m in (one, two)] == asked and three.function.asked == asked[0]
    assert after.models == ("m1", "m2", "m3") and corpus.read > read
    both = [
        frame.scores[(frame.scores.model == "m1") & (frame.scores.measure == "accuracy")].value.item()
        for frame in (before, after)
    ]
    assert both[0] == both[1]
    audit.compare([two, three], corpus, out=tmp_path, **given)  # taking one away asks nobody
    assert three.function.asked == asked[0] and two.function.asked == asked[1]


def test_the_corpus_is_read_once_for_all_models(tmp_path):
    corpus = Stripes(40)
    audit.compare([reader(20, seed, f"m{seed}") for seed in range(4)], corpus, **QUICK)
    assert corpus.read == 40


def test_shards_and_a_broken_run_give_what_a_whole_run_gives(tmp_path):
    def given():
        return [reader(20, 1, "a"), reader(40, 2, "b")], Stripes(1100)

    whole = audit.compare(*given(), **QUICK)
    fields = QUICK | {"out": tmp_path / "sharded"}
    for number in (1, 2, 3):
        share = carried_out("compare", given(), fields, Running(shard=Shard(number, 3)))
        assert share.shard == f"{number}/3"
    models, corpus = given()
    merged = audit.compare(models, corpus, **fields)
    assert [model.function.asked for model in models] == [0, 0]
    pd.testing.assert_frame_equal(merged.tests, whole.tests)
    models, corpus = given()
    comparer = Comparer(models, corpus, CompareSettings(**QUICK), tmp_path / "broken")
    comparer.collect(keys=comparer.keys()[:700])
    done = [model.function.asked for model in models]
    again = audit.compare(models, corpus, out=tmp_path / "broken", **QUICK)
    pd.testing.assert_frame_equal(again.tests, whole.tests)
    assert sum(model.function.asked for model in models) == 2200 and sum(done) == 700


def test_what_is_not_answered_is_wrong_and_listed():
    corpus = Stripes(100, damaged=(3, 4))
    one, other = reader(10, 1, "a"), reader(10, 2, "b")
    result = audit.compare([one, other], corpus, **QUICK)
    scores = result.scores.set_index(["model", "measure"]).value
    hit = right(one, corpus)
    assert scores["a", "answered"] == 0.98 and scores["a", "accuracy"] == pytest.approx(np.delete(hit, [3, 4]).sum() / 100)
    assert scores["a", "accuracy_of_answers"] == pytest.approx(np.delete(hit, [3, 4]).mean())
    assert result.unread == {f"{key} ({name})": "it is damaged" for key in ("0003", "0004") for name in ("a", "b")}


def test_a_model_that_answers_nothing_is_left_out_and_the_others_go_on():
    from affectlens.models.adapters import CallableModel

    def broken(pictures):
        raise ValueError("out of order")

    lost = CallableModel(broken, CLASSES, "face", name="lost", scores="probabilities")
    result = audit.compare([reader(10, 1, "a"), lost, reader(30, 2, "b")], Stripes(40), **QUICK)
    assert result.models == ("a", "b") and any("lost is left out" in note and "out of order" in note for note in result.notes)
    assert "0000 (lost)" in result.unread
    with pytest.raises(UsageError, match="no model answered anything"):
        audit.compare(
            [lost, CallableModel(broken, CLASSES[::-1], "face", name="too", scores="probabilities")], Stripes(40), **QUICK
        )


def test_only_items_whose_label_every_model_knows_are_compared():
    more = reader(10, 1, "more", (*CLASSES, "contempt"))
    less = reader(30, 2, "less", ("anger", "happiness", "contempt"))
    corpus = Stripes(150)
    result = audit.compare([more, less], corpus, **QUICK)
    assert result.n == int((corpus.truth < 2).sum())
    said = " ".join(result.notes)
    assert "sadness" in said and "not a class of less" in said and "can also answer" in said


def test_people_are_the_units(tmp_path):
    corpus = Stripes(200, people=10)
    result = audit.compare([reader(25, 1, "a"), reader(60, 2, "b")], corpus, **QUICK)
    row = result.tests[result.tests.measure == "accuracy"].iloc[0]
    assert result.people == 10 and row.units == 10 and row.p_value >= 2 / 2**10
    plain = audit.compare([reader(25, 1, "a"), reader(60, 2, "b")], Stripes(200), **QUICK)
    assert plain.people == 0 and plain.tests[plain.tests.measure == "accuracy"].iloc[0].p_value < row.p_value
    named = audit.compare([reader(25, 1, "a"), reader(60, 2, "b")], Stripes(200), people=r"\d\d\d", **QUICK)
    assert named.people == 20


def test_a_table_of_another_tool_takes_part(tmp_path):
    corpus, model = Stripes(80), reader(30, 2, "b")
    said = model.probabilities(np.stack(corpus.pictures))
    table = pd.DataFrame(said, columns=[f"p_{name}" for name in CLASSES]).assign(key=corpus.keys)
    table.iloc[5:].to_csv(tmp_path / "tool.csv", index=False)
    result = audit.compare(
        [reader(10, 1, "a"), str(tmp_path / "tool.csv")], corpus, **QUICK | {"interventions": ("contrast",), "sample": 10}
    )
    scores = result.scores.set_index(["model", "measure"]).value
    assert scores["tool", "answered"] == pytest.approx(75 / 80)
    assert scores["tool", "accuracy_of_answers"] == pytest.approx(right(model, corpus)[5:].mean())
    assert set(result.responses.model) == {"a"} and any("not tool" in note for note in result.notes)


def test_words_are_measured_once_and_swaps_are_made_where_they_change_something(tmp_path, monkeypatch):
    from affectlens.features.properties import registry
    from affectlens.models.adapters import CallableModel

    texts = [f"{who} said it was {how} number {n}" for n in range(15) for who in ("he", "she") for how in ("bad", "good")]
    labels = ["anger" if "bad" in text else "happiness" for text in texts]
    pd.DataFrame({"text": texts, "label": labels}).to_csv(tmp_path / "t.csv", index=False)
    counted = []
    real = registry.PROPERTIES.get("length")[0]

    def length(text):
        counted.append(text)
        return real.measure(text)

    monkeypatch.setattr(
        "affectlens.audits.compare.audit.property_named",
        lambda name, modality: registry.Property("length", "words", "continuous", "words", "", length),
    )

    def model(name, wrong):
        def says(batch):
            return [[0.9, 0.1] if ("bad" in text) != (wrong in text) else [0.1, 0.9] for text in batch]

        return CallableModel(says, ("anger", "happiness"), "words", name=name, scores="probabilities")

    result = audit.compare(
        [model("fair", "nowhere"), model("unfair", "she ")], f"csv={tmp_path / 't.csv'}", split="all", only=("length",), interventions=("all",), draws=20,
    )  # fmt: skip
    assert len(counted) == 60
    swapped = result.responses[
        (result.responses.dose == 1) & (result.responses.intervention == result.responses.intervention.iloc[0])
    ]
    by_model = swapped.set_index("model").changed_decisions
    assert by_model["fair"] == 0 and by_model["unfair"] == 1
    assert "response, between models" in set(result.claims.family)


def test_what_cannot_be_compared_is_refused(tmp_path):
    corpus = Stripes(40)
    with pytest.raises(UsageError, match="needs two models or more"):
        audit.compare([reader(1, 1, "a")], corpus)
    with pytest.raises(UsageError, match="a and a 2 are the same model"):
        audit.compare([reader(1, 1, "a"), reader(1, 1, "a")], corpus, **QUICK)
    with pytest.raises(UsageError, match="unknown model of this comparison 'c'"):
        audit.compare([reader(1, 1, "a"), reader(1, 2, "b")], corpus, scores=("c=softmax",), **QUICK)
    with pytest.raises(UsageError, match="NAME=KIND was expected"):
        CompareSettings(scores=("softmax",))
    with pytest.raises(UsageError, match="MODULE:FUNCTION was expected"):
        CompareSettings(preprocess=("a=function",))
    with pytest.raises(UsageError, match="at least 20 are needed"):
        audit.compare([reader(1, 1, "a"), reader(1, 2, "b")], Stripes(10), **QUICK)


def test_names_of_models(tmp_path):
    (tmp_path / "a=b.csv").write_text("")
    found = named_models([tmp_path / "a=b.csv", "x=face", "x=words", "gait", reader(1, 1, "own")])
    assert list(found) == ["a=b", "x", "x 2", "gait", "own"]
    assert named_models({"one": "face", "two": "words"}) == {"one": "face", "two": "words"}


def test_a_finished_audit_is_verified_file_by_file(tmp_path):
    """Every file that an audit leaves, its parts and figures among them, and bytes of each."""
    from affectlens import verify

    out = tmp_path / "out"
    audit.compare([reader(20, 1, "a"), reader(40, 2, "b")], Stripes(40), out=out, **QUICK)
    assert verify(out).whole
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in files:
        content = path.read_bytes()
        for place in {0, len(content) // 2, len(content) - 1} if content else ():
            path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
            assert not verify(out).whole, (path, place)
        path.unlink()
        with pytest.raises(UsageError) if path.name == "chain.jsonl" else nullcontext():
            assert verify(out).changes.file.tolist() == [path.relative_to(out).as_posix()]
        path.write_bytes(content)
    assert verify(out).whole
    audit.compare(
        [reader(20, 1, "a"), reader(40, 2, "b")], Stripes(40), out=out, **QUICK
    )  # the run goes on, and is whole again
    assert verify(out).whole


def test_the_corpus_is_gone_through_once_for_all_interventions(three, tmp_path):
    read, answers = {}, {}
    for count, names in ((1, ("contrast",)), (3, ("contrast", "brightness", "blur"))):
        corpus = Stripes(60)
        found = audit.compare(three, corpus, out=tmp_path / str(count), **QUICK | {"interventions": names, "sample": 20})
        read[count], answers[count] = corpus.read, found.responses
    assert set(answers[3].intervention) == {"contrast", "brightness", "blur"}
    assert read[3] <= read[1] + 60  # what is changed is read as often for three as for one, but for the last items
