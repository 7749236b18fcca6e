"""The space of voices, and its threshold from conversations of people whom it was not fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from affectlens.learning.recipes.speakers import SpeakersRecipe
from affectlens.models.speakers.alike import VoiceSpace, fit_voices
from affectlens.models.speakers.clustering import merges
from affectlens.models.speakers.diarisation import weight_of
from affectlens.stats.generators import Rng, generator

CLIPS = (5, 12)  # fewest and most clips of a person in a conversation
PEOPLE = (2, 3, 4)
THRESHOLDS = np.linspace(-60.0, 20.0, 161)


@dataclass(frozen=True)
class VoiceTable:
    """Clips of a corpus.

    Attributes
    ----------
    vectors : (n, width) array
        Of the encoder.
    people : (n,) array
        Who speaks.
    seconds : (n,) array
        Length.
    """

    vectors: np.ndarray
    people: np.ndarray
    seconds: np.ndarray

    def conversation(self, count: int, rng: Rng) -> np.ndarray:
        """Clips of ``count`` people in random order, in whatever mood.

        Returns
        -------
        numpy.ndarray
            Rows.
        """
        rng = generator(rng)
        names, clips = np.unique(self.people, return_counts=True)
        rows: list[int] = []
        for person in rng.choice(names[clips >= CLIPS[0]], count, replace=False):
            own = np.flatnonzero(self.people == person)
            rows.extend(rng.choice(own, min(len(own), int(rng.integers(CLIPS[0], CLIPS[1] + 1))), replace=False))
        return rng.permutation(rows)

    @property
    def most(self) -> int:
        """People who have clips enough for a conversation."""
        return int((np.unique(self.people, return_counts=True)[1] >= CLIPS[0]).sum())


def space_of(tables: Mapping[str, VoiceTable], recipe: SpeakersRecipe) -> VoiceSpace:
    """The space of all people of some corpora; its threshold is yet to be chosen."""
    vectors = np.concatenate([table.vectors for table in tables.values()])
    corpora = np.concatenate([np.full(len(table.people), name) for name, table in tables.items()])
    people = np.concatenate([[f"{name} {person}" for person in table.people] for name, table in tables.items()])
    return fit_voices(
        vectors, people, corpora, directions=recipe.directions, shrink=recipe.shrink, worth=recipe.worth, threshold=0.0
    )


def fit_speakers(tables: Mapping[str, VoiceTable], recipe: SpeakersRecipe) -> VoiceSpace:
    """The space of some corpora, with the threshold that finds the right number of people most often elsewhere.

    For the threshold each corpus is left out in turn, and its conversations are told apart in the space of the others.

    Parameters
    ----------
    tables : mapping of str to VoiceTable
        Two or more corpora.
    recipe : SpeakersRecipe
        All choices.

    Returns
    -------
    VoiceSpace
        Of all of them.
    """
    right = np.zeros(len(THRESHOLDS))
    for place, (name, table) in enumerate(tables.items()):
        space = space_of({other: one for other, one in tables.items() if other != name}, recipe)
        for number in range(recipe.conversations // len(tables)):
            rng = np.random.default_rng([recipe.seed, place, number])
            count = min(PEOPLE[number % len(PEOPLE)], table.most)
            right += counted(space, table, table.conversation(count, rng)) == count
    # The middle of the best stretch: the count changes in steps, and the edge of a step is no safe place.
    smooth = np.convolve(right, np.ones(9) / 9, mode="same")
    return replace(space_of(tables, recipe), threshold=float(THRESHOLDS[int(smooth.argmax())]))


def counted(space: VoiceSpace, table: VoiceTable, rows: np.ndarray) -> np.ndarray:
    """How many people are found in a conversation at each of ``THRESHOLDS``."""
    weights = weight_of(table.seconds[rows])
    coordinates = space.coordinates(table.vectors[rows], np.average(table.vectors[rows], axis=0, weights=weights))
    gains = np.array([gain for gain, _, _ in merges(space, coordinates, weights)])
    # Joining ends before the first gain under the threshold, so what counts is the least gain so far.
    return np.asarray(len(rows) - (np.minimum.accumulate(gains)[None, :] >= THRESHOLDS[:, None]).sum(axis=1))
