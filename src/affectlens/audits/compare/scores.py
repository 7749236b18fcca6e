"""Scores of each model side by side: accuracy, calibration, sets, coverage, abstention, cost; groups; responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from affectlens.audits.properties.groups import FEWEST
from affectlens.stats.classification import (
    conformal_coverage,
    conformal_threshold,
    confusion,
    expected_calibration_error,
    macro_f1,
    unweighted_recall,
)
from affectlens.stats.generators import Rng, generator
from affectlens.stats.resample import Estimate, bootstrap, wilson

if TYPE_CHECKING:
    from affectlens.audits.compare.answers import Judged

COVERAGE = 0.9
SURE = 0.5  # the share of items that a model is surest of, whose accuracy is told
# Measures in the order of the page: what each is, and whether more is better.
MEASURES = {
    "accuracy": "share of items that it gets right; what is not answered is wrong",
    "mean_recall": "mean of the recalls of the classes",
    "macro_f1": "mean of the F1 of the classes",
    "answered": "share of items that it answers at all",
    "accuracy_of_answers": "share of its answers that are right",
    "accuracy_of_surest": "accuracy on the half of its answers that it is surest of",
    "calibration_error": "expected calibration error of its answers, 15 bins",
    "brier": "squared distance of the probabilities of its answers from the label, 0 to 2",
    "coverage": "share of labels inside the sets that it was calibrated for (90 % were promised)",
    "set_size": "classes in these sets",
}


def model_scores(models: Sequence[Judged], first: np.ndarray, who: np.ndarray | None, rng: Rng, draws: int) -> pd.DataFrame:
    """Scores of every model with intervals.

    Parameters
    ----------
    models : sequence of Judged
        Models on the same items.
    first : ndarray of shape (n,)
        The label of every item, the first of several.
    who : ndarray of shape (n,), optional
        Who each item is of: people are drawn whole.
    rng : int or numpy.random.Generator
        Source of the draws.
    draws : int
        Of each interval.

    Returns
    -------
    DataFrame
        Columns model, measure, value, low, high (95 %), n.
    """
    rng = generator(rng)
    rows = []
    for one in models:
        for measure, estimate in _estimates(one, first, who, rng, draws).items():
            rows.append(
                {
                    "model": one.model.name, "measure": measure, "value": estimate.value, "low": estimate.low,
                    "high": estimate.high, "n": estimate.n,
                }
            )  # fmt: skip
    return pd.DataFrame(rows, columns=["model", "measure", "value", "low", "high", "n"])


def _estimates(
    one: Judged, first: np.ndarray, who: np.ndarray | None, rng: np.random.Generator, draws: int
) -> dict[str, Estimate]:
    classes = list(map(str, one.model.answers.columns))
    code = {name: number for number, name in enumerate(classes)}
    said = np.array([code.get(name, -1) for name in one.decision])
    # The label that a decision is compared with: the decision itself where it is among an item's labels.
    true = np.where(one.right, said, np.array([code[name] for name in first]))
    n, answered = len(first), one.answered

    def drawn(statistic: Callable[[np.ndarray], float], rows: np.ndarray) -> Estimate:
        return bootstrap(
            lambda chosen: statistic(rows[chosen]), len(rows), rng, groups=None if who is None else who[rows], draws=draws
        )

    def share(values: np.ndarray, rows: np.ndarray) -> Estimate:
        if who is None:
            return wilson(int(values[rows].sum()), len(rows))
        return drawn(lambda chosen: float(values[chosen].mean()), rows)

    everything, given = np.arange(n), np.flatnonzero(answered)
    out = {
        "accuracy": share(one.right, everything),
        "mean_recall": drawn(lambda rows: unweighted_recall(confusion(true[rows], said[rows], len(classes))), everything),
        "macro_f1": drawn(lambda rows: macro_f1(confusion(true[rows], said[rows], len(classes))), everything),
        "answered": share(answered, everything),
    }
    if len(given):
        out["accuracy_of_answers"] = share(one.right, given)
    if len(given) and not one.model.labels_only:
        sure = np.where(answered, np.nan_to_num(one.p).max(axis=1), 0.0)
        squared = one.squared
        surest = given[np.argsort(-sure[given], kind="stable")][: max(1, round(SURE * len(given)))]
        out["accuracy_of_surest"] = share(one.right, surest)
        out["calibration_error"] = drawn(lambda rows: expected_calibration_error(sure[rows], one.right[rows]), given)
        out["brier"] = drawn(lambda rows: float(squared[rows].mean()), given)
        promised = getattr(one.model.calibration, "conformal", 1.0)
        if promised < 1:
            out["coverage"] = drawn(lambda rows: conformal_coverage(one.p[rows], one.truth[rows], promised)[0], given)
            out["set_size"] = drawn(lambda rows: conformal_coverage(one.p[rows], one.truth[rows], promised)[1], given)
    return out


def costs(models: Sequence[Judged]) -> pd.DataFrame:
    """What an item costs each model: seconds of reading its input and answering, in the batches and on the machine of the pass.

    Parameters
    ----------
    models : sequence of Judged
        Models on the same items.

    Returns
    -------
    DataFrame
        Columns model, seconds, n (items whose time is known).
    """
    known = [(one.model.name, one.model.seconds.dropna()) for one in models if one.model.seconds is not None]
    rows = [{"model": name, "seconds": float(taken.mean()), "n": len(taken)} for name, taken in known if len(taken)]
    return pd.DataFrame(rows, columns=["model", "seconds", "n"])


def set_sizes(models: Sequence[Judged], rng: Rng, coverage: float = COVERAGE) -> pd.DataFrame:
    """How large the sets of classes have to be that hold the label nine times in ten, fitted on one half and met by the other.

    Models whose probabilities say more need smaller sets, whether or not they were ever calibrated.

    Parameters
    ----------
    models : sequence of Judged
        Models on the same items.
    rng : int or numpy.random.Generator
        Draws the halves, the same for all models.
    coverage : float
        What is promised.

    Returns
    -------
    DataFrame
        Columns model, promised, coverage, set_size, n.
    """
    rng = generator(rng)
    rows = []
    half = rng.random(len(models[0].answered)) < 0.5
    for one in models:
        if one.model.labels_only:
            continue
        met, sizes, counts = [], [], []
        for part in (half, ~half):
            fit, test = part & one.answered, ~part & one.answered
            if fit.sum() < FEWEST or test.sum() < FEWEST:
                continue
            threshold = conformal_threshold(one.p[fit], one.truth[fit], coverage)
            covered, size = conformal_coverage(one.p[test], one.truth[test], threshold)
            met.append(covered)
            sizes.append(size)
            counts.append(int(test.sum()))
        if met:
            rows.append(
                {
                    "model": one.model.name, "promised": coverage, "coverage": float(np.average(met, weights=counts)),
                    "set_size": float(np.average(sizes, weights=counts)), "n": sum(counts),
                }
            )  # fmt: skip
    return pd.DataFrame(rows, columns=["model", "promised", "coverage", "set_size", "n"])


def group_scores(models: Sequence[Judged], groups: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Accuracy and calibration of every model in the groups of every property.

    Parameters
    ----------
    models : sequence of Judged
        Models on the same items.
    groups : mapping of str to Series
        Group of every item, by property; missing ones are left out.

    Returns
    -------
    DataFrame
        Columns model, property, group, n, accuracy, low, high (Wilson's interval), calibration_error, answered. Groups of fewer
        than 20 are listed without scores.
    """
    rows = []
    for name, group in groups.items():
        for label, at in sorted(group.dropna().groupby(group.dropna()).groups.items(), key=lambda entry: _place(str(entry[0]))):
            inside = group.index.get_indexer(at)
            for one in models:
                row: dict[str, object] = {"model": one.model.name, "property": name, "group": str(label), "n": len(inside)}
                if len(inside) >= FEWEST:
                    accuracy = wilson(int(one.right[inside].sum()), len(inside))
                    given = inside[one.answered[inside]]
                    row |= {"accuracy": accuracy.value, "low": accuracy.low, "high": accuracy.high}
                    row |= {"answered": len(given) / len(inside)}
                    if len(given) and not one.model.labels_only:
                        row["calibration_error"] = expected_calibration_error(one.p[given].max(axis=1), one.right[given])
                rows.append(row)
    columns = ["model", "property", "group", "n", "accuracy", "low", "high", "answered", "calibration_error"]
    return pd.DataFrame(rows).reindex(columns=columns)


