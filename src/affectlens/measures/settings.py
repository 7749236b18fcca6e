"""What is measured."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.core.settings import Settings, setting

WHAT = ("face", "voice", "body")


@dataclass(frozen=True)
class MeasureSettings(Settings):
    """What is measured.

    Examples
    --------
    >>> MeasureSettings(what=("face", "voice")).landmarks
    False
    """

    what: tuple[str, ...] = setting(("face", "voice"), "What is measured: face, voice, body.", choices=WHAT)
    landmarks: bool = setting(False, "Also write the 478 landmarks of every face, x, y and z.")
    threads: int = setting(2, "Threads of each network.", least=1, most=64)
