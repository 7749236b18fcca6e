"""What shuffling a feature does to the loss of a model, and exact SHAP values of a linear one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from affectlens.learning.trainers.speech import logistic
from affectlens.stats.generators import Rng, generator

Predict = Callable[[np.ndarray], np.ndarray]
REPEATS = 5  # permutations of a feature
RIDGE = 0.1  # added to the variance of each feature where one is foretold from the others


def row_loss(probabilities: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted log loss (bit) of each row ``(..., n)``; ``weight`` makes classes count alike."""
    p = np.take_along_axis(probabilities, y.reshape((1,) * (probabilities.ndim - 2) + (-1, 1)), axis=-1)[..., 0]
    return np.asarray(-np.log2(np.clip(p, 1e-6, 1)) * weight)


def class_weight(y: np.ndarray, corpus: np.ndarray) -> np.ndarray:
    """Weights ``(n,)`` of mean 1 that make the classes of each corpus count alike."""
    out = np.zeros(len(y))
    for name in dict.fromkeys(corpus):
        inside = corpus == name
        count = np.bincount(y[inside])
        out[inside] = inside.sum() / ((count > 0).sum() * count[y[inside]])
    return out


class Surrogate:
    """What the other features foretell of some, by ridge regression on training rows ``x`` ``(n, f)``.

    The conditional permutation keeps that part and shuffles the rest (Strobl et al. 2008; residuals as in Watson and Wright
    2021).
    """

    def __init__(self, x: np.ndarray) -> None:
        self._mean = x.mean(axis=0)
        self._covariance = np.cov((x - self._mean).T) + RIDGE * np.diag(x.var(axis=0) + 1e-9)

    def expected(self, x: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """``(n, k)``: the mean of the columns given all others."""
        others = np.setdiff1d(np.arange(x.shape[1]), columns)
        if not len(others):
            return np.broadcast_to(self._mean[columns], (len(x), len(columns))).copy()
        weight = np.linalg.solve(self._covariance[np.ix_(others, others)], self._covariance[np.ix_(others, columns)])
        return np.asarray(self._mean[columns] + (x[:, others] - self._mean[others]) @ weight)


def permuted_loss(
    predict: Predict,
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    columns: np.ndarray,
    corpus: np.ndarray,
    rng: Rng,
    surrogate: Surrogate | None = None,
    repeats: int = REPEATS,
) -> tuple[np.ndarray, np.ndarray]:
    """Loss and hits of a model where some columns are shuffled together among the rows of a corpus.

    Parameters
    ----------
    predict : callable
        Maps features ``(m, f)`` to probabilities ``(m, classes)``.
    x : array (n, f)
        Features of clips that the model never heard.
    y : array (n,) of int
        Classes.
    weight : array (n,)
        Of each clip.
    columns : array of int
        What is shuffled.
    corpus : array (n,)
        Within which it is shuffled.
    rng : int or numpy.random.Generator
        Shuffles.
    surrogate : Surrogate, optional
        With it only what the other features do not foretell is shuffled.
    repeats : int
        Permutations.

    Returns
    -------
    tuple of two arrays (n,)
        Mean weighted log loss (bit) over permutations, and share of them in which the clip is still right.
    """
    rng = generator(rng)
    expected = surrogate.expected(x, columns) if surrogate else np.zeros((len(x), len(columns)))
    moved = x[:, columns] - expected
    stack = np.repeat(x[None], repeats, axis=0)
    for repeat in range(repeats):
        for name in dict.fromkeys(corpus):
            rows = np.flatnonzero(corpus == name)
            stack[repeat][np.ix_(rows, columns)] = expected[rows] + moved[rng.permutation(rows)]
    probabilities = predict(stack.reshape(-1, x.shape[1])).reshape(repeats, len(x), -1)
    return row_loss(probabilities, y, weight).mean(axis=0), (probabilities.argmax(axis=-1) == y).mean(axis=0)


def linear_shap(x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Exact SHAP values of logistic regression for the class that it answers.

    ``w_j (x_j - mean x_j)`` (Lundberg & Lee 2017, features taken as independent).

    Parameters
    ----------
    x : array (n, f)
        Training features.
    y : array (n,) of int
        Their classes.
    rows : array (m, f)
        Features that are explained.

    Returns
    -------
    array (m, f)
    """
    model = logistic().fit(x, y)
    weights, bias = model.coef_, model.intercept_
    if len(weights) == 1:  # of two classes scikit-learn keeps one row
        weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
    weights = weights - weights.mean(axis=0)
    answer = (rows @ weights.T + bias).argmax(axis=1)
    return np.asarray(weights[answer] * (rows - x.mean(axis=0)))
