"""What an audit of a speech latent gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from affectlens.audits.latent.clusters import Clustering
from affectlens.audits.latent.directions import Directions
from affectlens.audits.result import AuditResult, Provenance


@dataclass(frozen=True)
class LatentAudit(AuditResult):
    """What an audit of a speech latent found.

    Attributes
    ----------
    agreement : DataFrame
        The main table: each clustering with each factor (``agreement`` of ``clusters.py``).
    points : DataFrame
        Each examined clip with its factors, clusters, projection (``x``, ``y``) and scores along the directions.
    latent : array (n, d)
        Latents of the examined clips under the first network.
    clusterings : tuple of Clustering
        Those that were found in the latent.
    clusters : DataFrame
        What each k-means cluster holds.
    shift : DataFrame
        Corpus probe and discrepancy of each representation; without rows where there is one corpus.
    directions : Directions
        Principal directions of the training clips' latents.
    associations, traversals : DataFrame
        What the directions go with, and what the decoder makes of them in real units.
    stability : DataFrame
        How alike other seeds' latents are, and clusters over resampled speakers.
    left_out : DataFrame
        Clips that could not be used, and why.
    provenance : Provenance
        Settings, networks, data and versions.
    """

    kind: ClassVar[str] = "latent"
    primary: ClassVar[str] = "agreement"
    unread_table: ClassVar[str] = "left_out"

    agreement: pd.DataFrame
    points: pd.DataFrame
    latent: np.ndarray
    clusterings: tuple[Clustering, ...]
    clusters: pd.DataFrame
    shift: pd.DataFrame
    directions: Directions
    associations: pd.DataFrame
    traversals: pd.DataFrame
    stability: pd.DataFrame
    left_out: pd.DataFrame
    provenance: Provenance
