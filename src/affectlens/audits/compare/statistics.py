"""What can be said of several classifiers that answered the same items: scores, ranks, and tests that share one family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from affectlens.audits.compare.answers import Answered, Judged, comparable, judged
from affectlens.audits.compare.families import (
    BETWEEN,
    COLUMNS,
    DEPENDENCE,
    GAP,
    GAP_BETWEEN,
    RESPONSE,
    RESPONSE_BETWEEN,
    corrected,
)
from affectlens.audits.compare.result import Comparison
from affectlens.audits.compare.scores import costs, group_scores, model_scores, response_scores, set_sizes
from affectlens.audits.properties.dependence import dependence_test
from affectlens.audits.properties.groups import FEWEST, grouped
from affectlens.audits.properties.settings import ALPHA
from affectlens.audits.properties.statistics import MOST, unfit
from affectlens.core.errors import UsageError
from affectlens.core.progress import Progress, silent
from affectlens.stats.generators import Rng, generator
from affectlens.stats.multiple import mean_of_units
from affectlens.stats.paired import exact_flips, exact_places, parted_by_groups, sums_of_units
from affectlens.stats.randomization import RandomizationTest, sign_flip_test
from affectlens.stats.resolution import Resolution


def compare_answers(
    models: Sequence[Answered],
    labels: Mapping[str, tuple[str, ...]],
    table: pd.DataFrame,
    kinds: Mapping[str, str],
    people: pd.Series | None,
    rng: Rng,
    *,
    draws: int = 500,
    progress: Progress = silent,
) -> Comparison:
    """Scores, ranks and tests of several models that were asked about the same items.

    Parameters
    ----------
    models : sequence of Answered
        With the same index of items.
    labels : mapping of str to tuple of str
        Labels of every item.
    table : DataFrame
        Index item, a column a property.
    kinds : mapping of str to str
        Kind of every property: continuous, ordinal, binary or categorical.
    people : Series or None
        Who each item is of: whole people are then the units of every test and interval.
    rng : int or numpy.random.Generator
        Source of the draws.
    draws : int
        Of each bootstrap interval.
    progress : callable
        Told how far it is.

    Returns
    -------
    Comparison
        Without title and provenance.

    Raises
    ------
    UsageError
        Fewer than 20 items whose labels every model knows.
    """
    rng = generator(rng)
    index, notes = comparable(models, labels)
    known = [labels[key] for key in index]
    all_judged = [judged(model, index, known) for model in models]
    first = np.array([names[0] for names in known], dtype=object)
    who = None if people is None else people.reindex(index).astype(str).to_numpy()
    if who is not None and len(set(who)) == len(who):
        who = None
    table = table.loc[index]
    truth = pd.Series(first, index=index)
    excluded = {name: reason for name in table.columns if (reason := unfit(table[name], kinds[name], truth))}
    named = [name for name in table.columns if name not in excluded]
    groups = {name: grouped(table[name], kinds[name]) for name in named}
    scores = model_scores(all_judged, first, who, rng, draws)
    tests = _Tests(all_judged, truth, who, rng, _count(models, len(named)))
    rows = [*tests.between_models()]
    rows += tests.of_properties(table[named], kinds, groups, excluded, progress)
    rows += tests.of_responses()
    frame = corrected(pd.DataFrame(rows, columns=list(COLUMNS)))
    if who is not None:
        notes.append(f"{len(index)} items of {len(set(who))} people: whole people are the units of tests and intervals")
    return Comparison(
        frame, scores, group_scores(all_judged, groups),
        response_scores(all_judged, labels), _ranks(all_judged, frame), set_sizes(all_judged, rng), costs(all_judged), excluded,
        tuple(one.model.name for one in all_judged), len(index), people=0 if who is None else len(set(who)),
        kinds=dict(kinds), notes=tuple(notes),
    )  # fmt: skip


def _count(models: Sequence[Answered], properties: int) -> int:
    """Tests that are corrected together, at most."""
    many = len(models)
    pairs, changes = many * (many - 1) // 2, max((len(model.responses) for model in models), default=0)
    return max(4 * pairs, pairs * (properties + changes) + many * (2 * properties + changes), 1)


@dataclass
class _Tests:
    """Everything that is tested; each method gives rows of the table of tests."""

    models: list[Judged]
    truth: pd.Series
    who: np.ndarray | None
    rng: np.random.Generator
    count: int

    @property
    def resolution(self) -> Resolution:
        """Of half of the level."""
        return Resolution(tests=2 * self.count)

    @property
    def pairs(self) -> list[tuple[Judged, Judged]]:
        """Every two models."""
        return list(combinations(self.models, 2))

    def between_models(self) -> Iterator[dict[str, object]]:
        """Differences in accuracy, mean recall, Brier's score and answers given."""
        counts = self.truth.value_counts()
        weight = 1 / (len(counts) * self.truth.map(counts).to_numpy(float))  # of an item in the mean recall
        exact = "McNemar's exact test" if self.who is None else "flips of whole people, all of them"
        flips = "flips of items" if self.who is None else "flips of whole people"
        for one, other in self.pairs:
            gain = one.right.astype(float) - other.right
            yield self._whole("accuracy", one, other, gain, exact)
            yield self._drawn("mean recall", one, other, gain * weight * len(gain), flips)
            yield self._whole("answered", one, other, one.answered.astype(float) - other.answered, exact)
            if one.model.labels_only or other.model.labels_only:
                continue
            both = one.answered & other.answered
            yield self._drawn("Brier score", one, other, np.where(both, one.squared - other.squared, np.nan), flips)

    def _whole(self, measure: str, one: Judged, other: Judged, gain: np.ndarray, method: str) -> dict[str, object]:
        return self._pair(BETWEEN, measure, one, other, gain, exact_flips(sums_of_units(gain, self.who)), method)

    def _drawn(self, measure: str, one: Judged, other: Judged, gain: np.ndarray, method: str) -> dict[str, object]:
        known = np.isfinite(gain)
        sums = sums_of_units(gain[known], None if self.who is None else self.who[known])
        tested = sign_flip_test(sums, self.rng, side="two", resolution=self.resolution)
        return self._pair(BETWEEN, measure, one, other, gain, tested, method)

    def _pair(
        self, family: str, measure: str, one: Judged, other: Judged, gain: np.ndarray, tested: RandomizationTest, method: str,
        property: str = "",
    ) -> dict[str, object]:  # fmt: skip
        known = np.isfinite(gain)
        low, high, units = _interval(gain[known], None if self.who is None else self.who[known])
        return _row(
            family=family, measure=measure, model=one.model.name, other=other.model.name, property=property,
            statistic=tested.statistic, effect=float(gain[known].mean()) if known.any() else float("nan"), low=low, high=high,
            kind="difference", n=int(known.sum()), units=units, p_value=tested.pvalue, smallest_p=tested.smallest,
            how=tested.how, method=method,
        )  # fmt: skip

    def of_properties(
        self, table: pd.DataFrame, kinds: Mapping[str, str], groups: Mapping[str, pd.Series], excluded: dict[str, str],
        progress: Progress,
    ) -> Iterator[dict[str, object]]:  # fmt: skip
        """Gaps and dependence of each model on each property, and whether gaps of two models differ."""
        index = table.index
        rows = np.sort(self.rng.permutation(len(index))[:MOST])
        person = None if self.who is None else pd.Series(self.who, index=index)
        for place, name in enumerate(table.columns):
            for one in self.models:
                answers = pd.Series(one.decision, index=index).where(one.answered)
                for family, measure, y in (
                    (GAP, "being right", pd.Series(one.right.astype(float), index=index)),
                    (DEPENDENCE, "decision", answers),
                ):
                    who = None if person is None else person.iloc[rows]
                    try:
                        tested = dependence_test(
                            table[name].iloc[rows],
                            kinds[name],
                            y.iloc[rows],
                            self.truth.iloc[rows],
                            who,
                            self.rng,
                            self.resolution,
                        )
                    except UsageError as error:
                        excluded[f"{name}, {measure} of {one.model.name}"] = str(error)
                        continue
                    yield _row(
                        family=family, measure=measure, model=one.model.name, property=name, statistic=tested.statistic,
                        effect=tested.effect.value, low=tested.effect.low, high=tested.effect.high, kind=tested.effect.kind,
                        n=tested.n, units=tested.units, p_value=tested.pvalue, smallest_p=tested.smallest_p, how=tested.how,
                        method=tested.method,
                    )  # fmt: skip
            yield from self._gaps_between(name, groups[name])
            progress("tests", place + 1, len(table.columns))

    def _gaps_between(self, name: str, groups: pd.Series) -> Iterator[dict[str, object]]:
        sizes = groups.value_counts()
        inside = groups.isin(sizes[sizes >= FEWEST].index).to_numpy()
        named = groups[inside].astype(str).to_numpy()
        if len(set(named)) < 2:
            return
        who = None if self.who is None else self.who[inside]
        for one, other in self.pairs:
            gain = one.right[inside].astype(float) - other.right[inside]
            tested = parted_by_groups(gain, named, who, self.rng, self.resolution)
            means = pd.Series(gain).groupby(named).mean()
            yield _row(
                family=GAP_BETWEEN, measure="being right", model=one.model.name, other=other.model.name, property=name,
                statistic=tested.statistic, effect=float(means.max() - means.min()), kind="range of differences", n=len(gain),
                units=len(gain) if who is None else len(set(who)), p_value=tested.pvalue, smallest_p=tested.smallest,
                how=tested.how, method="flips of items" if who is None else "flips of whole people",
            )  # fmt: skip

    def of_responses(self) -> Iterator[dict[str, object]]:
        """Whether each model's accuracy falls under each intervention, and whether the decisions of one change more."""
        place = {key: number for number, key in enumerate(self.truth.index)}
        changed: dict[str, dict[str, tuple[list[int], np.ndarray]]] = {}
        method = "flips of items, all of them" if self.who is None else "flips of whole people, all of them"
        for one in self.models:
            classes = list(map(str, one.model.answers.columns))
            for response in one.model.responses:
                known = [number for number, key in enumerate(response.items) if key in place]
                at = [place[response.items[number]] for number in known]
                if not known:
                    continue
                decisions = response.decisions[known]
                true = one.truth[at] > 0
                right = np.take_along_axis(true, decisions, axis=1).astype(float) if classes else np.zeros(decisions.shape)
                ends, base = response.ends, response.base
                moved = (decisions[:, ends] != decisions[:, [base]]).sum(axis=1).astype(float)
                changed.setdefault(response.name, {})[one.model.name] = (at, moved)
                yield self._loss(one.model.name, response.name, right[:, [base, *ends]], at)
        for name, by_model in changed.items():
            for one, other in self.pairs:
                if one.model.name in by_model and other.model.name in by_model:
                    (at, first), (again, second) = by_model[one.model.name], by_model[other.model.name]
                    common = sorted(set(at) & set(again))
                    gain = pd.Series(first, index=at)[common].to_numpy() - pd.Series(second, index=again)[common].to_numpy()
                    sides = len(next(r.ends for r in one.model.responses if r.name == name))
                    yield self._response(
                        RESPONSE_BETWEEN,
                        "changed decisions",
                        one.model.name,
                        other.model.name,
                        name,
                        gain,
                        sides,
                        common,
                        method,
                    )

    def _loss(self, model: str, name: str, right: np.ndarray, at: Sequence[int]) -> dict[str, object]:
        """How accuracy at the strongest doses (further columns) differs from that of the unchanged item (the first)."""
        who = None if self.who is None else self.who[list(at)]
        by_unit = np.stack([sums_of_units(column, who) for column in right.T], axis=1)
        tested = exact_places(by_unit)
        change = right[:, 1:].mean(axis=1) - right[:, 0]
        low, high, units = _interval(change, who)
        method = f"doses exchanged within {'items' if who is None else 'whole people'}, in all ways"
        return _row(
            family=RESPONSE, measure="accuracy", model=model, property=name, statistic=tested.statistic,
            effect=float(change.mean()), low=low, high=high, kind="difference", n=len(right), units=units,
            p_value=tested.pvalue, smallest_p=tested.smallest, how=tested.how, method=method,
        )  # fmt: skip

    def _response(
        self, family: str, measure: str, model: str, other: str, name: str, sums: np.ndarray, ends: int, at: Sequence[int],
        method: str,
    ) -> dict[str, object]:  # fmt: skip
        who = None if self.who is None else self.who[list(at)]
        tested = exact_flips(sums_of_units(sums, who))
        low, high, units = _interval(sums / max(ends, 1), who)
        return _row(
            family=family, measure=measure, model=model, other=other, property=name, statistic=tested.statistic,
            effect=float(sums.mean() / max(ends, 1)) if len(sums) else float("nan"), low=low, high=high, kind="difference",
            n=len(sums), units=units, p_value=tested.pvalue, smallest_p=tested.smallest, how=tested.how, method=method,
        )  # fmt: skip


