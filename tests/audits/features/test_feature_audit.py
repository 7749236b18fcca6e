"""The audit of features from corpus to page: on features that are drawn, and through the command on sounds that are made."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import affectlens.audit
from affectlens.audits.features.audit import features as run
from affectlens.audits.features.findings import agreement_sentence, features_sentence, groups_sentence
from affectlens.audits.features.result import FeatureAudit
from affectlens.cli.main import app
from affectlens.core.errors import CorpusError, UsageError
from affectlens.perception.voice.egemaps import NAMES
from tests.audits import corpora

NOTE = "one: 2 items read with a note: cut (a, b)"
TABLES = ("features", "groups", "by_corpus", "agreement", "shapley", "left_out")


@pytest.fixture(scope="module")
def table():
    return replace(corpora.table(np.random.default_rng(7), people=5, each=8), notes=(NOTE,))


@pytest.fixture(scope="module")
def audit(table):
    return run("logistic", table, plant=True)


def test_planted_features_come_out(audit):
    table = audit.to_frame().set_index("feature")
    assert len(table) == 90 and table.index[0] == "planted: label"
    assert table.p_bh["planted: label"] <= 0.05 < table.p_bh["planted: noise"]
    assert audit.groups.set_index("group").loc["planted", "left_out_p_value"] <= 0.05


def test_tables_and_conventions(audit):
    np.testing.assert_array_equal(audit.statistic, audit.features.permuted)
    np.testing.assert_array_equal(audit.pvalue, audit.features.p_value)
    for name in TABLES:
        assert all(c.isidentifier() for c in getattr(audit, name).columns), name
    assert (audit.features.p_bh >= audit.features.p_value).all()
    assert audit.provenance.data["items"] == 80 and audit.provenance.settings["plant"] is True
    assert list(audit.agreement.corpora) == ["one and two"] * 2


def test_same_seed_same_answer(table, audit):
    again = run(None, table, kind="logistic", plant=True)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(audit, name), getattr(again, name))
    assert again.provenance == audit.provenance
    other = run("logistic", table, plant=True, seed=1)
    assert not np.array_equal(other.statistic, audit.statistic)


def test_findings_are_sentences_about_the_numbers(audit):
    *said, note = audit.findings()
    assert note == NOTE
    first = audit.groups.sort_values("permuted").iloc[-1]
    assert said[0].startswith(f"{first.group}: log loss {first.permuted:+.3f} bit when shuffled")
    assert f"planted: label: {audit.features.permuted[0]:+.4f} bit" in said[6]
    agreed = audit.agreement.set_index("of").rank_correlation
    assert f"features agree by {agreed['features']:.2f} and of groups by {agreed['groups']:.2f}" in said[-1]
    assert all(line.endswith(".") for line in said)


def test_sentences_of_the_page(audit):
    table, groups = audit.features, audit.groups.sort_values("permuted", ascending=False)
    said = features_sentence(audit)
    assert said.startswith(f"{(table.p_bh <= 0.05).sum()} of 90 features matter when shuffled")
    assert f" {(table.conditional_p_bh <= 0.05).sum()} when only what the other" in said
    needed = groups[groups.left_out_p_holm <= 0.05].group
    first = groups_sentence(audit)
    assert first.startswith(f"Shuffling the {groups.group.iloc[0]} features harms most, then {groups.group.iloc[1]}")
    assert "planted" in set(needed) and all(name in first.split("worse without")[1] for name in needed)
    alone = replace(audit, groups=audit.groups.assign(left_out_p_holm=1.0))
    assert "they stand in for each other" in groups_sentence(alone)
    pairs = [("features", "a and b", 0.1), ("features", "mean", 0.3), ("groups", "a and b", 0.5), ("groups", "mean", 0.7)]
    three = replace(audit, agreement=pd.DataFrame(pairs, columns=["of", "corpora", "rank_correlation"]))
    assert "features agree by 0.30 and of groups by 0.70" in agreement_sentence(three)


def test_saved_and_loaded_without_loss(audit, tmp_path):
    page = audit.report(tmp_path / "out").read_text()
    assert "How the corpora were read" in page and NOTE in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "Groups of features" in page
    assert "left out, p (Holm)" in page and "permuted_low</th>" not in page
    assert (tmp_path / "out" / "figures" / "groups.png").exists()
    again = FeatureAudit.load(tmp_path / "out")
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(audit, name), getattr(again, name), check_dtype=False)
    assert again.provenance == audit.provenance and again.findings() == audit.findings()
    assert again.plot("groups").to_dict() == audit.plot("groups").to_dict()
    with pytest.raises(UsageError, match="shapley"):
        audit.plot("shaply")


@pytest.mark.parametrize(("fields", "said"), [({"kind": "logistics"}, "did you mean logistic"), ({"seed": -1}, "--seed -1")])
def test_wrong_settings_are_errors_before_work(table, fields, said):
    with pytest.raises(UsageError, match=said):
        run(None, table, **fields)


@pytest.mark.parametrize(("people", "each"), [(1, 8), (4, 8), (5, 1), (1, 1)])
def test_too_few_clips_or_speakers_are_said(people, each):
    few = corpora.table(np.random.default_rng(7), people=people, each=each)
    few = few.where(few.corpus == few.corpus[0])
    with pytest.raises(CorpusError, match=r"clips of \d speakers"):
        run("logistic", few)


def test_the_command_on_a_generated_corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path / "cache"))
    tree, out = corpora.emodb(tmp_path / "emodb", people=6, takes=2), tmp_path / "out"
    done = CliRunner().invoke(app, ["audit", "features", "--corpus", f"emodb={tree}", "--model", "logistic", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "when shuffled" in done.output and "one corpus" in done.output
    audit = FeatureAudit.load(out)
    assert set(audit.features.feature) == set(NAMES) and audit.agreement.empty
    same = affectlens.audit.features("logistic", [f"emodb={tree}"])
    pd.testing.assert_frame_equal(audit.features, same.features, check_dtype=False)
