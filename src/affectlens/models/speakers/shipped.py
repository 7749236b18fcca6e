"""The space of voices that ships, and the encoder beside it, as one callable."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from safetensors import safe_open

from affectlens.assets.store import locate
from affectlens.core.barrier import reason_of
from affectlens.core.errors import ModelError
from affectlens.core.untrusted.documents import parse_json
from affectlens.core.untrusted.weight import file_within
from affectlens.media.sound.audio import AudioBlock
from affectlens.models.speakers.alike import VoiceSpace
from affectlens.models.speakers.diarisation import diarise
from affectlens.models.speakers.encoder import WIDTH, load_encoder
from affectlens.models.speakers.spans import VoiceSpan
from affectlens.models.weights import check_shipped, weights_path

ASSET = "voice-encoder"


def load_space(path: Path | None = None) -> VoiceSpace:
    """The space of voices of a weights file of ``affectlens train speakers``.

    Parameters
    ----------
    path : Path, optional
        The one that ships without it.

    Returns
    -------
    VoiceSpace
        As it was fitted.

    Raises
    ------
    ModelError
        A file that is damaged or of another kind.
    """
    path = check_shipped(path or weights_path("speakers"))
    try:
        file_within(path)
        with safe_open(str(path), framework="np") as handle:
            about = parse_json((handle.metadata() or {})["about"], path)
            projection, between = (np.asarray(handle.get_tensor(name), float) for name in ("projection", "between"))
        space = VoiceSpace(projection, between, float(about["worth"]), float(about["threshold"]))
    except Exception as error:  # whatever safetensors says of other bytes
        raise ModelError(f"{path}: not a space of voices ({reason_of(error)})") from error
    if projection.shape != (WIDTH, len(between)) or not np.isfinite(projection).all() or (between < 0).any():
        raise ModelError(f"{path}: a space of voices of {WIDTH} columns was expected, this has {projection.shape}")
    return space


class SpeakerDiariser:
    """Who speaks when, with the encoder and the space that ship.

    Parameters
    ----------
    count : int
        Voices, where that is known; 0 finds it.

    Raises
    ------
    AssetError
        The encoder is not here and cannot be fetched.
    """

    def __init__(self, count: int = 0) -> None:
        self.encoder = load_encoder(locate(ASSET))
        self.space = load_space()
        self.count = count or None

    def __call__(self, blocks: Iterable[AudioBlock]) -> list[VoiceSpan]:
        """Spans of voices in order; see `diarise`."""
        return diarise(blocks, self.encoder, self.space, self.count)
