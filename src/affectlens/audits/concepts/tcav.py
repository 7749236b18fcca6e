"""Testing with concept activation vectors (Kim et al. 2018, arXiv 1711.11279), with a null that holds its level.

The usual test is a t-test of a concept's scores over random counterparts against those of random sets. Its samples share the
concept's examples, so they are not independent, and more counterparts make it reject more random concepts. Here the whole
procedure is repeated on pseudo-concepts, and one p-value comes from where the concept's statistic lies among theirs.

The statistic tested is the shift: how far, in standard deviations of the pool, the concept's examples lie from the others
along the mean gradient. The cosine between gradient and unit direction throws the length of the difference away, and with it
most power: where a layer has one dominant axis even random sets differ along it, by little, and have a large cosine of
random sign.
Cosine and sign count are given with p-values of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from affectlens.audits.concepts.null import max_t, orders, residual, two_sided
from affectlens.audits.concepts.space import Space, centred, directions, method_name
from affectlens.core.errors import UsageError
from affectlens.stats.multiple import benjamini_hochberg, holm

FEWEST = 10  # examples under which a concept's direction is hardly more than noise
SATURATED = 0.999  # mean cosine among gradients from which on a layer's answer is linear


@dataclass(frozen=True)
class TestOptions:
    """``method`` of the directions (``space.METHODS``); ``draws`` pseudo-concepts; ``counterparts`` random sets of as many
    examples as the concept has, 0 for all other examples at once; ``bootstraps`` for the intervals; ``seed``."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    method: str = "pattern"
    draws: int = 1999
    counterparts: int = 0
    bootstraps: int = 300
    seed: int = 0


@dataclass(frozen=True)
class LayerTests:
    """Tests at one layer. ``shift``, ``score`` (mean cosine), ``sign`` (share of positive cosines) and their p-values ``p``,
    ``score_p``, ``sign_p`` are ``(concepts, classes)``; ``z`` is ``(draws + 1, concepts, classes)``, the standard score of the
    shift with the observed last; ``interval`` and ``score_interval`` ``(2, concepts, classes)``; ``within`` and ``within_p``
    are shift and p-value with the label held fixed (NaN without labels); ``cosines`` ``(concepts, concepts)``; ``directions``
    ``(concepts, r)``; ``alike`` ``(classes,)`` mean cosine among gradients."""

    shift: np.ndarray
    interval: np.ndarray
    score: np.ndarray
    score_interval: np.ndarray
    sign: np.ndarray
    p: np.ndarray
    score_p: np.ndarray
    sign_p: np.ndarray
    z: np.ndarray
    within: np.ndarray
    within_p: np.ndarray
    cosines: np.ndarray
    directions: np.ndarray
    alike: np.ndarray


@dataclass(frozen=True)
class ConceptTests:
    """Tests over concepts, layers and classes: a ``frame`` with one row each, the ``layers``' parts, and ``warnings``."""

    frame: pd.DataFrame
    layers: dict[str, LayerTests]
    warnings: list[str] = field(default_factory=list)


def check_concepts(targets: dict[str, np.ndarray], groups: np.ndarray | None = None) -> None:
    """Raises UsageError for a concept without examples or counterexamples, with one or two, or all of them in one dialogue."""
    if not targets:
        raise UsageError("no concept was given; see `affectlens audit concepts --list` for those that a corpus supports")
    for name, y in targets.items():
        graded = len(np.unique(y[np.isfinite(y)])) > 2
        with_it = int(np.nansum(y > 0.5)) if not graded else int(np.isfinite(y).sum())
        without = int(np.nansum(y <= 0.5)) if not graded else with_it
        if with_it < 3 or without < 3:
            raise UsageError(
                f"concept {name!r} has {with_it} examples and {without} counterexamples in the pool; at least 3 of each are "
                f"needed ({FEWEST} for a result worth reading): loosen its definition, enlarge the pool or leave it out"
            )
        if groups is not None and not graded and len(np.unique(groups[np.nan_to_num(y) > 0.5])) == 1:
            where = str(groups[np.nan_to_num(y) > 0.5][0])
            raise UsageError(
                f"all {with_it} examples of concept {name!r} lie in dialogue {where!r}; concept and dialogue cannot be told "
                "apart: add dialogues or leave it out"
            )


