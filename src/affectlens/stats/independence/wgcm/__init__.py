"""Conditional independence with a continuous condition: weighted covariances of features of residuals.

After the weighted generalised covariance measure (Scheidegger, Hörrmann & Bühlmann 2022) and the kernel test (Zhang et al.
2011), with kernel ridge regressions on a condition that is factorised once.
"""

from __future__ import annotations

from affectlens.stats.independence.wgcm.condition import Condition
from affectlens.stats.independence.wgcm.diagnosis import Diagnosis, diagnosed
from affectlens.stats.independence.wgcm.residuals import left_of
from affectlens.stats.independence.wgcm.statistic import draws_of, weighted_covariance

__all__ = ["Condition", "Diagnosis", "diagnosed", "draws_of", "left_of", "weighted_covariance"]
