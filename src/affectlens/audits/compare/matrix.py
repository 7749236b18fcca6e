"""The matrix of models and what was looked at; every cell leads to its evidence on the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from affectlens.audits.compare.families import DEPENDENCE, GAP, RESPONSE
from affectlens.audits.compare.scores import MEASURES
from affectlens.audits.properties.settings import ALPHA
from affectlens.figures.page import Cell, heading

if TYPE_CHECKING:
    from affectlens.audits.compare.result import Comparison

SHOWN = "●"
PERCENT = {"accuracy", "answered", "accuracy_of_answers", "accuracy_of_surest", "coverage"}


def matrix(audit: Comparison) -> pd.DataFrame:
    """One row a score, property or intervention; one column a model.

    Parameters
    ----------
    audit : Comparison
        The result.

    Returns
    -------
    DataFrame
        Columns ``what`` and the models, of ``figures.page.Cell``: scores with their intervals, accuracy of the best and the
        worst group of each property, how strongly the decision depends on it, and the share of decisions that each intervention
        changes at its strongest dose. A dot marks what is shown after the correction over all tests.
    """
    rows = [*_scores(audit), *_costs(audit), *_properties(audit), *_responses(audit)]
    return pd.DataFrame(rows, columns=["what", *audit.models])


def _scores(audit: Comparison) -> Iterator[list[object]]:
    for measure in MEASURES:
        part = audit.scores[audit.scores.measure == measure].set_index("model")
        if part.empty:
            continue
        cells = []
        for model in audit.models:
            if model not in part.index:
                cells.append(Cell("—"))
                continue
            one = part.loc[model]
            cells.append(Cell(score_text(measure, one.value, one.low, one.high), score_row(model, measure)))
        yield [Cell(heading(measure)), *cells]
    if len(audit.sets):
        sets = audit.sets.set_index("model")
        yield [
            Cell("classes needed to hold the label in 90 %"),
            *(
                Cell(f"{sets.set_size[model]:.2f}", set_row(model)) if model in sets.index else Cell("—")
                for model in audit.models
            ),
        ]


def _costs(audit: Comparison) -> Iterator[list[object]]:
    costs = audit.costs.set_index("model").seconds
    texts = (f"{1000 * costs[model]:.2g} ms" if model in costs.index else "—" for model in audit.models)
    yield [
        Cell("computing an item"),
        *(Cell(text, "" if text == "—" else cost_row(model)) for model, text in zip(audit.models, texts, strict=True)),
    ]


def score_text(measure: str, value: float, low: float, high: float) -> str:
    """A score with its interval as people read it."""
    if pd.isna(value):
        return "—"
    if measure in PERCENT:
        return f"{value:.1%} ({low:.1%} to {high:.1%})"
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _properties(audit: Comparison) -> Iterator[list[object]]:
    for name in dict.fromkeys(audit.groups.property):
        gaps, depends = [], []
        for model in audit.models:
            part = audit.groups[(audit.groups.property == name) & (audit.groups.model == model)].dropna(subset=["accuracy"])
            gap = _tested(audit, GAP, model, name)
            if len(part) < 2:
                gaps.append(Cell("—"))
            else:
                low, high = part.loc[part.accuracy.idxmin()], part.loc[part.accuracy.idxmax()]
                text = f"{low.accuracy:.0%} {low.group} · {high.accuracy:.0%} {high.group}"
                shown = gap is not None and gap.p_holm <= ALPHA
                gaps.append(Cell(f"{text} {SHOWN}" if shown else text, group_row(model, name, str(low.group)), shown))
            test = _tested(audit, DEPENDENCE, model, name)
            if test is None:
                depends.append(Cell("—"))
            else:
                shown = test.p_holm <= ALPHA
                depends.append(Cell(f"{test.effect:+.2f}{f' {SHOWN}' if shown else ''}", test_row(test), shown))
        yield [Cell(f"{name}: accuracy of the worst and the best group"), *gaps]
        yield [Cell(f"{name}: dependence of the decision, given the label"), *depends]


def _responses(audit: Comparison) -> Iterator[list[object]]:
    for name in dict.fromkeys(audit.responses.intervention):
        cells = []
        for model in audit.models:
            part = audit.responses[(audit.responses.intervention == name) & (audit.responses.model == model)]
            if part.empty:
                cells.append(Cell("—"))
                continue
            top = part.loc[part.changed_decisions.idxmax()]
            base = part.loc[part.dose.abs().idxmin()]
            test = _tested(audit, RESPONSE, model, name)
            shown = test is not None and test.p_holm <= ALPHA
            text = f"{top.changed_decisions:.0%} change at {top.dose:g} {top.unit}; "
            text += f"accuracy {base.accuracy:.0%} → {top.accuracy:.0%}"
            cells.append(Cell(f"{text} {SHOWN}" if shown else text, response_row(model, name, top.dose), shown))
        yield [Cell(f"{name}, changed"), *cells]


def _tested(audit: Comparison, family: str, model: str, name: str) -> pd.Series | None:
    part = audit.tests[(audit.tests.family == family) & (audit.tests.model == model) & (audit.tests.property == name)]
    return part.iloc[0] if len(part) else None


# Names of rows on the page.
def score_row(model: str, measure: str) -> str:
    """The row of a score."""
    return f"score-{model}-{measure}"


def cost_row(model: str) -> str:
    """The row of the cost of an item."""
    return f"cost-{model}"


def set_row(model: str) -> str:
    """The row of the sizes of sets."""
    return f"sets-{model}"


def group_row(model: str, name: str, group: str) -> str:
    """The row of a group."""
    return f"group-{model}-{name}-{group}"


def response_row(model: str, name: str, dose: float) -> str:
    """The row of a dose."""
    return f"response-{model}-{name}-{dose:g}"


def test_row(test: pd.Series) -> str:
    """The row of a test."""
    return f"test-{test.family}-{test.measure}-{test.model}-{test.other}-{test.property}"
