"""Dose and response: how a classifier's answers follow a change of its input, and what else that change moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from affectlens.core.progress import Progress, silent
from affectlens.core.results import SavedResult
from affectlens.stats.generators import Rng, generator
from affectlens.stats.multiple import holm, mean_of_units
from affectlens.stats.randomization import sign_flip_test
from affectlens.stats.resolution import Resolution

MEASURED = 30  # items that are measured again
_MOVED = ("dose", "property", "moved_by", "lost", "meant", "over")
MOVED = 0.2  # deviations by which another property counts as moved


@dataclass(frozen=True)
class DoseResponse(SavedResult):
    """How answers follow a change.

    Attributes
    ----------
    name, unit : str
        The intervention and the unit of its doses.
    curve : DataFrame
        One row a dose and class: dose, class, change (mean change of the probability), low, high (95 %), p_value,
        smallest_p (that as many units can give; NaN where nothing was changed), p_holm.
    flips : DataFrame
        Share of decisions that change by dose: dose, changed_decisions.
    moved : DataFrame
        Other properties that moved, in deviations between items: dose, property, moved_by, lost, meant, over.
    samples : tuple
        One item at each dose.
    n : int
        Items.
    """

    kind: ClassVar[str] = "dose response"
    primary: ClassVar[str] = "curve"

    name: str
    unit: str
    curve: pd.DataFrame
    flips: pd.DataFrame
    moved: pd.DataFrame
    samples: tuple[Any, ...]
    n: int

    @property
    def clean(self) -> bool | None:
        """Whether only the property that was meant moved; None where that could not be measured."""
        if self.moved.empty:
            return None
        return not self.moved[~self.moved.meant].over.any()

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``curve``: the mean change of each class by dose, with its interval."""
        return {"curve": self._chart}

    def _chart(self) -> Any:
        import altair as alt

        columns = ["dose", "class", "change", "low", "high"]
        base = alt.Chart(self.curve[columns]).encode(x=alt.X("dose:Q", title=f"{self.name} ({self.unit})"), color="class:N")
        band = base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q", title="change of probability, 95 %"), y2="high:Q")
        return band + base.mark_line(point=True).encode(y="change:Q")


def dose_response(
    name: str,
    unit: str,
    items: Sequence[Any],
    doses: Sequence[float],
    change: Callable[[Any, float], Any],
    predict: Callable[[list[Any]], np.ndarray],
    classes: Sequence[str],
    rng: Rng,
    *,
    people: np.ndarray | None = None,
    measure: Callable[[Any], dict[str, float]] | None = None,
    meant: str = "",
    progress: Progress = silent,
) -> DoseResponse:
    """Predict every item at every dose; changes are paired with the dose nearest 0.

    Parameters
    ----------
    name, unit : str
        The intervention and the unit of its doses.
    items : sequence
        What is changed.
    doses : sequence of float
        Doses; the one nearest 0 is the base.
    change : callable
        ``change(item, dose)`` gives a changed item.
    predict : callable
        From a list of items to probabilities ``(n, classes)``.
    classes : sequence of str
        Names of the classes.
    rng : int or numpy.random.Generator
        Source of the draws.
    people : ndarray of shape (n,), optional
        Who each item is of: people are the units of the test where they are known, else items.
    measure : callable, optional
        From an item to its properties; up to 30 items are measured again at the strongest doses.
    meant : str
        The property that the change is meant to move.
    progress : callable
        Told how far it is.

    Returns
    -------
    DoseResponse
        The test flips the signs of the units' mean changes; p-values are corrected (Holm) over doses and classes.
    """
    rng, base_dose = generator(rng), min(doses, key=abs)
    answers = {}
    for i, dose in enumerate(doses):
        answers[dose] = np.asarray(predict([change(item, dose) for item in items]))
        progress(name, i + 1, len(doses))
    base = answers[base_dose]
    units = np.arange(len(items)) if people is None else pd.factorize(people)[0]
    resolution = Resolution(tests=(len(doses) - 1) * len(classes))
    rows, flips = [], []
    for dose in doses:
        flips.append({"dose": dose, "changed_decisions": float((answers[dose].argmax(1) != base.argmax(1)).mean())})
        for column, label in enumerate(classes):
            by_unit = pd.Series(answers[dose][:, column] - base[:, column]).groupby(units).mean().to_numpy()
            mean, low, high, _ = mean_of_units(by_unit)
            row = {"dose": dose, "class": label, "change": mean, "low": low, "high": high, "p_value": 1.0, "smallest_p": np.nan}
            if dose != base_dose:
                tested = sign_flip_test(by_unit, rng, side="two", resolution=resolution)
                row |= {"p_value": tested.pvalue, "smallest_p": tested.smallest}
            rows.append(row)
    curve = pd.DataFrame(rows)
    changed = (curve.dose != base_dose).to_numpy()
    curve["p_holm"] = 1.0
    curve.loc[changed, "p_holm"] = holm(curve.p_value[changed].to_numpy())
    moved = _moved(items, doses, base_dose, change, measure, meant, rng) if measure else pd.DataFrame(columns=list(_MOVED))
    shown = items[int(rng.integers(len(items)))]
    return DoseResponse(name, unit, curve, pd.DataFrame(flips), moved, tuple(change(shown, dose) for dose in doses), len(items))


def _moved(
    items: Sequence[Any], doses: Sequence[float], base: float, change: Callable[[Any, float], Any],
    measure: Callable[[Any], dict[str, float]], meant: str, rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Mean change of every property at the strongest dose on either side, in deviations between items."""
    chosen = rng.permutation(len(items))[:MEASURED]
    before = pd.DataFrame([measure(change(items[i], base)) for i in chosen])
    spread = before.std()
    rows = []
    for dose in {min(doses), max(doses)} - {base}:
        after = pd.DataFrame([measure(change(items[i], dose)) for i in chosen]).reindex(columns=before.columns)
        for name in before.columns:
            if not np.isfinite(spread.get(name, np.nan)) or spread[name] < 1e-9:
                continue
            shift = (after[name] - before[name]).dropna() / spread[name]
            if len(shift) >= 10:
                by, lost = float(shift.mean()), int(after[name].isna().sum())
                rows.append(dict(zip(_MOVED, (dose, name, by, lost, name == meant, abs(by) > MOVED), strict=True)))
    return pd.DataFrame(rows, columns=list(_MOVED))
