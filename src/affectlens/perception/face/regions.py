"""Relevance of named regions: a region's share of the positive relevance beside its share of the area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.perception.face.crops import REGIONS


@dataclass(frozen=True)
class RegionShare:
    """One region: shares in [0, 1]; ``lift`` is relevance over area, 1 where the region gets what its size would."""

    region: str
    relevance: float
    area: float

    @property
    def lift(self) -> float:
        """Relevance share over area share; NaN for a region that is not in the picture."""
        return self.relevance / self.area if self.area > 0 else float("nan")


def region_shares(relevance: np.ndarray, regions: np.ndarray) -> list[RegionShare]:
    """Shares of the named regions in the positive relevance and in the area of a crop.

    Parameters
    ----------
    relevance : array
        A map ``(h, w)``.
    regions : array
        Indices ``(h, w)`` into ``REGIONS``.

    Returns
    -------
    list of RegionShare
        One a region, in the order of ``REGIONS``; a map without positive relevance gives shares of 0.
    """
    positive = np.maximum(np.asarray(relevance, np.float64), 0)
    mass = np.bincount(regions.ravel().astype(int), positive.ravel(), len(REGIONS))
    area = np.bincount(regions.ravel().astype(int), minlength=len(REGIONS)) / regions.size
    total = mass.sum()
    shares = mass / total if total > 0 else np.zeros_like(mass)
    return [RegionShare(name, float(shares[i]), float(area[i])) for i, name in enumerate(REGIONS)]