def test_layer(
    space: Space,
    targets: np.ndarray,
    classes: list[np.ndarray],
    options: TestOptions,
    row_orders: np.ndarray,
    *,
    strata: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    input_groups: np.ndarray | None = None,
) -> LayerTests:
    """Score concepts ``targets`` ``(k, n)`` for each class and compare with pseudo-concepts made by ``row_orders`` ``(K, n)``.

    ``classes``: for each class the rows of ``space.gradients`` that hold its logit's gradients at its inputs. ``strata``
    ``(n,)``: labels of the examples. ``groups`` ``(n,)`` and ``input_groups`` ``(m,)``: dialogues, resampled whole.
    """
    rng = np.random.default_rng(options.seed)
    view = _View.of(space, classes, method_name(options.method))
    signs = _with_counterparts(targets, options.counterparts, rng)
    k, c, draws = len(targets), len(classes), len(row_orders)
    observed = view.score(signs)
    null = np.zeros((3, draws, k, c))
    within = within_p = np.full((k, c), np.nan)
    labelled = strata is not None and view.linear
    null_within = np.zeros((draws, k, c))
    for at in range(k):
        for start in range(0, draws, 250):
            part = row_orders[start : start + 250]
            held = slice(start, start + len(part))
            null[:, held, at] = view.score(np.stack([s[part] for s in signs[at]], axis=1))  # (draws, counterparts, n)
            if labelled:
                null_within[held, at] = view.shift(residual(targets[at][part], strata))
    if labelled:
        within = view.shift(residual(targets, strata))
        within_p = two_sided(within, null_within)[0]
    p, z = two_sided(observed[0], null[0])
    interval, score_interval = _interval(view, targets, options, groups, input_groups, rng)
    found = np.array([directions(space, s, view.method).mean(axis=0) for s in signs])
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-300)
    return LayerTests(
        observed[0], interval, observed[1], score_interval, observed[2], p, two_sided(observed[1], null[1])[0],
        two_sided(observed[2], null[2])[0], z, within, within_p, found @ found.T, found, view.alike(),
    )  # fmt: skip


test_layer.__test__ = False  # type: ignore[attr-defined]


def _with_counterparts(targets: np.ndarray, counterparts: int, rng: np.random.Generator) -> list[np.ndarray]:
    """For each concept the targets ``(counterparts, n)``: NaN where an example is in neither set."""
    if counterparts < 1:
        return [row[None] for row in targets]
    out = []
    for row in targets:
        with_it, others = np.flatnonzero(row > 0.5), np.flatnonzero(row <= 0.5)
        made = np.full((counterparts, len(row)), np.nan)
        made[:, with_it] = 1
        for r in range(counterparts):
            made[r, rng.choice(others, min(len(with_it), len(others)), replace=False)] = 0
        out.append(made)
    return out


