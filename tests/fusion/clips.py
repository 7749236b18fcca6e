"""A recording that is not there, and findings about it, for tests of what is done with findings."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectlens.core.labels import EKMAN7
from affectlens.core.options import Options
from affectlens.core.schema import Row
from affectlens.media.frames import MediaInfo
from affectlens.modalities.base import Clip, Finding


def clip_of(path="talk.mp4", explaining=True, **options):
    info = MediaInfo(Path(path), "video", 10.0, 64, 48, video_tracks=1, audio_tracks=1)
    return Clip(Path(path), info, Options(**options), explaining, np.random.default_rng(0))


def probabilities(scheme=EKMAN7, **shares):
    """The given probabilities; the other classes divide what is left."""
    left = (1 - sum(shares.values())) / (len(scheme.labels) - len(shares))
    return tuple(shares.get(c, left) for c in scheme.labels)


def finding(modality, start, end, person=0, scheme=EKMAN7, weight=0.5, conformal=None, text="", **shares):
    if not shares:
        return Finding(Row("talk.mp4", start, end, person, modality, "abstained", "too dark", scheme=scheme))
    row = Row("talk.mp4", start, end, person, modality, probabilities=probabilities(scheme, **shares), quality=1.0,
              conformal=conformal if conformal is not None else (max(shares, key=shares.get),), scheme=scheme, text=text)  # fmt: skip
    return Finding(row, weight=weight, rank=row.confidence)
