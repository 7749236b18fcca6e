"""Families of tests of a comparison, and how their p-values are corrected together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from affectlens.stats.multiple import benjamini_hochberg, holm

# Families of tests, in the order in which pages show them. The first has half of the level, the others share the other half.
BETWEEN, GAP, DEPENDENCE, RESPONSE = "between models", "gap between groups", "dependence", "response"
GAP_BETWEEN, RESPONSE_BETWEEN = "gap, between models", "response, between models"
COLUMNS = (
    "family", "measure", "model", "other", "property", "statistic", "effect", "low", "high", "kind", "n", "units", "p_value",
    "smallest_p", "how", "method",
)  # fmt: skip


def corrected(tests: pd.DataFrame) -> pd.DataFrame:
    """P-values corrected over everything that is claimed.

    Half of the level is for the differences between models in their scores, half for all else (Bonferroni between the two,
    Holm within each), so that the headline does not pay for a long list of properties. Where one half is empty the other has
    the whole level.

    Parameters
    ----------
    tests : DataFrame
        With ``family`` and ``p_value``.

    Returns
    -------
    DataFrame
        With ``p_holm``, which holds the family-wise rate over all rows, and ``p_bh``.
    """
    headline = (tests.family == BETWEEN).to_numpy()
    p = tests.p_value.to_numpy(float)
    made = np.isfinite(p)
    halves = [half for half in (headline, ~headline) if (half & made).any()]
    out = np.full(len(tests), np.nan)
    for half in halves:
        out[half] = np.minimum(1.0, len(halves) * holm(p[half]))
    return tests.assign(p_holm=out, p_bh=benjamini_hochberg(p))
