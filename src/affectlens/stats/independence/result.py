"""What a test of independence answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from affectlens.core.results import SavedResult
from affectlens.stats.independence.effect import Effect
from affectlens.stats.independence.wgcm.diagnosis import Diagnosis


@dataclass(frozen=True)
class Independence(SavedResult):
    """``p`` of the hypothesis that x and y are independent (given z), never 0; ``effect`` with its interval; ``n`` rows used.

    ``dropped`` rows have something missing; ``each`` is the p-value of one random draw of those that were combined;
    ``smallest`` is the correlation that this many rows find with a power of .8; ``diagnosis`` says, where regressions took the
    condition out, what they left; ``note`` is what is to be known before p is believed, in plain words.
    """

    kind: ClassVar[str] = "test of independence"

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

    def to_frame(self) -> pd.DataFrame:
        """One row: method, statistic, p_value, the effect with its interval, rows used and dropped, smallest_found, note."""
        effect = {
            "effect": self.effect.value,
            "low": self.effect.low,
            "high": self.effect.high,
            "effect_kind": self.effect.kind,
        }
        rows = {"n": self.n, "dropped": self.dropped, "smallest_found": self.smallest, "note": self.note}
        return pd.DataFrame([{"method": self.method, "statistic": self.statistic, "p_value": self.p} | effect | rows])

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``effect``: the effect with its interval."""
        return {"effect": self._chart}

    def _chart(self) -> Any:
        import altair as alt

        base = alt.Chart(self.to_frame()).encode(y=alt.Y("method:N", title=None))
        interval = base.mark_rule().encode(x=alt.X("low:Q", title=self.effect.kind), x2="high:Q")
        return interval + base.mark_point(filled=True, size=60).encode(x="effect:Q")


@dataclass(frozen=True)
class Vote(SavedResult):
    """The seed papers' majority decision: more than half of the tests reject. It has no p-value and holds no level."""

    kind: ClassVar[str] = "vote on independence"

    dependent: bool
    each: dict[str, float]
    level: str

    def to_frame(self) -> pd.DataFrame:
        """One row a test: its method and p_value."""
        return pd.DataFrame({"method": list(self.each), "p_value": list(self.each.values())})