@dataclass(frozen=True)
class _View:
    """A layer as its classes see it: mean unit gradients ``means`` ``(c, r)``, for linear methods with the method's weighing in
    ``steps``, and the pool's deviation along each, ``spread`` ``(c,)``."""

    space: Space
    classes: list[np.ndarray]
    method: str
    means: np.ndarray
    steps: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, space: Space, classes: list[np.ndarray], method: str) -> _View:
        means = np.array([space.gradients[rows].mean(axis=0) for rows in classes])
        steps = means * space.inner() if method == "ridge" else means
        return cls(space, classes, method, means, steps, (space.points @ steps.T).std(axis=0))

    @property
    def linear(self) -> bool:
        return self.method in ("pattern", "ridge")

    def shift(self, targets: np.ndarray) -> np.ndarray:
        """Standardised difference along the mean gradient ``(k, c)``."""
        y = centred(targets)
        size = (y * y).sum(axis=1, keepdims=True)
        raw = y @ (self.space.points @ self.steps.T) / np.where(size > 0, size, 1)
        return np.asarray(raw / np.where(self.spread > 0, self.spread, 1))

    def score(self, sets: np.ndarray | list[np.ndarray]) -> np.ndarray:
        """Shift, mean cosine and share of positive cosines ``(3, sets, c)``, averaged over the counterparts of each set. For
        ``svm`` and ``sgd``, whose weights have no length that means anything, the shift is the cosine."""
        counts = np.array([len(s) for s in sets])
        ends = np.cumsum([0, *counts])[:-1]
        y = np.concatenate([np.atleast_2d(s) for s in sets])
        found = directions(self.space, y, self.method)
        out = np.zeros((3, len(y), len(self.classes)))
        out[1] = found @ self.means.T
        out[0] = self.shift(y) if self.linear else out[1]
        for j, rows in enumerate(self.classes):
            out[2, :, j] = (self.space.gradients[rows] @ found.T > 0).mean(axis=0)
        return np.asarray(np.add.reduceat(out, ends, axis=1) / counts[:, None])

    def alike(self) -> np.ndarray:
        """Mean cosine among the gradients of each class, within the span."""
        out = []
        for rows in self.classes:
            g = self.space.gradients[rows]
            length = np.linalg.norm(g, axis=1, keepdims=True)
            out.append(float(np.linalg.norm((g / np.where(length > 0, length, 1)).mean(axis=0))) ** 2)
        return np.array(out)


