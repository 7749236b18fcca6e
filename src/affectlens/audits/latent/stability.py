"""Does a latent come out the same again: other seeds of the network, and other people."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from affectlens.audits.latent.directions import Directions, bootstrap_stability, likeness, matched, principal
from affectlens.core.errors import UsageError
from affectlens.stats.generators import Rng, generator

COLUMNS = ("compared", "measure", "value", "low", "high")
PEOPLE = "resampled speakers"
ARI = "ARI of k-means"


class SeedStability:
    """How like the first network's latent those of other seeds are, gathered network by network.

    Parameters
    ----------
    first : array (n, d)
        Latents of the first network.
    directions : Directions
        Its principal directions.
    clusters : int
        Number of k-means clusters that are compared.
    """

    def __init__(self, first: np.ndarray, directions: Directions, clusters: int) -> None:
        self.first, self.clusters = first, clusters
        self._scores = directions.scores(first)
        self._labels = self._k_means(first)
        self._rows: dict[int, list[dict[str, object]]] = {}

    def update(self, number: int, latent: np.ndarray) -> None:
        """Add the latents ``(n, e)`` that another network gives to the same clips."""
        if len(latent) != len(self.first):
            raise UsageError(f"{len(latent)} latents; expected those of the same {len(self.first)} clips")
        pairs = matched(self._scores, principal(latent, 1.0, self._scores.shape[1]).scores(latent))
        measures = {
            "linear CKA": likeness(self.first, latent),
            **{f"direction {k + 1}, matched |r|": value for k, value in enumerate(pairs)},
            ARI: adjusted_rand_score(self._labels, self._k_means(latent)),
        }
        self._rows[number] = [
            {"compared": f"seed {number}", "measure": measure, "value": value} for measure, value in measures.items()
        ]

    def merge(self, other: SeedStability) -> Self:
        """Add the networks of another comparison with the same first latent; gives itself."""
        if not np.array_equal(self.first, other.first) or self.clusters != other.clusters:
            raise UsageError("only comparisons with the same first latent and number of clusters can be merged")
        self._rows.update(other._rows)
        return self

    def compute(self, speaker: np.ndarray, rng: Rng) -> pd.DataFrame:
        """One row a network and measure, and the agreement of clusters over resampled speakers.

        Parameters
        ----------
        speaker : array (n,)
            The speaker of each clip.
        rng : int or numpy.random.Generator
            For the resampling.

        Returns
        -------
        DataFrame
            ``compared``, ``measure``, ``value``, and for resampled speakers ``low`` and ``high`` (95 %).
        """
        rng = generator(rng)
        rows = [row for number in sorted(self._rows) for row in self._rows[number]]
        again = bootstrap_stability(self.first, self.clusters, rng, speaker)
        low, high = np.quantile(again, [0.025, 0.975])
        rows.append({"compared": PEOPLE, "measure": ARI, "value": float(again.mean()), "low": float(low), "high": float(high)})
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def _k_means(self, latent: np.ndarray) -> np.ndarray:
        return np.asarray(KMeans(self.clusters, n_init=10, random_state=0).fit(latent).labels_)


def over_seeds(stability: pd.DataFrame) -> pd.DataFrame:
    """Mean, lowest and highest over seeds of each measure; the interval over resampled speakers as it is.

    Parameters
    ----------
    stability : DataFrame
        As ``SeedStability.compute`` gives it.

    Returns
    -------
    DataFrame
        ``measure``, ``mean``, ``lowest``, ``highest``.
    """
    seeds = stability[stability.compared != PEOPLE]
    grouped = seeds.groupby("measure", sort=False).value.agg(["mean", "min", "max"]).reset_index()
    grouped.columns = pd.Index(["measure", "mean", "lowest", "highest"])
    people = stability[stability.compared == PEOPLE]
    last = pd.DataFrame(
        {"measure": f"{ARI}, {PEOPLE} (95 %)", "mean": people.value, "lowest": people.low, "highest": people.high}
    )
    return pd.concat([grouped, last], ignore_index=True) if len(grouped) else last.reset_index(drop=True)
