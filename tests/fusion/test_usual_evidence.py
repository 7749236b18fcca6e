"""Comparing the people of a recording with what is usual: who is left out, what is said, what is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from affectlens.context.store import Store, Unit
from affectlens.context.usual import STRENGTH, Context, differs, jensen_shannon
from affectlens.core.labels import EKMAN7
from affectlens.core.schema import SCENE, Row
from affectlens.fusion.usual import usual_evidence, usual_opinion, what_is_usual
from tests.fusion.clips import clip_of, probabilities

SAD = probabilities(sadness=0.7)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"a recording")
    return path


def fused(path, person=0, start=0.0, **shares):
    if not shares:
        return Row(str(path), start, start + 1, person, "fused", "missing", "face: no face in view")
    return Row(str(path), start, start + 1, person, "fused", probabilities=probabilities(**shares), quality=1.0)


def filled(path, n=25, p=SAD):
    store = Store(path)
    for i in range(n):
        store.put(f"r{i}", "office", True, datetime(2024, 5, 17, 9), [Unit(0, 3, EKMAN7.labels, p)])
    return store


def test_nothing_is_compared_without_a_store_or_a_prior(recording):
    clip = clip_of(recording)
    assert what_is_usual(clip) is None and usual_evidence(clip, [fused(recording, anger=0.9)], None) == []


def test_a_recording_is_left_out_of_what_is_usual_for_it(recording, tmp_path):
    filled(tmp_path / "u.db", 20)
    options = {"store": str(tmp_path / "u.db"), "place": "office"}
    rows = [fused(recording, anger=0.9)]
    for _ in range(2):  # the second time the recording itself is in the store
        clip = clip_of(recording, **options)
        (e,) = usual_evidence(clip, rows, what_is_usual(clip))
        assert e.detail.people == 20 and e.detail.recordings == 20
        assert e.p_value == pytest.approx(1 / 21)  # nobody else is as far
        others = (STRENGTH * np.full(7, 1 / 7) + 20 * np.array(SAD)) / (STRENGTH + 20)  # all places
        office = (STRENGTH * others + 20 * np.array(SAD)) / (STRENGTH + 20)  # none of the 21st
        np.testing.assert_allclose(list(e.detail.usual.values()), office, atol=1e-4)
        assert e.value == pytest.approx(jensen_shannon(np.array(probabilities(anger=0.9)), office), abs=1e-9)
    assert len(Store(tmp_path / "u.db").units()) == 21


def test_everybody_is_compared_with_the_others_alone(rng):
    """The p-value from a loop that leaves each of the others out of what is usual for them."""
    x = rng.dirichlet((2, 3, 8), 24)
    labels = ("anger", "happiness", "neutral")
    units = pd.DataFrame(x, columns=[f"p_{c}" for c in labels]).assign(
        fingerprint=[f"r{i}" for i in range(24)], place="", hour=np.nan, weekday=np.nan, person=0
    )
    for here in rng.dirichlet((2, 3, 6), 5):
        everyone = np.vstack([x, here])
        far = []
        for i in range(25):
            rest = np.delete(everyone, i, axis=0)
            mean = (STRENGTH * np.full(3, 1 / 3) + rest.sum(0)) / (STRENGTH + len(rest))
            far.append(jensen_shannon(everyone[i], mean))
        expected = np.mean(np.array(far) >= far[-1] - 1e-12)
        assert differs(here, units, Context(), labels, rng).p == pytest.approx(expected)


def test_each_named_person_is_compared_by_the_mean_of_their_readable_rows(recording, tmp_path):
    filled(tmp_path / "u.db")
    clip = clip_of(recording, store=str(tmp_path / "u.db"), place="office", when="2024-05-17 10:00")
    rows = [fused(recording, 0, 0, anger=0.9), fused(recording, 0, 1, anger=0.5), fused(recording, 0, 2),
            fused(recording, 1, 0), fused(recording, SCENE, 0, fear=0.9)]  # fmt: skip
    (e,) = usual_evidence(clip, rows, what_is_usual(clip))
    assert (e.person, e.start, e.end, e.kind, e.subject) == (0, 0, 3, "usual", "")
    assert e.detail.here["anger"] == pytest.approx(0.7) and e.detail.most == "anger" and e.detail.by > 0.5
    assert e.detail.context == "at an office in the morning" and not e.detail.taken_in
    kept = Store(tmp_path / "u.db").units()
    (new,) = kept[kept.readable == 2].itertuples()
    assert len(kept) == 26 and new.p_anger == pytest.approx(0.7) and new.hour == 10


def test_without_explaining_the_store_is_filled_and_nothing_is_said(recording, tmp_path):
    clip = clip_of(recording, explaining=False, store=str(tmp_path / "u.db"))
    assert usual_evidence(clip, [fused(recording, anger=0.9)], what_is_usual(clip)) == []
    assert len(Store(tmp_path / "u.db").units()) == 1


def test_what_took_part_is_not_taught_again(recording, tmp_path):
    filled(tmp_path / "u.db")
    clip = clip_of(recording, store=str(tmp_path / "u.db"), place="office", use_usual=True)
    usual = what_is_usual(clip)
    opinion = usual_opinion(clip, usual)
    assert opinion.modality == "usual" and EKMAN7.labels[int(opinion.probabilities.argmax())] == "sadness"
    entropy = -(opinion.probabilities * np.log(opinion.probabilities)).sum()
    assert opinion.weight == pytest.approx(1 - entropy / np.log(7))
    (e,) = usual_evidence(clip, [fused(recording, anger=0.9)], usual)
    assert e.detail.taken_in and len(Store(tmp_path / "u.db").units()) == 25


def test_too_few_people_take_no_part_and_it_is_said(recording, tmp_path):
    filled(tmp_path / "u.db", 18)
    clip = clip_of(recording, store=str(tmp_path / "u.db"), use_usual=True)
    assert usual_opinion(clip, what_is_usual(clip)) is None
    assert clip.problems.notes == ["what is usual takes no part: fewer than 19 people are known"]


def test_a_store_that_cannot_be_read_is_a_note(recording, tmp_path):
    (tmp_path / "u.db").write_text("no database at all, but long enough to be looked at " * 50)
    clip = clip_of(recording, store=str(tmp_path / "u.db"))
    usual = what_is_usual(clip)
    assert usual.store is None and "not a store" in clip.problems.notes[0]
    assert usual_evidence(clip, [fused(recording, anger=0.9)], usual) == []


def test_a_store_that_cannot_be_written_is_a_note(recording, tmp_path, monkeypatch):
    from affectlens.core.errors import OutputError

    filled(tmp_path / "u.db", 3)
    clip = clip_of(recording, store=str(tmp_path / "u.db"))
    usual = what_is_usual(clip)

    def full(*_):
        raise OutputError("the disk is full")

    monkeypatch.setattr(Store, "put", full)
    assert len(usual_evidence(clip, [fused(recording, anger=0.9)], usual)) == 1
    assert clip.problems.notes == ["the store of usual expressions: the disk is full"]


def test_what_was_doubted_counts_for_nothing_even_where_it_has_an_answer(recording, tmp_path):
    filled(tmp_path / "u.db")
    clip = clip_of(recording, store=str(tmp_path / "u.db"))
    doubted = replace(fused(recording, 0, 1, fear=0.9), status="abstained", reason="face: too dark")
    (e,) = usual_evidence(clip, [fused(recording, anger=0.9), doubted], what_is_usual(clip))
    assert e.detail.here["anger"] == pytest.approx(0.9)
    assert usual_evidence(clip, [doubted], what_is_usual(clip)) == []


def test_what_is_usual_stands_within_its_interval(recording, tmp_path, rng):
    store = Store(tmp_path / "u.db")
    for i, p in enumerate(rng.dirichlet(np.ones(7), 30)):
        store.put(f"r{i}", "office", True, None, [Unit(0, 3, EKMAN7.labels, tuple(map(float, p)))])
    clip = clip_of(recording, store=str(tmp_path / "u.db"))
    (e,) = usual_evidence(clip, [fused(recording, anger=0.9)], what_is_usual(clip))
    low, usual, high = e.detail.low, list(e.detail.usual.values()), e.detail.high
    assert all(a < b < c for a, b, c in zip(low, usual, high, strict=True))
    assert (e.detail.place, e.detail.when, e.detail.taken_in, e.detail.source) == ("not known", "not known", False, "")
