"""How many draws a family of tests takes, by hand."""

import numpy as np
import pandas as pd

from affectlens.stats.resolution import Resolution, out_of_reach, reach_of


def test_needed_draws_by_hand():
    """The smallest p of so many draws, one over one more, is a quarter of the strictest threshold or less."""
    assert Resolution().needed == Resolution(tests=12).needed == 999  # few tests need no more than the fewest
    assert Resolution(tests=13).needed == 4 * 13 * 20 - 1
    assert Resolution(tests=10, alpha=0.03).needed == 1333  # 4 * 10 / 0.03 is 1333.3, so 1334 values with the observed one
    assert Resolution(tests=0, alpha=0.001).needed == Resolution(tests=1, alpha=0.001).needed == 3999


def test_draws_have_limits():
    assert Resolution(tests=100_000).draws() == 200_000
    assert Resolution(tests=1000).draws(size=1000) == 20_000_000 // 1000
    assert Resolution(tests=1000).draws(size=10**9) == 999


def test_what_a_table_can_show():
    coarse, fine = (pd.DataFrame({"smallest_p": np.full(20, p)}) for p in (0.01, 0.0001))
    assert out_of_reach(coarse) and not out_of_reach(fine) and not out_of_reach(pd.DataFrame({"p": [1.0]}))
    assert reach_of(coarse).startswith(" With this design the smallest p is 0.01, so at most 0 of the 20 tests")
    assert "at most 20 of the 20" in reach_of(fine) and reach_of(pd.DataFrame({"p": [1.0]})) == ""
