"""Every clause states its evidence row; nothing is said without one. Checked over generated rows of every kind."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.core.kinds import EVIDENCE, EvidenceKind
from affectlens.core.schema import SCENE, Evidence
from affectlens.modalities.telling import EVERYBODY, who
from affectlens.report.narrative import clause, narrative
from tests.report.clauses import KINDS, generated, states

# What a sentence must not hold: names as the code has them, and words of the trade that no user was taught.
PRIVATE = re.compile(r"nan|None|\(\)|_|not told|nothing is known|anywhere|\b1 (segments|times|people|recordings)\b|  ")


def test_every_kind_of_clause_is_generated():
    ours = {kind.name for kind in EVIDENCE.values() if kind.clause and kind.clause.__module__.startswith("affectlens.")}
    assert {kind for kind, _, _ in KINDS} == ours


def test_a_thousand_generated_clauses_state_their_rows():
    rng = np.random.default_rng(0)
    contradictions = []
    for i in range(1000):
        row = generated(rng, i)
        made = clause(row)
        assert made is not None and made.evidence == row.id
        if not states(made.text, row):
            contradictions.append((made.text, row))
        assert not PRIVATE.search(made.text), made.text
    assert not contradictions, contradictions[:3]


def test_narratives_cite_only_what_is_given():
    for seed in range(100):
        rng = np.random.default_rng(seed)
        rows = [generated(rng, i) for i in range(int(rng.integers(0, 40)))]
        by_id = {row.id: row for row in rows}
        for sentence in narrative(rows):
            assert sentence.text.endswith(".") and not PRIVATE.search(sentence.text)
            assert sentence.text[0].isupper() or not sentence.text[0].isalpha()
            for part in sentence.clauses:
                row = by_id[part.evidence]
                assert row.person == sentence.person or sentence.person == EVERYBODY
                # A sentence may open with what the segment shows; the rest is the clause as it stands.
                whole = clause(row).text
                told = (
                    part.text.endswith(whole) or whole == f"at {row.start:.1f} s {part.text}"
                )  # a time is said once a sentence
                assert states(part.text, row) or told or row.kind in ("voice", "gait", "posture relevance")


def test_without_evidence_there_is_no_sentence():
    assert narrative([]) == []
    with pytest.raises(UsageError, match="kind of evidence"):
        Evidence("e1", "a", 0, 1, 0, "instance", "face", "fear", "something new", "", 1.0, "u", "m")


def test_a_kind_without_words_is_passed_over(monkeypatch):
    monkeypatch.setitem(EVIDENCE._entries, "silent", EvidenceKind("silent"))
    silent = Evidence("e1", "a", 0, 1, 0, "instance", "face", "fear", "silent", "", 1.0, "u", "m")
    assert clause(silent) is None and narrative([silent]) == []


def test_a_kind_without_a_section_is_stated_row_by_row(monkeypatch):
    monkeypatch.setitem(
        EVIDENCE._entries, "hands", EvidenceKind("hands", clause=lambda row: f"{row.subject} hands {row.value:.0f}")
    )
    rows = [Evidence(f"e{i}", "a", 0, 1, 0, "instance", "hands", "fear", "hands", "both", i, "u", "m") for i in (1, -4, 2, 3)]
    (sentence,) = narrative(rows)
    assert sentence.text == "Both hands -4, both hands 3, both hands 2."


@pytest.mark.parametrize("gone", ["words", "voice", "gait", "posture", "face", "scene"])
def test_a_module_that_is_gone_takes_its_clauses_along_and_no_others(gone):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows = [generated(rng, i) for i in range(60)]
        before = {part.evidence for line in narrative(rows) for part in line.clauses}
        left = [row for row in rows if row.modality != gone]
        after = {part.evidence for line in narrative(left) for part in line.clauses}
        mine = {row.id for row in rows if row.modality == gone}
        assert not after & mine
        # What others said before is still said, unless it was said of the very utterance that is gone.
        lost = {row.id for row in left if row.id in before - after}
        kinds = {row.kind for row in left if row.id in lost}
        assert kinds <= {"faithfulness"}


def test_what_is_said_of_nobody_comes_last():
    rows = [generated(np.random.default_rng(i), i, [("changes", "", "fused")]) for i in range(4)]
    rows = [replace(row, person=p) for row, p in zip(rows, (1, SCENE, 0, 1), strict=True)]
    assert [line.person for line in narrative(rows)] == [0, 1, SCENE]


def instant(number, start, kind="movement", person=0, value=1.0):
    """A row about one time."""
    made = generated(np.random.default_rng(3), number, [entry for entry in KINDS if entry[0] == kind][:1])
    return replace(made, start=start, end=start + 1, person=person, value=value)


def test_a_person_is_told_of_in_order_of_time_after_what_holds_throughout():
    rows = [instant(1, 6.0), instant(2, 2.0, "region"), instant(3, 0.0, "changes", value=7.0), instant(4, 4.0, "conflict")]
    for order in itertools.permutations(rows):
        told = [line.clauses[0].evidence for line in narrative(order)]
        assert told == ["e00003", "e00002", "e00004", "e00001"]


def test_a_time_is_said_once_in_a_sentence():
    rows = [instant(i, 4.0, "share", value=float(i)) for i in (1, 2)] + [instant(3, 5.0, "share")]
    (line,) = [line for line in narrative(rows) if len(line.clauses) == 2]
    assert line.text.count("t 4.0 s") == 1 and line.text.startswith("At 4.0 s")
    (words,) = narrative([instant(1, 3.0, "word")])
    assert words.text.startswith("At 3.0 s “")


def usual_of(number, person, people=0):
    made = generated(np.random.default_rng(3), number, [entry for entry in KINDS if entry[0] == "usual"][:1])
    detail = replace(made.detail, people=people, context="anywhere")
    return replace(made, person=person, p_value=0.2, detail=detail)


def test_what_holds_of_everybody_is_said_once():
    rows = [usual_of(i, person) for i, person in enumerate((0, 1, 2), 1)]
    (line,) = narrative(rows)
    assert (line.person, line.text) == (EVERYBODY, "Not enough recordings yet to say what is usual.")
    assert line.clauses[0].evidence == "e00001"
    alone = narrative(rows[:1])
    assert [line.person for line in alone] == [0]
    changes = [instant(9, 0.0, "changes", person=2, value=3.0), instant(8, 1.0, "changes", person=SCENE, value=2.0)]
    assert [line.person for line in narrative([*changes, *rows])] == [2, EVERYBODY, SCENE]
    # Of two of three it is said of each; what names a person is never the same.
    assert [line.person for line in narrative([*rows[:2], changes[0]])] == [0, 1, 2]
    assert [line.person for line in narrative([usual_of(1, 0, 25), usual_of(2, 1, 25)])] == [0, 1]


def test_everybody_has_a_heading():
    assert who(EVERYBODY) == "everybody" and who(SCENE) == "somebody out of view" and who(3) == "person 3"


def test_every_modality_of_a_kind_without_a_section_has_its_own_sentence(monkeypatch):
    monkeypatch.setitem(EVIDENCE._entries, "hands", EvidenceKind("hands", clause=lambda row: f"{row.modality} {row.value:.0f}"))
    monkeypatch.setitem(EVIDENCE._entries, "mute", EvidenceKind("mute"))
    rows = [Evidence(f"e{i}", "a", 0, 1, 0, "instance", m, "fear", k, "", value, "u", "m")
            for i, (m, k, value) in enumerate([("left", "hands", 1), ("right", "hands", 5), ("left", "hands", 3), ("left", "mute", 9)])]  # fmt: skip
    assert [line.text for line in narrative(rows)] == ["Left 3, left 1.", "Right 5."]
