"""The audit from end to end: a planted concept is found where it is, the page says so, bad input is told."""

import json

import numpy as np
import pandas as pd
import pytest
from benchmarks.planted_dialogues import AUDIO, JOINED, TEXT, dialogues, trained
from typer.testing import CliRunner

from affectlens.audits.concepts.audit import audit_concepts
from affectlens.audits.concepts.completeness import completeness
from affectlens.audits.concepts.page import findings, methods_paragraph, write_concept_report
from affectlens.audits.concepts.space import Space, directions
from affectlens.audits.concepts.tcav import TestOptions
from affectlens.cli.main import app
from affectlens.core.errors import AffectlensError, UsageError


@pytest.fixture(scope="module")
def audit():
    data, targets = dialogues(5000, 40)
    options = TestOptions(draws=199, bootstraps=50)
    return audit_concepts(trained(0), data, targets, options=options, unsupported={"loud": "concept 'loud' needs voice, which"})


def test_planted_concept_is_found_where_it_is(audit):
    f = audit.tests.frame
    f = f[f["class"] == "yes"].set_index(["concept", "layer"])
    for layer in (*TEXT, *JOINED):
        assert f.loc[("concept", layer), "p max-T"] <= 0.05 and f.loc[("concept", layer), "shift"] > 0.5
        assert f.loc[("decoy", layer), "p max-T"] > 0.05
    for layer in AUDIO:
        assert f.loc[("concept", layer), "p max-T"] > 0.05


def test_tables(audit):
    s = audit.support.set_index("concept")
    assert s.loc["concept", "confounded with the label"] and not s.loc["decoy", "confounded with the label"]
    assert s.loc["concept", "most with"] == "yes"
    assert audit.whole.set_index("layer").loc["branches.text.context", "completeness"] > 0.5
    assert set(audit.examples.kind) == {"example", "taken for one"}
    assert len(audit.agreement) == 2 * 15
    near = audit.agreement.set_index(["concept", "layer", "other layer"]).correlation
    assert near[("concept", "branches.text.context", "branches.text.dense")] > 0.9


def test_report(audit, tmp_path):
    page = write_concept_report(audit, tmp_path).read_text()
    assert "“concept” speaks for yes" in page and "needs voice" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert (tmp_path / "figures" / "heat-map.png").exists()
    assert json.loads((tmp_path / "settings.json").read_text())["draws"] == 199
    assert len(pd.read_csv(tmp_path / "concepts.csv")) == len(audit.tests.frame)
    assert "K = 199" in methods_paragraph(audit) and findings(audit)


def test_same_seed_same_audit(audit):
    data, targets = dialogues(5000, 40)
    again = audit_concepts(trained(0), data, targets, options=TestOptions(draws=199, bootstraps=50))
    pd.testing.assert_frame_equal(audit.tests.frame, again.tests.frame)


def test_completeness_by_hand(rng):
    x = rng.normal(size=(300, 4))
    space = Space.of(x, rng.normal(size=(2, 4)))
    weights = np.array([[1.0, 0, 0, 0], [-1, 0, 0, 0]]).T
    truth = (x @ weights).argmax(axis=1)
    right = space.place(np.array([[1.0, 0, 0, 0]]))
    wrong = np.stack([space.place(np.eye(4)[[i]]) for i in (1, 2, 3)])
    found = completeness(space, x, right, wrong, lambda s: s @ weights, truth)
    assert found.share == pytest.approx(1) and found.p == pytest.approx(1 / 4) and found.rank == 1
    assert found.control < 0.2
    assert directions(space, np.r_[np.ones(150), np.zeros(150)]).shape == (1, 4)


def test_audit_errors():
    data, targets = dialogues(1, 10)
    model = trained(0)
    with pytest.raises(UsageError, match="no audio features"):
        audit_concepts(model, data.with_modalities(("text",)), targets)
    with pytest.raises(UsageError, match="context"):
        audit_concepts(model, data, targets, layers=("contxt",))
    few = np.zeros(len(data))
    few[:2] = 1
    with pytest.raises(UsageError, match="no concept has 10 examples"):
        audit_concepts(model, data, {"few": few})
    clumped = np.where(np.isin(data.dialogues, ["d000", "d001"]), 1.0, 0.0)
    found = audit_concepts(model, data, {"clumped": clumped, **targets}, options=TestOptions(draws=19, bootstraps=0))
    assert "2 dialogues" in found.unsupported["clumped"]


def test_cli_on_mosi(shared, tmp_path):
    run = CliRunner().invoke
    mosi = shared / "utterance" / "mosi_bclstm.npz"
    listed = run(app, ["audit", "concepts", "--list", "--corpus", f"mosi-features={mosi}"])
    assert listed.exit_code == 0 and "72 examples of 752" in listed.output and "needs voice" in listed.output
    made = run(
        app,
        ["train", "bclstm", "--corpus", "mosi-features", "--data", str(mosi), "--modalities", "text", "--seeds", "1", "--epochs",
         "3", "--out", str(tmp_path / "m")],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    assert "accuracy: 0.7" in made.output and (tmp_path / "m" / "bclstm.md").read_text().count("swapped")
    done = run(
        app,
        ["audit", "concepts", "--model", str(tmp_path / "m" / "bclstm.safetensors"), "--corpus", f"mosi-features={mosi}",
         "--concepts", "negation,positive words", "--query", "long=text.str.len() > 80", "--draws", "99", "--layers",
         "branches.text.context", "--out", str(tmp_path / "a")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "“positive words” speaks for positive" in done.output
    f = pd.read_csv(tmp_path / "a" / "concepts.csv")
    assert set(f.concept) == {"negation", "positive words", "long"} and set(f.layer) == {"branches.text.context"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["audit", "concepts"], "give --corpus"),
        (["audit", "concepts", "--concepts", "negashun", "--list"], "negation"),
        (["audit", "concepts", "--query", "bad", "--list"], "NAME=QUERY"),
        (["train", "bclstm", "--corpus", "emodb", "--data", "."], "no dialogues"),
    ],
)
def test_cli_errors(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wav").mkdir()
    from tests.corpora.trees import write_wav

    write_wav(tmp_path / "wav" / "03a01Fa.wav")
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, AffectlensError) and said in str(result.exception)
