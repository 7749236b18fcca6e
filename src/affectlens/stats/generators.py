"""Sources of random numbers, given as a whole number or as a generator."""

from __future__ import annotations

import numbers

import numpy as np

from affectlens.core.errors import UsageError

Rng = int | np.random.Generator


def generator(rng: Rng) -> np.random.Generator:
    """The generator that a public function draws from.

    Parameters
    ----------
    rng : int or numpy.random.Generator
        A seed of at least 0, or a generator, which is used as it is and goes on from there.

    Returns
    -------
    numpy.random.Generator
        The generator.

    Raises
    ------
    UsageError
        Something else was given.

    Examples
    --------
    >>> bool(generator(7).random() == np.random.default_rng(7).random())
    True
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, numbers.Integral) or rng < 0:
        raise UsageError(f"rng {rng!r}; a whole number of at least 0 or a numpy.random.Generator was expected")
    return np.random.default_rng(int(rng))


def seed_of(rng: Rng) -> int:
    """A seed where the same numbers are to be drawn again and again: the number itself, or one drawn from the generator."""
    chosen = generator(rng)
    return int(chosen.integers(2**63)) if isinstance(rng, np.random.Generator) else int(rng)
