"""Is x independent of y, given z? One call for data of any kind, with tests that hold their level."""

from __future__ import annotations

from affectlens.stats.independence.api import METHODS, Independence, p_against_n, test, vote

__all__ = ["METHODS", "Independence", "p_against_n", "test", "vote"]
