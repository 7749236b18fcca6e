"""Pseudo-concepts: what the whole procedure says of sets that mean nothing.

Under the null hypothesis the concept's examples are any others of the pool. All concepts are dealt anew together by one
order of the rows, so their dependence, and that of layers and classes, is kept: what max-T needs.
"""

from __future__ import annotations

import numpy as np

from affectlens.stats.generators import Rng, generator
from affectlens.stats.randomization import column_p

BIN = 8  # dialogues of like length that change places with each other, at least


def orders(n: int, draws: int, rng: Rng, groups: np.ndarray | None = None) -> np.ndarray:
    """Row orders that make pseudo-concepts: a target ``y`` becomes ``y[order]``.

    Without groups any order may come (exact, for independent examples). With them (dialogues) whole dialogues of like length
    change places, each row keeping its place among the others: examples that stand together in a dialogue stay together,
    because a concept that comes in runs has fewer independent examples than rows. Where lengths differ the longer one's rest
    goes to the next dialogue. Fewer than ``BIN`` dialogues are also shifted along their line.

    Parameters
    ----------
    n : int
        Rows.
    draws : int
        Orders.
    rng : int or numpy.random.Generator
        Deals them.
    groups : array (n,), optional
        The dialogue of each row.

    Returns
    -------
    array (draws, n) of int
    """
    rng = generator(rng)
    if groups is None:
        return np.array([rng.permutation(n) for _ in range(draws)])
    _, inverse = np.unique(groups.astype(str), return_inverse=True)
    members = [np.flatnonzero(inverse == group) for group in range(inverse.max() + 1)]
    length = np.array([len(rows) for rows in members])
    bins = np.array_split(np.argsort(length, kind="stable"), max(1, len(members) // BIN))
    out = np.empty((draws, n), dtype=np.int64)
    for k in range(draws):
        for bin_groups in bins:
            source = np.concatenate([members[group] for group in rng.permutation(bin_groups)])
            target = np.concatenate([members[group] for group in rng.permutation(bin_groups)])
            if len(members) < BIN:
                source = np.roll(source, int(rng.integers(n)))
            out[k, target] = source
    return out


def residual(targets: np.ndarray, strata: np.ndarray | None) -> np.ndarray:
    """Targets ``(k, n)`` less their mean within each stratum (a label): what is left of a concept when the label is known."""
    if strata is None:
        return targets
    y = np.array(targets, dtype=np.float64)
    _, inverse = np.unique(strata, return_inverse=True)
    for stratum in range(inverse.max() + 1):
        inside = inverse == stratum
        part = y[:, inside]
        finite = np.isfinite(part)
        mean = np.where(finite, part, 0).sum(axis=1) / np.maximum(finite.sum(axis=1), 1)
        y[:, inside] = part - mean[:, None]
    return y


def two_sided(observed: np.ndarray, null: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P-values ``(1 + # as far from the null's centre) / (K + 1)`` (Phipson & Smyth 2010) and standard scores.

    The centre and the deviation are those of null and observed together, so that all K + 1 are treated alike and the test
    stays exact.

    Parameters
    ----------
    observed : array (...)
        Statistics.
    null : array (K, ...)
        Those of pseudo-concepts.

    Returns
    -------
    tuple of two arrays
        P-values ``(...)``, and standard scores ``(K + 1, ...)`` with the observed last.

    Examples
    --------
    >>> two_sided(np.array([3.0]), np.array([[-1.0], [0], [1], [0]]))[0].tolist()
    [0.2]
    """
    everything = np.concatenate([null, observed[None]])
    centre = everything.mean(axis=0)
    spread = everything.std(axis=0)
    z = (everything - centre) / np.where(spread > 0, spread, 1)
    return column_p(np.abs(z[-1]), np.abs(z[:-1])), z


def max_t(z: np.ndarray) -> np.ndarray:
    """Step-down max-T p-values (Westfall & Young 1993).

    Parameters
    ----------
    z : array (K + 1, tests)
        Standard scores, the observed last.

    Returns
    -------
    array (tests,)
        P-values that bound the chance of any false finding and use the dependence between tests; NaN where a score is not
        defined, as those of a class without inputs.
    """
    out = np.full(z.shape[1], np.nan)
    defined = np.flatnonzero(np.isfinite(z).all(axis=0))
    if not len(defined):
        return out
    size = np.abs(z[:, defined])
    observed, null = size[-1], size[:-1]
    order = np.argsort(-observed, kind="stable")
    # The maximum over each test and all that are weaker.
    running = np.maximum.accumulate(null[:, order][:, ::-1], axis=1)[:, ::-1]
    out[defined[order]] = np.maximum.accumulate(column_p(observed[order], running))
    return out
