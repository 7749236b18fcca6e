"""The audit of a latent from corpus to page: on features that are drawn, and through the command on sounds that are made."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import affectlens.audit
from affectlens.audits.latent.audit import halves
from affectlens.audits.latent.audit import latent as run
from affectlens.audits.latent.findings import agreement_sentence
from affectlens.audits.latent.result import LatentAudit
from affectlens.audits.latent.settings import LatentSettings
from affectlens.audits.latent.stability import PEOPLE, SeedStability, over_seeds
from affectlens.cli.main import app
from affectlens.core.errors import CorpusError, UsageError
from affectlens.perception.voice.egemaps import NAMES
from tests.audits import corpora

NOTE = "one: 2 items read with a note: cut (a, b)"
TABLES = ("agreement", "points", "clusters", "shift", "associations", "traversals", "stability", "left_out")
SETTINGS = LatentSettings(epochs=8, seeds=2, draws=19, seed=3)


@pytest.fixture(scope="module")
def table():
    return replace(corpora.table(np.random.default_rng(7)), notes=(NOTE,))


@pytest.fixture(scope="module")
def audit(table):
    return run(None, table, settings=SETTINGS)


def test_people_are_not_in_both_halves(table, rng):
    train = halves(table, np.random.default_rng(0))
    assert not set(table.speaker[train]) & set(table.speaker[~train]) and 0.3 < train.mean() < 0.7
    with pytest.raises(CorpusError, match="one speaker"):
        halves(table.where(np.flatnonzero(table.speaker == "one/0")), rng)


def test_the_corpus_is_in_the_features_and_hardly_in_the_latent(audit):
    shift = audit.shift.set_index("representation")
    measured, latent = shift.loc["features as measured"], shift.loc["latent"]
    assert measured.corpus_probe > 0.9 > latent.corpus_probe
    # Three people of each corpus: a p-value under .1 is not to be had, but the distance says it.
    assert measured.mmd_squared > 3 * measured.mmd_squared_null and latent.mmd_squared < measured.mmd_squared / 10


def test_tables_and_conventions(audit):
    assert set(audit.traversals.feature) == set(NAMES)
    assert audit.latent.shape == (len(audit.points), 24)
    frame = audit.to_frame()
    np.testing.assert_array_equal(audit.pvalue, frame.p_value)
    np.testing.assert_array_equal(audit.statistic, frame.ari.fillna(frame.silhouette))
    for name in TABLES:
        assert all(c.isidentifier() for c in getattr(audit, name).columns), name
    assert list(audit.left_out.key) == ["one/lost"]
    data, model = audit.provenance.data, audit.provenance.model
    assert data["items"] == 192 and data["speakers_examined"] == 6 and data["corpus"] == "one, two"
    assert len(data["sha256"]) == len(model["sha256"]) == 64 and model["recipe"]["seed"] == 3


def test_same_seed_same_answer_and_another_seed_another(table, audit):
    again = run(None, table, settings=SETTINGS)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(audit, name), getattr(again, name))
    assert again.provenance == audit.provenance
    other = run(None, table, settings=SETTINGS, seed=4)
    assert other.provenance.model["sha256"] != audit.provenance.model["sha256"]


def test_findings_are_sentences_about_the_numbers(audit):
    *said, note = audit.findings()
    assert note == NOTE
    best = audit.agreement[audit.agreement.clusters == "k-means"].sort_values("ari").iloc[-1]
    assert said[0].startswith(f"k-means: {best.number} clusters") and f"most like {best.factor} (ARI {best.ari:.3f}" in said[0]
    assert f"{audit.shift.corpus_probe.iloc[0]:.2f} from the features" in said[-1] and "chance is 0.50" in said[-1]
    assert all(line.endswith(".") for line in said)


def test_what_agrees_beyond_chance_is_named(audit):
    blind = agreement_sentence(replace(audit, agreement=audit.agreement.assign(p_holm=1.0)))
    assert blind.startswith(
        "Whether a clustering agrees with a factor beyond chance cannot be shown. With this design the smallest p is 0.05"
    )
    table = audit.agreement.assign(p_holm=1.0, smallest_p=1e-4)
    assert agreement_sentence(replace(audit, agreement=table)).startswith(
        "No clustering agrees with any factor beyond chance. With this"
    )
    first = table.index[(table.clusters == "GMM") & (table.factor == "emotion")][0]
    one = replace(audit, agreement=table.assign(p_holm=np.where(table.index == first, 0.01, 1.0)))
    assert agreement_sentence(one).startswith(
        f"Beyond chance the clusters agree with emotion (ARI {table.ari[first]:.2f}, GMM)."
    )


def test_saved_and_loaded_without_loss(audit, tmp_path):
    page = audit.report(tmp_path / "out").read_text()
    assert "How the corpora were read" in page and NOTE in page
    assert "projection" in page and "http://" not in page.replace("http://www.w3.org", "")
    assert "p (Holm)" in page and "p_holm" not in page and "corpus_probe" not in page
    again = LatentAudit.load(tmp_path / "out")
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(audit, name), getattr(again, name), check_dtype=False)
    np.testing.assert_array_equal(again.latent, audit.latent)
    np.testing.assert_array_equal(again.directions.vectors, audit.directions.vectors)
    assert [c.method for c in again.clusterings] == [c.method for c in audit.clusterings]
    assert again.provenance == audit.provenance and again.findings() == audit.findings()
    assert again.plot("traversals").to_dict() == audit.plot("traversals").to_dict()
    with pytest.raises(UsageError, match="projection"):
        audit.plot("projektion")


def test_one_corpus_leaves_out_what_needs_two(table, tmp_path):
    one = table.where(table.corpus == "one")
    audit = run("undercomplete", one, out=tmp_path, epochs=4, seeds=1, draws=9)
    assert audit.shift.empty and set(audit.agreement.factor) == {"emotion", "speaker", "gender"}
    assert "There is one corpus" in audit.findings()[-1]
    assert "corpus probe and the discrepancy were left out" in (tmp_path / "audit.html").read_text()
    assert LatentAudit.load(tmp_path).shift.empty and audit.provenance.settings["kind"] == "undercomplete"


def test_seeds_can_be_added_in_any_order_and_merged(rng):
    from affectlens.audits.latent.directions import bootstrap_stability, principal

    first = rng.normal(size=(60, 5)) * [5, 4, 3, 2, 1]
    others = [first @ np.linalg.qr(rng.normal(size=(5, 5)))[0] for _ in range(2)]
    others.append(rng.normal(size=(60, 5)))
    speaker = np.tile(np.arange(10), 6)

    def compared(*numbers):
        made = SeedStability(first, principal(first), 3)
        for n in numbers:
            made.update(n, others[n - 1])
        return made

    whole = compared(1, 2, 3).compute(speaker, np.random.default_rng(0))
    merged = compared(3).merge(compared(2, 1)).compute(speaker, np.random.default_rng(0))
    pd.testing.assert_frame_equal(whole, merged)
    cka = whole[whole.measure == "linear CKA"].value.to_numpy()
    assert cka[0] == pytest.approx(1) and cka[1] == pytest.approx(1) and cka[2] < 0.5
    again = bootstrap_stability(first, 3, np.random.default_rng(0), speaker)
    assert tuple(whole[["value", "low", "high"]].iloc[-1]) == pytest.approx((again.mean(), *np.quantile(again, [0.025, 0.975])))
    summary = over_seeds(whole).set_index("measure")
    assert summary.loc["linear CKA", "lowest"] == cka[2] and summary.loc["linear CKA", "mean"] == pytest.approx(cka.mean())
    assert PEOPLE in summary.index[-1]
    with pytest.raises(UsageError, match="same first latent"):
        compared(1).merge(SeedStability(first + 1, principal(first), 3))
    with pytest.raises(UsageError, match="60 clips"):
        compared().update(1, first[:5])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "denoisin"}, "did you mean denoising"),
        ({"seeds": 0}, "--seeds 0"),
        ({"draws": 0}, "--draws 0"),
        ({"draw": 5}, "draws"),
    ],
)
def test_wrong_settings_are_errors_before_work(table, fields, said):
    with pytest.raises(UsageError, match=said):
        run(None, table, **fields)


def test_a_model_that_is_no_name_is_refused(table):
    with pytest.raises(UsageError, match="trains its own"):
        run(object(), table)


def test_too_few_clips_are_said(table):
    one = table.where(table.corpus == table.corpus[0])
    of = dict.fromkeys(one.speaker)
    rows = np.concatenate([np.flatnonzero(one.speaker == person)[:2] for person in list(of)[:3]])
    with pytest.raises(CorpusError, match=r"needs at least \d clips"):
        run(None, one.where(rows), seeds=1, draws=9, epochs=1)


def test_two_corpora_of_few_speakers_cannot_be_told_apart(table):
    kept = np.isin(table.speaker, [p for name in dict.fromkeys(table.corpus)
                                   for p in list(dict.fromkeys(table.speaker[table.corpus == name]))[:4]])  # fmt: skip
    with pytest.raises(CorpusError, match="4 speakers"):
        run(None, table.where(kept), seeds=1, draws=9, epochs=1)


def test_the_command_on_a_generated_corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path / "cache"))
    tree = corpora.emodb(tmp_path / "emodb")
    (tree / "wav" / "10a04Na.wav").write_bytes(b"")
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app, ["audit", "latent", "--corpus", f"emodb={tree}", "--seeds", "1", "--draws", "9", "--out", str(out)]
    )
    assert done.exit_code == 1 and "1 input failed:" in done.output, done.output
    assert "k-means: " in done.output and "one corpus" in done.output and "10a04Na" in done.output
    audit = LatentAudit.load(out)
    same = affectlens.audit.latent(None, f"emodb={tree}", seeds=1, draws=9)
    pd.testing.assert_frame_equal(audit.agreement, same.agreement, check_dtype=False)
    assert same.provenance.data == audit.provenance.data and "cite Burkhardt" in audit.provenance.data["licence"]
