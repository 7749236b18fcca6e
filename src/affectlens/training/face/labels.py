"""What the face network learns from: crops of a corpus with labels, raters' votes and another network's answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.core.errors import CorpusError
from affectlens.corpora.base import Corpus
from affectlens.learning.recipes.face import FaceRecipe
from affectlens.learning.soft_labels import LEAST_SHARE, mixed, read_answers, read_votes
from affectlens.training.face.words import readable

SHAPE = (48, 48)  # of a grey crop


@dataclass(frozen=True)
class Faces:
    """Crops with what is learnt from them.

    Attributes
    ----------
    images : numpy.ndarray
        Grey crops ``(n, 48, 48)`` uint8.
    labels : numpy.ndarray
        The corpus's own classes ``(n,)``.
    targets : numpy.ndarray
        The same, or where votes or answers are given distributions over the classes ``(n, classes)``.
    """

    images: np.ndarray
    labels: np.ndarray
    targets: np.ndarray


def learned_from(corpus: Corpus, split: str, recipe: FaceRecipe, missed: dict[str, str]) -> Faces:
    """Crops of a split and their targets.

    Parameters
    ----------
    corpus : Corpus
        Of crops.
    split : str
        Which of them.
    recipe : FaceRecipe
        Its ``votes`` and ``answers`` are tables by the names of the items.
    missed : dict of str to str
        Takes the items that are not learnt from, with the reason: those that cannot be read, and those in which hardly a rater
        saw one of the classes.

    Returns
    -------
    Faces
        The others.

    Raises
    ------
    CorpusError
        Too few items, other shapes than 48 x 48, or a table that does not fit.
    """
    items = readable(corpus, split, missed)
    unfit = next((item for item in items if item.data.shape != SHAPE), None)
    if unfit is not None:
        raise CorpusError(f"{corpus.info.name}, {split}: {unfit.key} is {unfit.data.shape}; grey crops {SHAPE} were expected")
    images = np.stack([item.data for item in items])
    classes, names = corpus.scheme.labels, [item.key for item in items]
    labels = np.array([corpus.scheme.index(item.labels[0]) for item in items])
    if recipe.votes is None and recipe.answers is None:
        return Faces(images, labels, labels)
    kept = np.ones(len(items), dtype=bool)
    others: list[tuple[np.ndarray, float]] = []
    if recipe.votes is not None:
        votes, share = read_votes(recipe.votes, names, classes)
        kept = ~(share < LEAST_SHARE)  # a picture without votes is kept
        others.append((votes, recipe.votes_share))
    if recipe.answers is not None:
        others.append((read_answers(recipe.answers, names, classes, recipe.answers_temperature), recipe.answers_share))
    for name, keep in zip(names, kept, strict=True):
        if not keep:
            missed[f"{split}/{name}"] = "hardly a rater saw one of the classes in it, so it was not learnt from"
    return Faces(images[kept], labels[kept], mixed(np.eye(len(classes))[labels], others)[kept])
