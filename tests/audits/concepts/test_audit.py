"""The audit from end to end: a planted concept is found where it is, the result keeps what it holds, bad input is told."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benchmarks.planted_dialogues import AUDIO, JOINED, TEXT, audited, dialogues, trained
from typer.testing import CliRunner

import affectlens.audit
from affectlens.audits.concepts.audit import ConceptAuditor, _weak
from affectlens.audits.concepts.audit import concepts as run
from affectlens.audits.concepts.cav.completeness import completeness
from affectlens.audits.concepts.cav.space import Space, directions
from affectlens.audits.concepts.result import ConceptAudit
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.audits.concepts.sources import available
from affectlens.cli.main import app
from affectlens.core.errors import AffectlensError, CorpusError, ModelError, UsageError
from tests.audits import corpora

TABLES = ("tests", "support", "pairs", "agreement", "cosines", "completeness", "examples")
SETTINGS = ConceptSettings(draws=199, bootstraps=50)


@pytest.fixture(scope="module")
def model():
    return trained(0)


@pytest.fixture(scope="module")
def audit(model):
    data, targets = dialogues(5000, 40)
    unsupported = {"loud": "concept 'loud' needs voice, which"}
    return ConceptAuditor(
        model, data, targets, SETTINGS, meanings={"decoy": "decides nothing"}, unsupported=unsupported
    ).run()  # fmt: skip


@pytest.fixture(scope="module")
def mosi(tmp_path_factory):
    """A generated corpus and the weights of a network trained on it."""
    folder = tmp_path_factory.mktemp("mosi")
    corpus = corpora.mosi(folder / "mosi.npz")
    return corpus, corpora.mosi_model(corpus, folder / "net.safetensors")


def test_planted_concept_is_found_where_it_is(audit):
    f = audit.tests[audit.tests["class"] == "yes"].set_index(["concept", "layer"])
    for layer in (*TEXT, *JOINED):
        assert f.loc[("concept", layer), "p_max_t"] <= 0.05 and f.loc[("concept", layer), "statistic"] > 0.5
        assert f.loc[("decoy", layer), "p_max_t"] > 0.05
    for layer in AUDIO:
        assert f.loc[("concept", layer), "p_max_t"] > 0.05


def test_tables(audit):
    s = audit.support.set_index("concept")
    assert s.loc["concept", "confounded_with_label"] and not s.loc["decoy", "confounded_with_label"]
    assert s.loc["concept", "most_with"] == "yes" and s.loc["decoy", "meaning"] == "decides nothing"
    assert audit.completeness.set_index("layer").loc["branches.text.context", "completeness"] > 0.5
    assert set(audit.examples.kind) == {"example", "taken for one"}
    assert len(audit.agreement) == 2 * 15
    near = audit.agreement.set_index(["concept", "layer", "other_layer"]).correlation
    assert near[("concept", "branches.text.context", "branches.text.dense")] > 0.9
    for name in TABLES:
        assert all(c.isidentifier() for c in getattr(audit, name).columns), name


def test_conventions(audit):
    np.testing.assert_array_equal(audit.pvalue, audit.tests.p_value)
    np.testing.assert_array_equal(audit.statistic, audit.tests["shift"])
    assert audit.provenance.data["items_examined"] == 320 and audit.provenance.data["classes"].keys() == {"no", "yes"}
    assert audit.provenance.model["accuracy"] > 0.7 and len(audit.provenance.model["sha256"]) == 64
    assert audit.best_layer in {*TEXT, *JOINED}
    for layer, vectors in audit.directions.items():
        assert vectors.shape[0] == 2
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1)
        cosine = audit.cosines.set_index("layer").cosine[layer]
        assert vectors[0] @ vectors[1] == pytest.approx(cosine, abs=1e-5)


def test_findings_are_sentences_about_the_numbers(audit):
    said = audit.findings()
    r = audit.tests[(audit.tests["class"] == "yes") & (audit.tests.concept == "concept")].sort_values("statistic").iloc[-1]
    assert said[1].startswith("“concept” speaks for yes at ")
    assert f"({r.statistic:+.2f} SD, {r.low:+.2f} to {r.high:+.2f}; p = {r.p_max_t:.2g} over all tests)" in said[1]
    # With the label held fixed: what stays, and what does not.
    assert ("It stays within labels" in said[1]) == bool(r.p_within_labels_bh <= 0.05)
    assert "of 24 tests hold over all tests" in said[0] and not any("decoy" in line for line in said)
    assert "K = 199" in audit.methods() and "2 concepts × 6 layers × 2 classes" in audit.methods()


def test_findings_need_both_tests(audit):
    """A finding holds over all tests, and at a layer that can tell the concept."""
    quiet = audit.tests.assign(p_max_t=1.0, accuracy_p_value=1.0)
    assert "none holds over all of them" in replace(audit, tests=quiet.assign(p_value=0.001)).findings()[0]
    at = (quiet.layer == "dense") & (quiet.concept == "decoy") & (quiet["class"] == "yes")
    for sure, able, holds in ((0.01, 0.01, True), (0.01, 1.0, False), (1.0, 0.01, False)):
        tests = quiet.assign(
            p_max_t=np.where(at, sure, 1.0), accuracy_p_value=np.where(at, able, 1.0), statistic=np.where(at, 2.0, 0.0),
            p_within_labels_bh=1.0,
        )  # fmt: skip
        said = replace(audit, tests=tests).findings()
        assert (len(said) == 2) == holds
    assert "1 of 24 tests" in replace(audit, tests=tests.assign(p_max_t=np.where(at, 0.01, 1.0))).findings()[0]


def test_directions_that_tell_nothing_are_warned_of():
    layers = ["l", "m"] * 3
    frame = pd.DataFrame(
        {"layer": layers, "concept": ["a", "a", "b", "b", "c", "c"], "accuracy_p_value": [0.05, 0.02, 0.06, 0.01, 0.3, 0.2]}
    )
    warned = _weak(frame)
    assert len(warned) == 2 and "concept b" in warned[0] and "at l;" in warned[0]
    assert "concept c" in warned[1] and "at any layer" in warned[1]


def test_classes_are_the_labels_not_the_answers(audit):
    labels = dialogues(5000, 40)[0].rows.label.value_counts()
    assert audit.provenance.data["classes"] == {"no": labels["no"], "yes": labels["yes"]}


def test_saved_and_loaded_without_loss(audit, tmp_path):
    page = audit.report(tmp_path / "out").read_text()
    assert "“concept” speaks for yes" in page and "needs voice" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "p (max-T)" in page and "p_max_t" not in page and "bound to the label (V)" in page
    assert (tmp_path / "out" / "figures" / "heat-map.png").exists()
    again = ConceptAudit.load(tmp_path / "out")
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(audit, name), getattr(again, name), check_dtype=False)
    assert again.directions.keys() == audit.directions.keys()
    np.testing.assert_array_equal(again.directions["dense"], audit.directions["dense"])
    assert again.unsupported == audit.unsupported and again.warnings == audit.warnings
    assert again.provenance == audit.provenance and again.methods() == audit.methods()
    assert again.plot("cosines").to_dict() == audit.plot("cosines").to_dict()
    with pytest.raises(UsageError, match="heat-map"):
        audit.plot("heatmap")


def test_same_seed_same_audit_whatever_the_order_of_concepts(model, audit):
    data, targets = dialogues(5000, 40)
    again = audited(model, data, dict(reversed(targets.items())), SETTINGS)
    keys = ["layer", "concept", "class"]
    expected, other = (a.tests.sort_values(keys, ignore_index=True) for a in (audit, again))
    pd.testing.assert_frame_equal(expected, other)
    assert again.provenance == audit.provenance


def test_order_of_utterances_does_not_matter_to_what_is_observed(model, audit):
    """Pseudo-concepts are drawn anew, so p-values may move; statistics may not."""
    data, targets = dialogues(5000, 40)
    names = np.array(sorted(set(data.dialogues)))[::-1]
    order = np.concatenate([np.flatnonzero(data.dialogues == d) for d in names])
    other = audited(model, data.take(order), {k: v[order] for k, v in targets.items()}, SETTINGS)
    for column in ("statistic", "cosine", "sign_count", "shift_within_labels"):
        np.testing.assert_allclose(other.tests[column], audit.tests[column], atol=1e-5)


def test_completeness_by_hand(rng):
    x = rng.normal(size=(300, 4))
    space = Space.of(x, rng.normal(size=(2, 4)))
    weights = np.array([[1.0, 0, 0, 0], [-1, 0, 0, 0]]).T
    truth = (x @ weights).argmax(axis=1)
    right = space.place(np.array([[1.0, 0, 0, 0]]))
    wrong = np.stack([space.place(np.eye(4)[[i]]) for i in (1, 2, 3)])
    found = completeness(space, x, right, wrong, lambda s: s @ weights, truth)
    assert found.share == pytest.approx(1) and found.p_value == pytest.approx(1 / 4) and found.rank == 1
    assert found.control < 0.2
    assert directions(space, np.r_[np.ones(150), np.zeros(150)]).shape == (1, 4)


def test_audit_errors(model):
    data, targets = dialogues(1, 10)
    settings = ConceptSettings(draws=19, bootstraps=0)
    with pytest.raises(UsageError, match="no audio features"):
        audited(model, data.with_modalities(("text",)), targets, settings)
    with pytest.raises(UsageError, match="context"):
        audited(model, data, targets, ConceptSettings(layers=("contxt",)))
    few = np.zeros(len(data))
    few[:2] = 1
    with pytest.raises(UsageError, match="no concept has 10 examples"):
        audited(model, data, {"few": few}, settings)
    clumped = np.where(np.isin(data.dialogues, ["d000", "d001"]), 1.0, 0.0)
    result = audited(model, data, {"clumped": clumped, **targets}, settings)
    assert "2 dialogues" in result.unsupported["clumped"]


def test_run_on_a_generated_corpus(mosi, tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path / "cache"))
    corpus, weights = mosi
    keys = tmp_path / "late.txt"
    keys.write_text("\n".join(f"test{d:02}_{t}" for d in range(30) for t in (6, 7, 8)))
    out = tmp_path / "out"
    settings = ConceptSettings(
        concepts=("negation", "opening"), query=('long = text.str.len() > 100',), examples=(keys,), against=("negation:opening",),
        layers=("branches.text.context",), draws=99, bootstraps=20,
    )  # fmt: skip
    audit = run(weights, f"mosi-features={corpus}", out=out, settings=settings)
    assert set(audit.tests.concept) == {"negation", "opening", "late", "negation against opening"}
    assert "counterexamples in the pool" in audit.unsupported["long"]
    f = audit.tests[audit.tests["class"] == "negative"].set_index("concept")
    assert f.loc["negation", "p_max_t"] <= 0.05 and f.loc["negation", "statistic"] > 0.5 and f.loc["late", "p_value"] > 0.05
    assert "query: text.str.len() > 100" not in audit.support.meaning.tolist()
    assert audit.provenance.data["split"] == "test" and audit.provenance.model["corpus"] == "planted"
    assert audit.provenance.settings["against"] == ["negation:opening"]
    assert (out / "audit.html").exists() and list((tmp_path / "cache" / "layers").iterdir())
    again = run(str(weights), [f"mosi-features={corpus}"], settings=settings)  # layers come from the cache
    pd.testing.assert_frame_equal(audit.tests, again.tests)
    with pytest.raises(UsageError, match="'smile' is not among the concepts"):
        run(weights, f"mosi-features={corpus}", settings=settings, against=("negation:smile",))


def test_what_a_corpus_supports(mosi):
    listed = available(f"mosi-features={mosi[0]}", concepts=("negation", "loud")).set_index("concept")
    assert listed.examples["negation"] > 80 and listed.utterances["negation"] == 240 and listed.why["negation"] == ""
    assert "needs voice" in listed.why["loud"] and listed.examples["loud"] == 0
    assert list(available(concepts=("face",)).group.unique()) == ["face"] and len(available()) > 35


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"concepts": ("negashun",)}, "did you mean negation"),
        ({"query": ("bad",)}, "not NAME=QUERY"),
        ({"against": ("smile",)}, "not CONCEPT:OTHER"),
        ({"norms": "/nowhere/norms.csv"}, "is not there"),
        ({"examples": ("/nowhere",)}, "is not there"),
        ({"method": "patern"}, "did you mean pattern"),
        ({"step": "one"}, "--step"),
        ({"draws": 0}, "--draws 0"),
        ({"counterparts": -1}, "--counterparts -1"),
        ({"pool": 0}, "--pool 0"),
    ],
)
def test_wrong_settings_are_errors_before_work(fields, said):
    with pytest.raises(UsageError, match=said):
        ConceptSettings(**fields)


def test_wrong_model_and_corpus(mosi, tmp_path):
    corpus, weights = mosi
    with pytest.raises(UsageError, match="--model WEIGHTS"):
        run(None, f"mosi-features={corpus}")
    with pytest.raises(UsageError, match="no such weights file"):
        run(tmp_path / "none.safetensors", f"mosi-features={corpus}")
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="bad.safetensors"):
        run(tmp_path / "bad.safetensors", f"mosi-features={corpus}")
    with pytest.raises(UsageError, match="2 corpora"):
        run(weights, [f"mosi-features={corpus}", f"meld={corpus}"])
    with pytest.raises(CorpusError, match="not there"):
        run(weights, f"mosi-features={tmp_path / 'none.npz'}")


def test_the_command_on_a_generated_corpus(mosi, tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path / "cache"))
    corpus, weights = mosi
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app,
        ["audit", "concepts", "--model", str(weights), "--corpus", f"mosi-features={corpus}", "--concepts", "negation, opening",
         "--layers", "branches.text.context,dense", "--draws", "99", "--out", str(out)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "“negation” speaks for negative at text context" in done.output
    audit = ConceptAudit.load(out)
    same = affectlens.audit.concepts(
        weights,
        f"mosi-features={corpus}",
        concepts=("negation", "opening"),
        layers=("branches.text.context", "dense"),
        draws=99,
    )
    pd.testing.assert_frame_equal(audit.tests, same.tests, check_dtype=False)
    listed = CliRunner().invoke(
        app, ["audit", "concepts", "--list", "--corpus", f"mosi-features={corpus}", "--concepts", "voice,words"]
    )
    assert listed.exit_code == 0 and "negation: " in listed.output and "of 240 utterances" in listed.output
    plain = CliRunner().invoke(app, ["audit", "concepts", "--list"])
    assert "smile: corners of the lips raised" in plain.output


def test_cli_on_mosi(shared, tmp_path):
    run = CliRunner().invoke
    mosi = shared / "utterance" / "mosi_bclstm.npz"
    listed = run(app, ["audit", "concepts", "--list", "--corpus", f"mosi-features={mosi}"])
    assert listed.exit_code == 0 and "72 examples of 752" in listed.output and "needs voice" in listed.output
    made = run(
        app,
        ["train", "bclstm", "--corpus", f"mosi-features={mosi}", "--modalities", "text", "--seeds", "1", "--epochs",
         "3", "--out", str(tmp_path / "m")],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    assert re.search(r"all, mean: accuracy 0\.7\d\d", made.output), made.output
    assert (tmp_path / "m" / "bclstm.md").read_text().count("swapped")
    done = run(
        app,
        ["audit", "concepts", "--model", str(tmp_path / "m" / "bclstm.safetensors"), "--corpus", f"mosi-features={mosi}",
         "--concepts", "negation,positive words", "--query", "long=text.str.len() > 80", "--draws", "99", "--layers",
         "branches.text.context", "--out", str(tmp_path / "a")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "“positive words” speaks for positive" in done.output
    f = ConceptAudit.load(tmp_path / "a").to_frame()
    assert set(f.concept) == {"negation", "positive words", "long"} and set(f.layer) == {"branches.text.context"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["audit", "concepts"], "give --corpus"),
        (["audit", "concepts", "--concepts", "negashun", "--list"], "negation"),
        (["audit", "concepts", "--query", "bad", "--list"], "NAME=QUERY"),
        (["train", "bclstm", "--corpus", "emodb=."], "no dialogues"),
    ],
)
def test_cli_errors(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wav").mkdir()
    from tests.corpora.trees import write_wav

    write_wav(tmp_path / "wav" / "03a01Fa.wav")
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, AffectlensError) and said in str(result.exception)
