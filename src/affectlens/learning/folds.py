"""Cutting items into folds that share no people, and what is said where there are too few."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from affectlens.core.errors import CorpusError


def counted(labels: np.ndarray, classes: tuple[str, ...]) -> str:
    """How many items there are of each class, for an error.

    Returns
    -------
    str
        Numbers and names.

    Examples
    --------
    >>> counted(np.array([0, 0, 1]), ("calm", "upset"))
    '2 calm, 1 upset'
    """
    return ", ".join(f"{(labels == i).sum()} {name}" for i, name in enumerate(classes))


def grouped_folds(
    labels: np.ndarray, groups: np.ndarray, parts: int, seed: int, classes: tuple[str, ...], of: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds with like shares of the classes, in which no group is on both sides.

    Parameters
    ----------
    labels : numpy.ndarray
        Class indices ``(n,)``.
    groups : numpy.ndarray
        People, recordings or pictures ``(n,)``; they stay whole.
    parts : int
        How many folds.
    seed : int
        How groups are dealt.
    classes : tuple of str
        Names of the classes, for errors.
    of : str
        What the items are of, for errors.

    Returns
    -------
    list of (numpy.ndarray, numpy.ndarray)
        Rows to train on and rows to test on, fold by fold.

    Raises
    ------
    CorpusError
        Fewer groups than folds, or no class with as many items.

    Examples
    --------
    >>> folds = grouped_folds(np.array([0, 1, 0, 1]), np.array(list("aabb")), 2, 0, ("calm", "upset"), "rides")
    >>> [len(test) for _, test in folds]
    [2, 2]
    >>> grouped_folds(np.array([0, 1]), np.array(list("ab")), 2, 0, ("calm", "upset"), "rides")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    affectlens.core.errors.CorpusError: rides: 1 calm, 1 upset of 2 people or recordings; 2 folds without shared ...
    """
    distinct = len(set(groups))
    if distinct < parts or np.bincount(labels, minlength=1).max() < parts:
        raise CorpusError(
            f"{of}: {counted(labels, classes)} of {distinct} people or recordings; {parts} folds without "
            f"shared people need {parts} of them and {parts} items of a class"
        )
    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    return list(splitter.split(labels, labels, groups))


def check_classes(labels: np.ndarray, classes: tuple[str, ...], of: str, need: int = 1) -> None:
    """Refuse items of which a class is missing.

    Raises
    ------
    CorpusError
        Fewer than ``need`` items of a class.

    Examples
    --------
    >>> check_classes(np.array([0, 0]), ("calm", "upset"), "rides")
    Traceback (most recent call last):
    affectlens.core.errors.CorpusError: rides: 2 calm, 0 upset; at least 1 of every class is needed
    """
    if np.bincount(labels, minlength=len(classes)).min() < need:
        raise CorpusError(f"{of}: {counted(labels, classes)}; at least {need} of every class is needed")
