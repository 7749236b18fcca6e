"""Dose and response: how a classifier's answers follow a change of its input, and what else that change moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from affectlens.stats.multiple import holm, mean_of_units
from affectlens.stats.resample import sign_flip_test

MEASURED = 30  # items that are measured again
MOVED = 0.2  # deviations by which another property counts as moved


@dataclass(frozen=True)
class DoseResponse:
    """``curve``: a row a dose and class with the mean change of its probability, interval and p-values; ``flips``: share of
    changed decisions by dose; ``moved``: other properties that moved, in deviations; ``samples``: one item at each dose."""

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


def dose_response(
    name: str,
    unit: str,
    items: Sequence[Any],
    doses: Sequence[float],
    change: Callable[[Any, float], Any],
    predict: Callable[[list[Any]], np.ndarray],
    classes: Sequence[str],
    rng: np.random.Generator,
    *,
    people: np.ndarray | None = None,
    measure: Callable[[Any], dict[str, float]] | None = None,
    meant: str = "",
    told: Callable[[str, int, int], None] | None = None,
) -> DoseResponse:
    """Predict every item at every dose. Changes are paired with the dose nearest 0; people are the units where they are known.

    The test flips the signs of the units' mean changes; p-values are corrected (Holm) over doses and classes. ``measure`` looks
    at up to 30 items again at the strongest doses: what else moved is told.
    """
    base_dose = min(doses, key=abs)
    found = {}
    for i, d in enumerate(doses):
        found[d] = np.asarray(predict([change(x, d) for x in items]))
        if told:
            told(f"{name}", i + 1, len(doses))
    base = found[base_dose]
    units = np.arange(len(items)) if people is None else pd.factorize(people)[0]
    rows, flips = [], []
    for d in doses:
        flips.append({"dose": d, "changed decisions": float((found[d].argmax(1) != base.argmax(1)).mean())})
        for c, label in enumerate(classes):
            each = pd.Series(found[d][:, c] - base[:, c]).groupby(units).mean().to_numpy()
            mean, low, high, _ = mean_of_units(each)
            p = 1.0 if d == base_dose else sign_flip_test(each, rng, side="two", draws=1999)
            rows.append({"dose": d, "class": label, "change": mean, "low": low, "high": high, "p": p})
    curve = pd.DataFrame(rows)
    real = (curve.dose != base_dose).to_numpy()
    curve["p (Holm)"] = 1.0
    curve.loc[real, "p (Holm)"] = holm(curve.p[real].to_numpy())
    moved = _moved(items, doses, base_dose, change, measure, meant, rng) if measure else pd.DataFrame()
    shown = items[int(rng.integers(len(items)))]
    return DoseResponse(name, unit, curve, pd.DataFrame(flips), moved, tuple(change(shown, d) for d in doses), len(items))


def _moved(
    items: Sequence[Any], doses: Sequence[float], base: float, change: Callable[[Any, float], Any],
    measure: Callable[[Any], dict[str, float]], meant: str, rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Mean change of every property at the strongest dose on either side, in deviations between items."""
    chosen = rng.permutation(len(items))[:MEASURED]
    before = pd.DataFrame([measure(change(items[i], base)) for i in chosen])
    spread = before.std()
    rows = []
    for d in {min(doses), max(doses)} - {base}:
        after = pd.DataFrame([measure(change(items[i], d)) for i in chosen])
        for name in before.columns:
            if not np.isfinite(spread.get(name, np.nan)) or spread[name] < 1e-9:
                continue
            shift = (after.get(name) - before[name]).dropna() / spread[name]
            if len(shift) >= 10:
                by, lost = float(shift.mean()), int(after[name].isna().sum())
                rows.append({"dose": d, "property": name, "moved by": by, "lost": lost, "meant": name == meant,
                             "over": abs(by) > MOVED})  # fmt: skip
    return pd.DataFrame(rows, columns=["dose", "property", "moved by", "lost", "meant", "over"])
