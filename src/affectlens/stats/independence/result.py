"""What a test of independence answers."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.stats.independence.effect import Effect
from affectlens.stats.independence.wgcm.diagnosis import Diagnosis


@dataclass(frozen=True)
class Independence:
    """``p`` of the hypothesis that x and y are independent (given z), never 0; ``effect`` with its interval; ``n`` rows used.

    ``dropped`` rows have something missing; ``each`` is the p-value of one random draw of those that were combined;
    ``smallest`` is the correlation that this many rows find with a power of .8; ``diagnosis`` says, where regressions took the
    condition out, what they left; ``note`` is what is to be known before p is believed, in plain words.
    """

    method: str
    statistic: float
    p: float
    effect: Effect
    n: int
    dropped: int
    each: tuple[float, ...]
    smallest: float
    note: str = ""
    diagnosis: Diagnosis | None = None

    @property
    def pvalue(self) -> float:
        """``p``, by the name that SciPy's results have for it."""
        return self.p
