"""Loud and quiet parts of a clip brought nearer to each other by dose."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from affectlens.explainers.interventions.registry import register_intervention

RATE = 16000
SMOOTH = 0.1  # seconds over which the level is taken
FLOOR = 1e-3  # of the loudest, below which nothing is raised: pauses stay pauses


@register_intervention("compression", "voice", doses=(-0.5, 0, 0.4, 0.8), unit="share of the loudness range taken away",
                       moves="loudness range")  # fmt: skip
def compression(samples: np.ndarray, dose: float) -> np.ndarray:
    """Differences of level smaller by the share ``dose`` (below 0 larger); the clip as a whole stays as loud."""
    if dose == 0 or not np.any(samples):
        return samples.copy()
    envelope = np.sqrt(np.maximum(gaussian_filter1d(samples.astype(np.float64) ** 2, SMOOTH * RATE), 0))
    envelope = np.maximum(envelope, FLOOR * envelope.max())
    changed = samples * envelope ** (-dose)
    level = np.sqrt((samples.astype(np.float64) ** 2).mean() / max((changed**2).mean(), 1e-20))
    return np.asarray(np.clip(changed * level, -1, 1))