def _row(**given: object) -> dict[str, object]:
    empty: dict[str, object] = {"other": "", "property": "", "low": float("nan"), "high": float("nan")}
    return empty | given


def _interval(values: np.ndarray, who: np.ndarray | None) -> tuple[float, float, int]:
    """Interval of a mean whose units are items, or people of several items, and how many units there are."""
    if who is None:
        _, low, high, _ = mean_of_units(values)
        return low, high, len(values)
    # A mean of items whose people differ in number: each person's sum of deviations is one independent piece of it.
    deviations = sums_of_units(values - values.mean() if len(values) else values, who)
    _, low, high, _ = mean_of_units(deviations * len(deviations) / max(len(values), 1))
    mean = float(values.mean()) if len(values) else float("nan")
    return mean + low, mean + high, len(deviations)


def _ranks(models: Sequence[Judged], tests: pd.DataFrame) -> pd.DataFrame:
    # A place lies between one more than the number of models shown to be better, and the number of all less those shown worse.
    shown = tests[(tests.family == BETWEEN) & (tests.measure == "accuracy") & (tests.p_holm <= ALPHA)]
    wins = [(row.model, row.other) if row.effect > 0 else (row.other, row.model) for row in shown.itertuples()]
    rows = []
    for one in models:
        name = one.model.name
        better = [worse for winner, worse in wins if winner == name]
        worse = [winner for winner, loser in wins if loser == name]
        rows.append(
            {
                "model": name, "accuracy": float(one.right.mean()), "best_rank": 1 + len(worse),
                "worst_rank": len(models) - len(better), "shown_better_than": ", ".join(better),
                "shown_worse_than": ", ".join(worse),
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    return frame.sort_values(["best_rank", "worst_rank", "accuracy"], ascending=[True, True, False], ignore_index=True)
