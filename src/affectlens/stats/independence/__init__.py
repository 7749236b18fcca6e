"""Is x independent of y, given z? One call for data of any kind, with tests that hold their level."""

from __future__ import annotations

from affectlens.stats.independence.api import METHODS, p_against_n, test, vote
from affectlens.stats.independence.result import Independence
from affectlens.stats.independence.wgcm import Condition, Diagnosis

__all__ = ["METHODS", "Condition", "Diagnosis", "Independence", "p_against_n", "test", "vote"]
