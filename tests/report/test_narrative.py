"""Every clause states its evidence row; nothing is said without one. Checked over generated rows of every kind."""

import re
from dataclasses import replace

import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.core.kinds import EVIDENCE, EvidenceKind
from affectlens.core.schema import SCENE, Evidence
from affectlens.report.narrative import clause, narrative
from tests.report.clauses import KINDS, generated, states

# What a sentence must not hold: names as the code has them, and words of the trade that no user was taught.
PRIVATE = re.compile(r"nan|None|\(\)|_|not told|nothing is known|anywhere|\b1 (segments|times|people|recordings)\b|  ")


def test_every_kind_of_clause_is_generated():
    ours = {k.name for k in EVIDENCE.values() if k.clause and k.clause.__module__.startswith("affectlens.")}
    assert {kind for kind, _, _ in KINDS} == ours


def test_a_thousand_generated_clauses_state_their_rows():
    rng = np.random.default_rng(0)
    contradictions = []
    for i in range(1000):
        e = generated(rng, i)
        made = clause(e)
        assert made is not None and made.evidence == e.id
        if not states(made.text, e):
            contradictions.append((made.text, e))
        assert not PRIVATE.search(made.text), made.text
    assert not contradictions, contradictions[:3]


def test_narratives_cite_only_what_is_given():
    for seed in range(100):
        rng = np.random.default_rng(seed)
        rows = [generated(rng, i) for i in range(int(rng.integers(0, 40)))]
        by_id = {e.id: e for e in rows}
        for sentence in narrative(rows):
            assert sentence.text.endswith(".") and not PRIVATE.search(sentence.text)
            assert sentence.text[0].isupper() or not sentence.text[0].isalpha()
            for c in sentence.clauses:
                e = by_id[c.evidence]
                assert e.person == sentence.person
                # A sentence may open with what the segment shows; the rest is the clause as it stands.
                assert states(c.text, e) or c.text.endswith(clause(e).text) or e.kind in ("voice", "gait", "posture relevance")


def test_without_evidence_there_is_no_sentence():
    assert narrative([]) == []
    with pytest.raises(UsageError, match="kind of evidence"):
        Evidence("e1", "a", 0, 1, 0, "instance", "face", "fear", "something new", "", 1.0, "u", "m")


def test_a_kind_without_words_is_passed_over(monkeypatch):
    monkeypatch.setitem(EVIDENCE._entries, "silent", EvidenceKind("silent"))
    silent = Evidence("e1", "a", 0, 1, 0, "instance", "face", "fear", "silent", "", 1.0, "u", "m")
    assert clause(silent) is None and narrative([silent]) == []


def test_a_kind_without_a_section_is_stated_row_by_row(monkeypatch):
    monkeypatch.setitem(EVIDENCE._entries, "hands", EvidenceKind("hands", clause=lambda e: f"{e.subject} hands {e.value:.0f}"))
    rows = [Evidence(f"e{i}", "a", 0, 1, 0, "instance", "hands", "fear", "hands", "both", i, "u", "m") for i in (1, -4, 2, 3)]
    (sentence,) = narrative(rows)
    assert sentence.text == "Both hands -4, both hands 3, both hands 2."


@pytest.mark.parametrize("gone", ["words", "voice", "gait", "posture", "face", "scene"])
def test_a_module_that_is_gone_takes_its_clauses_along_and_no_others(gone):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows = [generated(rng, i) for i in range(60)]
        before = {c.evidence for s in narrative(rows) for c in s.clauses}
        left = [e for e in rows if e.modality != gone]
        after = {c.evidence for s in narrative(left) for c in s.clauses}
        mine = {e.id for e in rows if e.modality == gone}
        assert not after & mine
        # What others said before is still said, unless it was said of the very utterance that is gone.
        lost = {e.id for e in left if e.id in before - after}
        kinds = {e.kind for e in left if e.id in lost}
        assert kinds <= {"faithfulness"}


def test_what_is_said_of_nobody_comes_last():
    rows = [generated(np.random.default_rng(i), i, [("changes", "", "fused")]) for i in range(4)]
    rows = [replace(e, person=p) for e, p in zip(rows, (1, SCENE, 0, 1), strict=True)]
    assert [s.person for s in narrative(rows)] == [0, 1, SCENE]


def test_every_modality_of_a_kind_without_a_section_has_its_own_sentence(monkeypatch):
    monkeypatch.setitem(EVIDENCE._entries, "hands", EvidenceKind("hands", clause=lambda e: f"{e.modality} {e.value:.0f}"))
    monkeypatch.setitem(EVIDENCE._entries, "mute", EvidenceKind("mute"))
    rows = [Evidence(f"e{i}", "a", 0, 1, 0, "instance", m, "fear", k, "", v, "u", "m")
            for i, (m, k, v) in enumerate([("left", "hands", 1), ("right", "hands", 5), ("left", "hands", 3), ("left", "mute", 9)])]  # fmt: skip
    assert [s.text for s in narrative(rows)] == ["Left 3, left 1.", "Right 5."]
