"""Rows of every label scheme, from fusion to the page and the store."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from affectlens.context.store import Store, Unit
from affectlens.context.summary import summarise
from affectlens.core.labels import EKMAN7, IEMOCAP6, SCHEMES, counterparts
from affectlens.core.schema import Row
from affectlens.core.tables import TableWriter, read_frame, rows_frame, rows_of
from affectlens.fusion.segments import fuse_findings, summary_evidence
from affectlens.fusion.usual import usual_evidence, what_is_usual
from affectlens.modalities.base import Finding
from affectlens.report.bundle import Gallery, Report, provenance
from affectlens.report.narrative import narrative
from affectlens.report.write import render
from tests.fusion.clips import clip_of, finding


def said(scheme, rng, modality="words", start=0.0, person=0):
    p = rng.dirichlet(np.ones(len(scheme.labels)))
    row = Row("talk.mp4", start, start + 1, person, modality, probabilities=tuple(map(float, p)), quality=0.8, scheme=scheme,
              conformal=scheme.labels[:2], text="what was said")  # fmt: skip
    return Finding(row, weight=0.5)


@pytest.mark.parametrize("name", list(SCHEMES))
def test_rows_of_every_scheme_are_fused_summed_up_told_shown_and_kept(name, tmp_path, rng):
    scheme, path = SCHEMES[name], tmp_path / "talk.mp4"
    path.write_bytes(b"x")
    clip = clip_of(path, store=str(tmp_path / "u.db"), use_usual=False)
    findings = [said(scheme, rng, start=float(i)) for i in range(3)]
    findings += [finding("face", i, i + 1, happiness=0.6) for i in range(2)]
    weighted, fused = fuse_findings(clip, findings)
    rows = [f.row for f in fused]
    assert len(rows) == 3 and all(r.status == "ok" and r.scheme == EKMAN7 and r.conformal for r in rows)
    assert all(f.row.weight > 0 for f in weighted)
    lost = [e for f in fused for e in f.evidence if e.kind == "no counterpart"]
    has_lost = any(not targets for targets in counterparts(scheme, EKMAN7).values())
    assert len(lost) == (3 if has_lost else 0)
    for e, f in zip(lost, findings[:3], strict=False):
        none = [p for c, p in zip(scheme.labels, f.row.probabilities, strict=True) if not counterparts(scheme, EKMAN7)[c]]
        assert e.value == pytest.approx(sum(none)) and e.detail.scheme == name and "takes no part" in narrative([e])[0].text
    assert any(name in note and "3 segments" in note for note in clip.problems.notes) == has_lost
    several = {c: targets for c, targets in counterparts(scheme, EKMAN7).items() if len(targets) > 1}
    divided = [note for note in clip.problems.notes if "divided evenly" in note]
    assert len(divided) == len(several)  # once a recording, however many segments
    for note, (label, targets) in zip(divided, several.items(), strict=True):
        assert f"{label} was divided evenly among {', '.join(targets)}" in note

    assert summarise(rows)[0].readable == 3
    summaries, evidence = summary_evidence(clip, rows)
    evidence += usual_evidence(clip, rows, what_is_usual(clip))
    report = Report(clip, Gallery(), [*weighted, *fused], summaries)
    report.add([*weighted, *fused], evidence)
    facts = provenance(report, [], {"options": clip.options.to_dict()}) | {"seconds": {"total": 1.0}}
    page = render(report, facts, tmp_path)
    assert "Everything that was found" in page and "Not enough recordings yet to say what is usual" in page
    assert weighted[0].row.label in page

    everything = [f.row for f in (*weighted, *fused)]
    writer = TableWriter(tmp_path / "table.parquet")
    writer.append(rows_frame(everything))
    writer.close()
    back = read_frame(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(rows_frame(rows_of(back)), rows_frame(everything))
    assert {f"p_{c}" for c in scheme.labels} <= set(back.columns)
    assert len(Store(tmp_path / "u.db").units()) == 1


@pytest.mark.parametrize("name", list(SCHEMES))
def test_one_modality_alone_is_its_own_answer(name, rng):
    scheme = SCHEMES[name]
    f = said(scheme, rng)
    _, (fused,) = fuse_findings(clip_of(), [f])
    where = counterparts(scheme, EKMAN7)
    if all(len(targets) == 1 for targets in where.values()):
        best = np.zeros(7)
        for c, p in zip(scheme.labels, f.row.probabilities, strict=True):
            best[EKMAN7.index(where[c][0])] += p
        reached = sorted({EKMAN7.index(t[0]) for t in where.values()})
        np.testing.assert_allclose(np.array(fused.row.probabilities)[reached], best[reached] * len(reached) / 7)


def test_what_has_no_counterpart_weighs_less():
    clip = clip_of(explaining=False)
    face = finding("face", 0, 1, happiness=0.6)
    words = finding("words", 0, 1, scheme=IEMOCAP6, frustration=0.8, anger=0.1)
    weighted, _ = fuse_findings(clip, [face, words])
    assert weighted[1].row.weight == pytest.approx(0.5 * 0.2 / (0.5 + 0.5 * 0.2))


def test_nothing_but_what_has_no_counterpart_is_abstained_from_and_says_so():
    clip = clip_of()
    p = tuple(float(c == "frustration") for c in IEMOCAP6.labels)
    row = Row("talk.mp4", 0, 1, 0, "words", probabilities=p, quality=1.0, conformal=("frustration",), scheme=IEMOCAP6)
    weighted, (fused,) = fuse_findings(clip, [Finding(row, weight=0.5)])
    assert fused.row.status == "abstained" and np.isnan(weighted[0].row.weight)
    assert fused.row.reason == "words: frustration is none of the classes of the fused answer"
    assert "on average 100% of its probability in 1 segment takes no part" in clip.problems.notes[0]


def test_the_store_keeps_any_scheme(tmp_path):
    store = Store(tmp_path / "s.db")
    for name, scheme in SCHEMES.items():
        n = len(scheme.labels)
        store.put(name, "office", True, None, [Unit(0, 1, scheme.labels, (1 / n,) * n)])
    units = store.units().set_index("fingerprint")
    for name, scheme in SCHEMES.items():
        assert (units.loc[name, [f"p_{c}" for c in scheme.labels]] == 1 / len(scheme.labels)).all()
