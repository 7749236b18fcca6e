"""Tests of others, for comparison with the default: kernels, nearest neighbours, generalised covariance, straight lines."""

from __future__ import annotations

from affectlens.stats.independence.peers.kernels import conditional_hsic, kci
from affectlens.stats.independence.peers.mixed import cmi_mixed
from affectlens.stats.independence.peers.others import cmi_knn, covariance_measure, partial_correlation

__all__ = ["cmi_knn", "cmi_mixed", "conditional_hsic", "covariance_measure", "kci", "partial_correlation"]
