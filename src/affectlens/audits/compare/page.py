"""The page of the comparison of classifiers: a matrix whose cells lead to their evidence, and what a machine reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from affectlens.audits.compare import figures as draw
from affectlens.audits.compare.matrix import SHOWN, cost_row, group_row, matrix, response_row, score_row, set_row, test_row
from affectlens.audits.compare.scores import MEASURES
from affectlens.core.disk.files import write_json
from affectlens.core.failures import missed_frame
from affectlens.core.listing import rest
from affectlens.figures.page import Figure, Section, heading, one_line, write_page

if TYPE_CHECKING:
    from affectlens.audits.compare.result import Comparison

MISSED = 200  # rows on the page
_MATRIX = f"""Every cell leads to the rows behind it. {SHOWN} marks what holds after one correction over all tests of this page.
    Of a property the accuracy of its worst and best group stands above how strongly the decision depends on it given the label
    (a correlation, or a strength from 0 to 1); of an intervention the largest share of decisions that it changes."""
_RANKS = """A model's place is told only as far as differences of accuracy are shown after the correction: from one more than
    the number of models shown to be better, to the number of all less those shown to be worse."""
_TESTS = (
    "Everything that was tested, also what does not hold. p (Holm) holds the chance of any false claim on this page at 5 %."
)
_SETS = """Classes that a set needs to hold the label nine times in ten: thresholds were fitted on a random half of the items
    and met by the other, in turn, the same halves for all models."""
LIMITS = tuple(map(one_line, (
    "A model that is not shown to be better may still be better: absence of a claim is no proof of equality.",
    "The order of accuracies in one sample of one corpus says little about other people, cameras and situations.",
    """Labels are what raters saw. A model that learnt from raters like these looks better here than one that did not; a model
    that was trained on this corpus looks better than it is, which this page cannot see unless its card says so.""",
    """A gap between groups of a measured property can come from something that goes with it. Estimated properties (age, gender,
    skin tone) are guesses of other models with errors of their own.""",
    "Seconds are of this machine and this batch size; they were not measured alone on it.",
)))  # fmt: skip


def charts(audit: Comparison) -> dict[str, Callable[[], Any]]:
    """What draws each chart, by name."""
    return {
        "scores": partial(draw.scores, audit.scores),
        "ranks": partial(draw.ranks, audit.ranks),
        "dependence": partial(draw.dependence, audit.tests),
        "responses": partial(draw.responses, audit.responses),
    }


def write(audit: Comparison, folder: Path) -> Path:
    """Write the page with its figures, and ``comparison.json``.

    Returns
    -------
    Path
        The page.
    """
    sentences = audit.findings()
    drawn = {name: chart for name, make in charts(audit).items() if (chart := make()) is not None}

    def figure(name: str, caption: str = "") -> tuple[Figure, ...]:
        return (Figure(drawn[name], name, caption),) if name in drawn else ()

    sections = [
        Section("What was found", (*sentences, *audit.notes)),
        Section("Models and properties", (one_line(_MATRIX),), (), matrix(audit).rename(columns={"what": " "}), whole=True),
        Section("Rank by accuracy", (one_line(_RANKS),), figure("ranks"), audit.ranks),
        _scores(audit, figure("scores")),
        *_sets(audit),
        *_costs(audit),
        *_properties(audit, figure("dependence")),
        *_responses(audit, figure("responses")),
        Section(
            "All tests", (_TESTS,), (), _shown(audit.tests), rows=tuple(test_row(row) for _, row in audit.tests.iterrows())
        ),
        *_left_out(audit),
        Section("The models", (), (), _models(audit)),
        Section("Methods", (methods(audit),), quiet=True),
        Section("Limits: what a comparison of this kind cannot show", LIMITS),
    ]  # fmt: skip
    write_json(folder / "comparison.json", facts(audit, sentences))
    return write_page(folder, audit.title, audit.about, sections, glance=audit.glance())


def facts(audit: Comparison, sentences: list[str]) -> dict[str, Any]:
    """What the page says, as JSON types; the tables are beside it as csv and parquet."""
    cells = matrix(audit).map(str)
    cells = cells[cells.what != "computing an item"]  # what differs between two runs stands apart
    return {
        "title": audit.title, "about": audit.about, "n": audit.n, "people": audit.people, "models": list(audit.models),
        "tests": int(audit.tests.p_value.notna().sum()), "claims": len(audit.claims), "findings": sentences,
        "notes": list(audit.notes), "excluded": audit.excluded, "matrix": cells.to_dict("records"),
        "ranks": audit.ranks.to_dict("records"), "seconds": audit.costs.set_index("model").seconds.to_dict(),
    }  # fmt: skip


def methods(audit: Comparison) -> str:
    """How the tests were made."""
    units = f"the {audit.people} people" if audit.people else "the items"
    drawn = "people, who are drawn whole" if audit.people else "items"
    return one_line(f"""Every item was read and measured once and put to every model; what a model did not answer
        counts as wrong. Units
        are {units}. Two models' accuracy and answers: McNemar's exact test, over people all flips of whole people
        (McNemar 1947; Dietterich 1998). Mean recall and Brier's score: flips of signs. Gaps and dependence of each
        model: exact permutation within labels, as in the audit of properties. Whether two models' gaps differ: flips of
        signs, sum of squares between groups. Interventions: being right at the strongest doses against the unchanged
        input, doses exchanged within units; decisions that change, of one model against another, flips of signs. Half
        of the level is for differences of scores between models and half for everything else, each corrected by Holm
        (1979), so that the chance of any false claim on this page is at most 5 %; Benjamini and Hochberg's p (BH)
        stands beside it. Intervals are of 95 % and not corrected: Wilson's for shares of items, else bootstrap over
        {drawn}.""")


def _scores(audit: Comparison, drawn: tuple[Figure, ...]) -> Section:
    rows = tuple(score_row(row.model, row.measure) for row in audit.scores.itertuples())
    return Section(
        "Scores", (_meanings(audit),), drawn, audit.scores.assign(measure=audit.scores.measure.map(heading)), rows=rows
    )


def _meanings(audit: Comparison) -> str:
    """What each score is that was made."""
    made = set(audit.scores.measure)
    return "; ".join(f"{heading(name)}: {text}" for name, text in MEASURES.items() if name in made) + "."


def _sets(audit: Comparison) -> list[Section]:
    if audit.sets.empty:
        return []
    rows = tuple(set_row(row.model) for row in audit.sets.itertuples())
    return [Section("Sets of classes", (one_line(_SETS),), (), audit.sets, rows=rows)]


def _costs(audit: Comparison) -> list[Section]:
    text = "Seconds of reading an item's input and answering, as it went in this run and on this machine, in batches."
    rows = tuple(cost_row(row.model) for row in audit.costs.itertuples())
    return [Section("Cost", (text,), (), audit.costs, rows=rows)]


def _properties(audit: Comparison, drawn: tuple[Figure, ...]) -> list[Section]:
    if audit.groups.empty:
        return []
    rows = tuple(group_row(row.model, row.property, str(row.group)) for row in audit.groups.itertuples())
    text = "Accuracy in groups of every property, with Wilson's intervals; groups of fewer than 20 have no score."
    return [
        *([Section("Dependence of decisions on properties", (), drawn)] if drawn else []),
        Section("Groups", (text,), (), audit.groups, rows=rows),
    ]


def _responses(audit: Comparison, drawn: tuple[Figure, ...]) -> list[Section]:
    if audit.responses.empty:
        return []
    rows = tuple(response_row(row.model, row.intervention, row.dose) for row in audit.responses.itertuples())
    text = "The same changed items were put to every model; a decision counts as changed against the dose nearest 0."
    return [Section("Response to interventions", (text,), drawn, audit.responses, rows=rows)]


def _shown(tests: pd.DataFrame) -> pd.DataFrame:
    columns = ["family", "measure", "model", "other", "property", "effect", "low", "high", "kind", "n", "units", "p_value"]
    return tests[[*columns, "p_holm", "p_bh", "how", "method"]]


def _models(audit: Comparison) -> pd.DataFrame:
    known = audit.provenance.model.get("models", {})
    columns = ["spec", "scores", "licence", "corpus", "sha256", "content"]
    return pd.DataFrame(
        [{"model": name, **{column: facts.get(column, "") for column in columns}} for name, facts in known.items()],
        columns=["model", *columns],
    )


def _left_out(audit: Comparison) -> list[Section]:
    if audit.missed.empty and not audit.excluded:
        return []
    rows = pd.concat([missed_frame(audit.excluded), audit.missed.head(MISSED)], ignore_index=True)
    text = f"{len(audit.excluded)} properties or single tests and {len(audit.missed)} items or measurements."
    text = f"{text} {rest(MISSED, len(audit.missed), 'items or measurements', 'missed.csv')}".rstrip()
    return [Section("What was left out", (text,), (), rows, "List")]