def _place(name: str) -> tuple[int, str]:
    """Low before middle before high; others by name."""
    return next((i for i, word in enumerate(("low", "middle", "high")) if name.startswith(word)), 3), name


def response_scores(models: Sequence[Judged], labels: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """What interventions do to every model, dose by dose.

    Parameters
    ----------
    models : sequence of Judged
        With their responses.
    labels : mapping of str to tuple of str
        Labels of every item.

    Returns
    -------
    DataFrame
        Columns model, intervention, dose, unit, changed_decisions with its interval (low, high: Wilson's), accuracy, n.
    """
    rows = []
    for one in models:
        classes = list(map(str, one.model.answers.columns))
        for response in one.model.responses:
            known = [labels.get(key, ()) for key in response.items]
            for place, dose in enumerate(response.doses):
                decisions = response.decisions[:, place]
                changed = wilson(int((decisions != response.decisions[:, response.base]).sum()), len(decisions))
                right = [classes[said] in names for said, names in zip(decisions, known, strict=True)]
                rows.append(
                    {
                        "model": one.model.name, "intervention": response.name, "dose": float(dose), "unit": response.unit,
                        "changed_decisions": changed.value, "low": changed.low, "high": changed.high,
                        "accuracy": float(np.mean(right)), "n": len(decisions),
                    }
                )  # fmt: skip
    columns = ["model", "intervention", "dose", "unit", "changed_decisions", "low", "high", "accuracy", "n"]
    return pd.DataFrame(rows, columns=columns)
