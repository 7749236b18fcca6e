"""How fine p-values have to be for a family of tests, how many draws that takes, and what a design cannot show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from affectlens.stats.multiple import benjamini_hochberg, holm

ALPHA = 0.05
MARGIN = 4  # the smallest p-value of a test lies this many times below the strictest threshold of its family
FEWEST_DRAWS = 999
CORRECTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"Holm": holm, "Benjamini-Hochberg": benjamini_hochberg}


@dataclass(frozen=True)
class Resolution:
    """How many draws of a null hypothesis each test of a family may take.

    The first test that Holm's or Benjamini and Hochberg's correction accepts needs ``p <= alpha / tests``. With as many draws
    as ``needed`` a p-value can fall to a quarter of that, so that a family cannot be out of reach for want of draws.

    Attributes
    ----------
    tests : int
        Tests that are corrected together.
    alpha : float
        Level of the family.
    most : int
        Draws of one test at most.
    values : int
        Numbers that may be drawn for one test: draws times the size of each.

    Examples
    --------
    >>> Resolution(136).needed, Resolution(136).draws(size=290)
    (10879, 10879)
    >>> Resolution(136).draws(size=20_000)  # more would take too long: the p-value ends at .001
    1000
    """

    tests: int = 1
    alpha: float = ALPHA
    most: int = 200_000
    values: int = 20_000_000

    @property
    def needed(self) -> int:
        """Draws with which the smallest p-value is ``alpha / tests / 4``."""
        return max(FEWEST_DRAWS, int(np.ceil(MARGIN * max(self.tests, 1) / self.alpha)) - 1)

    def draws(self, size: int = 1) -> int:
        """Draws of a test that may be taken when each draw is of ``size`` numbers."""
        return min(self.needed, self.most, max(FEWEST_DRAWS, self.values // max(size, 1)))


def out_of_reach(table: pd.DataFrame, correction: str = "Holm") -> bool:
    """Whether no test of a table can be significant, by its column ``smallest_p``; False where it has none (older results).

    Parameters
    ----------
    table : DataFrame
        One row a test.
    correction : str
        As in ``reachable``.

    Returns
    -------
    bool
    """
    return "smallest_p" in table and reachable(table.smallest_p.to_numpy(float), correction) == 0


def reach_of(table: pd.DataFrame, correction: str = "Holm") -> str:
    """What the tests of a table can show, after a space; nothing where it has no column ``smallest_p`` (older results).

    Parameters
    ----------
    table : DataFrame
        One row a test.
    correction : str
        As in ``reachable``.

    Returns
    -------
    str
        One sentence or an empty string.
    """
    return f" {reach_sentence(table.smallest_p.to_numpy(float), correction)}" if "smallest_p" in table else ""


def reachable(smallest: np.ndarray, correction: str = "Holm", alpha: float = ALPHA) -> int:
    """How many tests of a family can be significant at most, if each had the smallest p-value that it can have.

    Parameters
    ----------
    smallest : (tests,) array
        Smallest p-value that each test can give; NaN where none was made.
    correction : str
        ``Holm`` or ``Benjamini-Hochberg``.
    alpha : float
        Level of the family.

    Returns
    -------
    int

    Examples
    --------
    >>> reachable(np.full(136, 0.001)), reachable(np.full(136, 0.0001)), reachable(np.array([0.001, 0.2, 0.2]))
    (0, 136, 1)
    """
    return int((CORRECTIONS[correction](np.asarray(smallest, dtype=np.float64)) <= alpha).sum())


def reach_sentence(smallest: np.ndarray, correction: str = "Holm", alpha: float = ALPHA) -> str:
    """What the design of a family of tests can show: its smallest p-value, and how many tests can be significant at most.

    Parameters
    ----------
    smallest, correction, alpha
        As in ``reachable``.

    Returns
    -------
    str
        One sentence.

    Examples
    --------
    >>> reach_sentence(np.full(136, 0.001))
    'With this design the smallest p is 0.001, so at most 0 of the 136 tests can be significant after correction (Holm).'
    """
    finite = np.asarray(smallest, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return "No test could be made."
    return (
        f"With this design the smallest p is {finite.min():.2g}, so at most {reachable(finite, correction, alpha)} of the "
        f"{len(finite)} tests can be significant after correction ({correction})."
    )