def _interval(
    view: _View, targets: np.ndarray, options: TestOptions, groups: np.ndarray | None, input_groups: np.ndarray | None,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Percentile bootstraps ``(2, k, c)`` of shift and cosine over dialogues of the examples and of the inputs at once; for
    ``svm`` and ``sgd`` over the inputs alone."""
    space, b, k, c = view.space, options.bootstraps, len(targets), len(view.classes)
    if not b:
        nothing = np.full((2, k, c), np.nan)
        return nothing, nothing
    weight = _counts(b, len(space.points), groups, rng)
    drawn = _counts(b, len(space.gradients), input_groups, rng)
    means = np.stack([drawn[:, rows] @ space.gradients[rows] for rows in view.classes], axis=1)
    means /= np.maximum(np.stack([drawn[:, rows].sum(axis=1) for rows in view.classes], axis=1), 1)[:, :, None]
    inner = space.inner() if view.method == "ridge" else np.ones(space.points.shape[1])
    values = np.zeros((2, b, k, c))
    fixed = None if view.linear else directions(space, targets, view.method, options.seed)
    for at, y in enumerate(targets):
        if fixed is not None:
            values[:, :, at] = means @ fixed[at]
            continue
        held = np.isfinite(y)
        w = np.where(held, weight, 0.0)
        filled = np.where(held, y, 0.0)
        away = filled - ((w @ filled) / np.maximum(w.sum(axis=1), 1))[:, None]
        raw = ((w * away) @ space.points) * inner
        along = np.einsum("br,bcr->bc", raw, means)
        size = (w * away**2).sum(axis=1)[:, None]
        values[0, :, at] = along / np.where(size > 0, size, 1) / np.where(view.spread > 0, view.spread, 1)
        values[1, :, at] = along / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-300)
    low, high = np.quantile(values, [0.025, 0.975], axis=1)
    return np.stack([low[0], high[0]]), np.stack([low[1], high[1]])


def _counts(draws: int, n: int, groups: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """How often each row comes in each resampling ``(draws, n)``; whole groups come together."""
    if groups is None:
        return rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)
    _, inverse = np.unique(groups.astype(str), return_inverse=True)
    units = inverse.max() + 1
    return rng.multinomial(units, np.full(units, 1 / units), size=draws)[:, inverse].astype(np.float64)


def test_concepts(
    spaces: dict[str, Space],
    targets: dict[str, np.ndarray],
    classes: dict[str, np.ndarray],
    options: TestOptions | None = None,
    *,
    strata: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    input_groups: np.ndarray | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> ConceptTests:
    """Tests of every concept at every layer for every class, corrected over all of them.

    ``targets`` maps a concept to ``(n,)``: 1, 0 or NaN, or graded values. ``classes`` maps a class to the rows of the spaces'
    gradients. ``strata`` ``(n,)`` are the examples' labels: with them each concept is also tested within labels, since one
    that goes with a label will show whatever made the label.

    Raises:
        UsageError: a concept without enough examples (``check_concepts``).
    """
    options = options or TestOptions()
    check_concepts(targets, groups)
    y = np.array(list(targets.values()), dtype=np.float64)
    rng = np.random.default_rng(options.seed)
    dealt = orders(y.shape[1], options.draws, rng, groups)
    found = {}
    for i, (name, space) in enumerate(spaces.items()):
        found[name] = test_layer(
            space, y, list(classes.values()), options, dealt, strata=strata, groups=groups, input_groups=input_groups
        )
        if progress:
            progress("layers", i + 1, len(spaces))
    frame = _frame(found, list(targets), list(classes), y)
    return ConceptTests(frame, found, _warnings(frame, found, options, y, list(targets), list(classes)))


test_concepts.__test__ = False  # type: ignore[attr-defined]


def _frame(found: dict[str, LayerTests], concepts: list[str], classes: list[str], y: np.ndarray) -> pd.DataFrame:
    rows = []
    for layer, t in found.items():
        for i, concept in enumerate(concepts):
            for j, label in enumerate(classes):
                rows.append(
                    {
                        "layer": layer, "concept": concept, "class": label, "examples": int(np.nansum(y[i] > 0.5)),
                        "shift": t.shift[i, j], "low": t.interval[0, i, j], "high": t.interval[1, i, j], "p": t.p[i, j],
                        "cosine": t.score[i, j], "cosine low": t.score_interval[0, i, j],
                        "cosine high": t.score_interval[1, i, j], "cosine p": t.score_p[i, j],
                        "sign count": t.sign[i, j], "sign count p": t.sign_p[i, j], "z": t.z[-1, i, j],
                        "shift within labels": t.within[i, j], "p within labels": t.within_p[i, j],
                    }
                )  # fmt: skip
    frame = pd.DataFrame(rows)
    z = np.concatenate([t.z.reshape(len(t.z), -1) for t in found.values()], axis=1)
    for name, values in (("p Holm", holm), ("p BH", benjamini_hochberg)):
        frame[name] = values(frame.p.to_numpy())
    frame["p max-T"] = max_t(z)
    known = frame["p within labels"].notna().any()
    frame["p within labels BH"] = benjamini_hochberg(frame["p within labels"].to_numpy()) if known else np.nan
    return frame


def _warnings(
    frame: pd.DataFrame, found: dict[str, LayerTests], options: TestOptions, y: np.ndarray, concepts: list[str],
    classes: list[str],
) -> list[str]:  # fmt: skip
    out = []
    family = len(frame)
    if family / (options.draws + 1) > 0.05:
        out.append(
            f"{options.draws} pseudo-concepts give p-values of {1 / (options.draws + 1):.2g} at least; over {family} tests "
            f"Holm's correction cannot fall to .05: take at least {20 * family - 1}, or read the max-T column"
        )
    for layer, t in found.items():
        flat = [c for c, alike in zip(classes, t.alike, strict=True) if alike > SATURATED]
        if flat:
            out.append(
                f"layer {layer}: the logit of {', '.join(flat)} is linear in it (all gradients point one way), so the sign "
                "count can only be 0 or 1 there, and the result tells about weights, not about inputs"
            )
    for name, row in zip(concepts, y, strict=True):
        few = int(np.nansum(row > 0.5))
        if few < FEWEST:
            out.append(f"concept {name}: {few} examples only; its direction is hardly more than noise")
    return out


def relative(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The target of relative TCAV (Kim et al. 2018, section 3.6): the first concept against the second, each without the other;
    examples of both or neither take no part."""
    a, b = np.nan_to_num(first) > 0.5, np.nan_to_num(second) > 0.5
    return np.where(a & ~b, 1.0, np.where(b & ~a, 0.0, np.nan))
