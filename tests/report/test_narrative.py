"""Every clause states its evidence row; nothing is said without one. Checked over generated rows."""

import re

import numpy as np
import pytest

from affectlens.emotions import EKMAN7
from affectlens.report.narrative import clause, graded, narrative
from affectlens.table import Evidence


def generated(rng, i):
    """One random evidence row of a random kind, with the settings its maker gives it."""
    kind = str(rng.choice(["share of time", "changes", "not read", "word: No!", "region: mouth", "region: outside the face",
                           "movement: jaw open", "share: face", "share: words", "conflict", "speaker", "faithfulness: deletion",
                           "faithfulness: insertion"]))  # fmt: skip
    target, other = rng.choice(EKMAN7.labels, 2, replace=False)
    value = float(np.round(rng.normal(0, 2), 3))
    settings, more = {}, {}
    if kind == "share of time":
        value = float(rng.random())
        settings = {"mean_probability": float(rng.random()), "readable": int(rng.integers(1, 50)), "windows": 50}
        more = {"low": value * 0.9, "high": min(1.0, value * 1.1)}
    elif kind in ("changes", "not read"):
        value, settings = float(rng.integers(1, 9)), {"reason": "the face is small"}
    elif kind.startswith("region"):
        value, settings = abs(value), {"relevance_share": float(rng.random()), "area_share": float(rng.random())}
    elif kind.startswith("share:"):
        settings = {"weight": float(rng.random())}
    elif kind == "conflict":
        settings = {"says": {"face": str(target), "words": str(other)}}
    elif kind == "speaker":
        value, settings = float(rng.integers(-1, 3)), {"reason": "their mouth moved most"}
    elif kind.startswith("faithfulness"):
        settings, more = {"explains": "hirescam"}, {"p_value": float(rng.random()), "test": "rank"}
    person = int(rng.integers(-1, 3))
    return Evidence(f"e{i:05d}", "a.mp4", 1.0, 2.0, person, "instance", "face", str(target), kind, value, "u", "m",
                    settings=settings, **more)  # fmt: skip


def states(text: str, e: Evidence) -> bool:
    """Whether a clause says what its row says: sign, class, share, test verdict."""
    kind = e.name.split(":")[0]
    if kind == "share of time":
        share = f"{e.value:.0%}" in text or e.settings["readable"] == 1
        return e.target in text and share and graded(e.settings["mean_probability"]) in text
    if kind in ("changes", "not read"):
        return str(int(e.value)) in text
    if kind == "word":
        return ("for" in text) == (e.value > 0) and e.target in text and f"{e.value:+.2f}" in text
    if kind == "region":
        return f"{e.settings['relevance_share']:.0%}" in text and e.target in text
    if kind == "movement":
        return ("more" in text) == (e.value > 0)
    if kind == "share":
        return (" for " in text) == (e.value > 0) and e.target in text
    if kind == "conflict":
        return all(c in text for c in e.settings["says"].values())
    if kind == "speaker":
        return ("nobody" in text) == (e.value < 0)
    better = ((e.value < 0) == (e.name.endswith("deletion"))) and e.p_value <= 0.05
    return ("not shown" in text) != better


def test_a_thousand_generated_clauses_state_their_rows():
    rng = np.random.default_rng(0)
    for i in range(1000):
        e = generated(rng, i)
        made = clause(e)
        assert made is not None and made.evidence == e.id
        assert states(made.text, e), (made.text, e)


def test_narratives_cite_only_what_is_given():
    for seed in range(100):
        rng = np.random.default_rng(seed)
        rows = [generated(rng, i) for i in range(int(rng.integers(0, 30)))]
        by_id = {e.id: e for e in rows}
        for sentence in narrative(rows):
            assert sentence.text.endswith(".") and not re.search(r"nan|None|\(\)", sentence.text)
            for c in sentence.clauses:
                assert by_id[c.evidence].person == sentence.person
                assert states(c.text, by_id[c.evidence])


def test_without_evidence_there_is_no_sentence():
    assert narrative([]) == []
    unknown = Evidence("e1", "a", 0, 1, 0, "instance", "face", "fear", "something new", 1.0, "u", "m")
    assert clause(unknown) is None and narrative([unknown]) == []


def test_a_modality_that_is_gone_takes_its_clauses_along():
    rng = np.random.default_rng(3)
    rows = [generated(rng, i) for i in range(60)]
    left = [e for e in rows if not e.name.startswith("word")]
    assert not any("speaks for" in s.text and "logit)" in s.text for s in narrative(left))


@pytest.mark.parametrize(("p", "word"), [(0.9, "clearly"), (0.7, "probably"), (0.5, "perhaps"), (0.2, "only weakly")])
def test_words_for_probabilities(p, word):
    assert graded(p) == word
