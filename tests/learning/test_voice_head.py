"""The head on Whisper's states: trained as it is used, each corpus alike, blind to how corpora and speakers differ."""

from dataclasses import replace

import numpy as np
import pytest

from affectlens.core.errors import CorpusError
from affectlens.learning.recipes.voice import VoiceRecipe
from affectlens.learning.trainers.voice import fit_head, in_recordings
from affectlens.models.shipped.voice import own_share

WIDTH = 30
RECIPE = VoiceRecipe(epochs=60, draws=2, copies=0)


def corpora(rng, people=6, each=12, offset=2.0, sizes=(1, 1)):
    """Clips whose class is in the first four features, their corpus in the fifth and their speaker in all others."""
    x, y, corpus, speaker = [], [], [], []
    for c, size in enumerate(sizes):
        for s in range(people):
            voice = np.concatenate([np.zeros(5), rng.normal(0, 1.5, WIDTH - 5)])
            for i in range(each * size):
                clip = voice + rng.normal(0, 0.7, WIDTH)
                clip[i % 4] += 2
                clip[4] += offset * c
                x.append(clip)
                y.append(i % 4)
                corpus.append(f"c{c}")
                speaker.append(f"c{c}/{s}")
    return np.array(x, np.float32), np.array(y), np.array(corpus, object), np.array(speaker, object)


def test_a_new_corpus_is_told_by_what_is_common_to_all(rng):
    x, y, corpus, speaker = corpora(rng, sizes=(1, 1, 1))
    learn = corpus != "c2"
    head = fit_head(x[learn], y[learn], corpus[learn], speaker[learn], RECIPE)
    assert (head(x[~learn]).argmax(axis=1) == y[~learn]).mean() > 0.8
    again = fit_head(x[learn], y[learn], corpus[learn], speaker[learn], RECIPE)
    np.testing.assert_array_equal(head.weight, again.weight)
    with pytest.raises(CorpusError, match="one class"):
        fit_head(x[y == 0], y[y == 0], corpus[y == 0], speaker[y == 0], RECIPE)


def test_invariance_takes_speakers_and_corpora_out(rng):
    x, y, corpus, speaker = corpora(rng, people=4)
    blind, open_eyed = (fit_head(x, y, corpus, speaker, replace(RECIPE, invariance=value)) for value in (30.0, 0.0))
    voices = np.stack([x[speaker == name].mean(axis=0) for name in dict.fromkeys(speaker)])  # each has all classes alike
    seen = [head(voices).std(axis=0).mean() for head in (blind, open_eyed)]
    assert seen[0] < 0.5 * seen[1]


def test_changed_copies_are_learnt_from(rng):
    x, y, corpus, speaker = corpora(rng)
    noisy = x.copy()
    noisy[:, 0] = rng.normal(size=len(x))  # what other recordings do not keep
    plain, robust = (fit_head(x, y, corpus, speaker, RECIPE, copies) for copies in (None, np.stack([noisy] * 3)))
    assert np.abs(robust.weight[0]).max() < 0.8 * np.abs(plain.weight[0]).max()


def test_each_class_of_each_corpus_counts_alike(rng):
    """A corpus of four times as many clips with exchanged labels must not outvote the other."""
    x, y, corpus, speaker = corpora(rng, sizes=(1, 4), offset=0.0)
    wrong = np.where(corpus == "c1", (y + 1) % 4, y)
    answers = fit_head(x, wrong, corpus, speaker, RECIPE)(x)
    said = np.exp(answers - answers.max(axis=1, keepdims=True))
    said /= said.sum(axis=1, keepdims=True)
    first, second = said[np.arange(len(y)), y].mean(), said[np.arange(len(y)), (y + 1) % 4].mean()
    assert first == pytest.approx(second, abs=0.08)


def test_recordings_take_off_the_shrunken_mean(rng):
    z = rng.normal(size=(40, 3))
    alone = in_recordings(z, np.repeat(["a", "b"], 20), replace(RECIPE, turns=1), np.random.default_rng(0))
    np.testing.assert_allclose(alone, z * (1 - own_share(1, RECIPE.shrink)))
    together = in_recordings(z, np.repeat(["a", "b"], 20), replace(RECIPE, turns=20, shrink=0.01), np.random.default_rng(0))
    assert np.abs(together[:20].mean(axis=0)).max() < 1e-2 * np.abs(z[:20]).max()
    assert own_share(0, 5.0) == 0 and own_share(1000, 5.0) > 0.99


def test_states_far_out_are_limited(rng):
    x, y, corpus, speaker = corpora(rng)
    head = fit_head(x, y, corpus, speaker, RECIPE)
    assert np.abs(head.scaled(np.full((1, WIDTH), 1e6))).max() == RECIPE.limit
