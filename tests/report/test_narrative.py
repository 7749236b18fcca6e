"""Every clause states its evidence row; nothing is said without one. Checked over generated rows of every kind."""

import re

import numpy as np
import pytest

from affectlens.core.schema import Evidence
from affectlens.report.narrative import _TEMPLATES as KNOWN
from affectlens.report.narrative import clause, graded, narrative
from tests.report.clauses import KINDS, generated, states


def test_every_kind_of_clause_is_generated():
    assert {kind.split(":")[0] for kind, _ in KINDS} == set(KNOWN)


def test_a_thousand_generated_clauses_state_their_rows():
    rng = np.random.default_rng(0)
    contradictions = []
    for i in range(1000):
        e = generated(rng, i)
        made = clause(e)
        assert made is not None and made.evidence == e.id
        if not states(made.text, e):
            contradictions.append((made.text, e))
    assert not contradictions, contradictions[:3]


def test_narratives_cite_only_what_is_given():
    for seed in range(100):
        rng = np.random.default_rng(seed)
        rows = [generated(rng, i) for i in range(int(rng.integers(0, 40)))]
        by_id = {e.id: e for e in rows}
        for sentence in narrative(rows):
            assert sentence.text.endswith(".") and not re.search(r"nan|None|\(\)", sentence.text)
            for c in sentence.clauses:
                e = by_id[c.evidence]
                assert e.person == sentence.person
                # A sentence may open with what the segment shows; the rest is the clause as it stands.
                assert states(c.text, e) or c.text.endswith(clause(e).text) or e.name.startswith(("voice", "gait", "posture"))


def test_without_evidence_there_is_no_sentence():
    assert narrative([]) == []
    unknown = Evidence("e1", "a", 0, 1, 0, "instance", "face", "fear", "something new", 1.0, "u", "m")
    assert clause(unknown) is None and narrative([unknown]) == []


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
        kinds = {e.name.split(":")[0] for e in left if e.id in lost}
        assert kinds <= {"faithfulness"}


@pytest.mark.parametrize(("p", "word"), [(0.9, "clearly"), (0.7, "probably"), (0.5, "perhaps"), (0.2, "only weakly")])
def test_words_for_probabilities(p, word):
    assert graded(p) == word
