"""Telling voices apart: the likelihood against scipy's, joining against every grouping, borders where they were put."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from affectlens.core.errors import ModelError
from affectlens.learning.recipes.speakers import SpeakersRecipe
from affectlens.learning.trainers.speakers import THRESHOLDS, VoiceTable, counted, fit_speakers
from affectlens.models.speakers import diarisation
from affectlens.models.speakers.alike import VoiceSpace, fit_voices
from affectlens.models.speakers.clustering import clusters, in_order
from affectlens.models.speakers.dips import FRAME, parts_between, quiet_frames
from affectlens.models.speakers.shipped import load_space
from affectlens.models.speakers.spans import VoiceSpan, borders, voice_at


def space(directions=3, between=(9.0, 4.0, 1.0), **changed):
    return replace(VoiceSpace(np.eye(directions), np.array(between), 1.0, 0.0), **changed)


def test_the_likelihood_is_that_of_two_normal_distributions(rng):
    observations = rng.normal(size=(4, 3))
    model = space()
    # One voice: its mean is drawn with the variance between, each observation about it with variance 1.
    whole = 0.0
    for axis, variance in enumerate(model.between):
        covariance = np.eye(4) + variance
        whole += multivariate_normal(np.zeros(4), covariance).logpdf(observations[:, axis])
        whole -= multivariate_normal(np.zeros(4), np.eye(4)).logpdf(observations[:, axis])
    assert model.likelihood(observations.sum(axis=0), np.array(4.0)) == pytest.approx(whole)


def test_joining_finds_the_likeliest_of_all_groupings(rng):
    model = space()
    voices = rng.normal(size=(2, 3)) * 3
    points = voices[[0, 1, 0, 1, 1, 0]] + rng.normal(size=(6, 3)) * 0.3

    def of(grouping):
        members = np.array(grouping)
        return sum(
            float(model.likelihood(points[members == group].sum(axis=0), np.array(float((members == group).sum()))))
            for group in set(grouping)
        )

    best = max(product(range(3), repeat=6), key=of)
    np.testing.assert_array_equal(clusters(model, points, np.ones(6)), in_order(np.array(best)))


def test_the_number_of_voices_can_be_given(rng):
    points = rng.normal(size=(7, 3)) * 5
    for count in (1, 3, 7):
        assert clusters(space(), points, np.ones(7), count).max() == count - 1


def test_the_order_of_segments_does_not_change_the_groups(rng):
    points = np.concatenate([rng.normal(size=(5, 3)) + shift for shift in (-6, 0, 6)])
    order = rng.permutation(15)
    first, second = clusters(space(), points, np.ones(15)), clusters(space(), points[order], np.ones(15))
    assert {frozenset(np.flatnonzero(first == voice)) for voice in set(first)} == {
        frozenset(order[second == voice]) for voice in set(second)
    }


def test_no_segments_are_no_voices():
    assert clusters(space(), np.zeros((0, 3)), np.zeros(0)).tolist() == []


def people(rng, corpora=3, each=6, clips=9, width=12):
    """Vectors of people who differ in four directions and vary in all."""
    tables = {}
    for number in range(corpora):
        means = np.zeros((each, width))
        means[:, :4] = rng.normal(size=(each, 4)) * 4
        vectors = np.repeat(means, clips, axis=0) + rng.normal(size=(each * clips, width)) + 10 * number
        tables[f"corpus {number}"] = VoiceTable(vectors, np.repeat(np.arange(each), clips), np.full(each * clips, 2.5))
    return tables


def test_a_fitted_space_has_variance_one_within_people(rng):
    table = people(rng, corpora=1, each=200, clips=20)["corpus 0"]
    fitted = fit_voices(table.vectors, table.people, np.zeros(len(table.people)), directions=4, shrink=0.0)
    coordinates = fitted.coordinates(table.vectors)
    means = np.stack([coordinates[table.people == person].mean(axis=0) for person in range(200)])
    rest = coordinates - means[table.people]
    np.testing.assert_allclose(rest.T @ rest / (len(rest) - 200), np.eye(4), atol=1e-8)
    np.testing.assert_allclose(np.sort(fitted.between), np.sort(means.var(axis=0)) - 1 / 20, rtol=0.02)
    assert fitted.between.min() > 8  # the four directions in which people differ, 4² in truth


def test_the_threshold_finds_the_number_of_unknown_people(rng):
    tables = people(rng, corpora=4)
    recipe = SpeakersRecipe(directions=4, shrink=0.1, worth=1.0, conversations=60)
    fitted = fit_speakers({name: table for name, table in tables.items() if name != "corpus 3"}, recipe)
    chosen = int(np.abs(THRESHOLDS - fitted.threshold).argmin())
    table = tables["corpus 3"]
    right = [counted(fitted, table, table.conversation(2 + turn % 3, turn))[chosen] == 2 + turn % 3 for turn in range(30)]
    assert np.mean(right) >= 0.8
    # What is counted at a threshold is what clustering with it gives.
    rows = table.conversation(3, 1)
    weights = diarisation.weight_of(table.seconds[rows])
    coordinates = fitted.coordinates(table.vectors[rows], np.average(table.vectors[rows], axis=0, weights=weights))
    assert clusters(fitted, coordinates, weights).max() + 1 == counted(fitted, table, rows)[chosen]


def test_a_dip_parts_speech_and_a_click_does_not(rng):
    loud = rng.normal(size=100 * FRAME) * 0.1
    pause, click = rng.normal(size=20 * FRAME) * 1e-4, rng.normal(size=5 * FRAME) * 1e-4
    (first, cut), (again, _) = parts_between(quiet_frames(np.concatenate([loud, pause, loud])))
    assert (first, again) == (0, cut) and 100 <= cut <= 120
    assert len(parts_between(quiet_frames(np.concatenate([loud, click, loud])))) == 1


def test_borders_lie_where_voices_change(monkeypatch, rng):
    """With an encoder that hears the pitch only, three turns of two tones are told apart within a tenth of a second."""
    turns = [(0.0, 2.0, 200.0), (2.2, 4.5, 400.0), (4.7, 7.0, 200.0)]
    sound = np.zeros(7 * 16000, np.float32)
    for start, end, pitch in turns:
        time = np.arange(int(start * 16000), int(end * 16000)) / 16000
        sound[int(start * 16000) : int(end * 16000)] = 0.3 * np.sin(2 * np.pi * pitch * time)
    sound += rng.normal(size=len(sound)).astype(np.float32) * 1e-5

    def heard(_, samples):
        starts = np.arange(0, max(len(samples) - 6400, 1), 6400)
        pieces = [samples[start : start + 6400] for start in starts]
        pitches = np.array([np.abs(np.fft.rfft(piece, 16000)).argmax() for piece in pieces])
        return (starts + 3200) / 16000, pitches[:, None] / 10

    monkeypatch.setattr(diarisation, "voice_windows", heard)
    chunk = type("Chunk", (), {"samples": sound, "active": ((0.0, 7.0),)})
    monkeypatch.setattr(diarisation, "speech_chunks", lambda blocks: [chunk])
    spans = diarisation.diarise([], None, space(1, (100.0,)))
    assert [span.voice for span in spans] == [0, 1, 0]
    np.testing.assert_allclose(borders(spans), [2.1, 4.6], atol=0.1)
    assert (spans[0].start, spans[-1].end) == (0.0, 7.0)


def test_silence_has_no_voices(monkeypatch):
    monkeypatch.setattr(diarisation, "speech_chunks", lambda blocks: [])
    assert diarisation.diarise([], None, space()) == []


def test_a_turn_belongs_to_the_voice_that_speaks_for_most_of_it():
    spans = [VoiceSpan(0.0, 2.0, 0), VoiceSpan(2.0, 5.0, 1), VoiceSpan(6.0, 7.0, 0)]
    assert voice_at(spans, 1.0, 2.5) == 0
    assert voice_at(spans, 1.5, 6.2) == 1
    assert voice_at(spans, 5.2, 5.8) is None
    assert borders(spans) == [2.0, 5.5]


def test_what_is_no_space_of_voices_is_an_error(tmp_path):
    path = tmp_path / "speakers.safetensors"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="not a space of voices"):
        load_space(path)
