"""Concepts at one layer against pseudo-concepts, which are added some at a time."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Self

import numpy as np

from affectlens.audits.concepts.cav.bootstrap import intervals
from affectlens.audits.concepts.cav.null import residual, two_sided
from affectlens.audits.concepts.cav.space import Space, directions, method_name
from affectlens.audits.concepts.cav.view import View
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.core.errors import UsageError

CHUNK = 250  # pseudo-concepts scored at once


@dataclass(frozen=True)
class LayerTests:
    """Tests at one layer, of ``k`` concepts and ``c`` classes over ``K`` pseudo-concepts.

    Attributes
    ----------
    shift, cosine, sign : array (k, c)
        Shift along the mean gradient, mean cosine, share of positive cosines.
    interval, cosine_interval : array (2, k, c)
        Low and high (95 %) of shift and cosine.
    p_value, cosine_p_value, sign_p_value : array (k, c)
        Two-sided.
    z : array (K + 1, k, c)
        Standard scores of the shift, the observed last.
    within, within_p_value : array (k, c)
        Shift and p-value with the label held fixed; NaN without labels.
    cosines : array (k, k)
        Between the concepts' directions.
    directions : array (k, r)
        Unit directions in the layer's space.
    alignment : array (c,)
        Mean cosine among the gradients of a class.
    """

    shift: np.ndarray
    interval: np.ndarray
    cosine: np.ndarray
    cosine_interval: np.ndarray
    sign: np.ndarray
    p_value: np.ndarray
    cosine_p_value: np.ndarray
    sign_p_value: np.ndarray
    z: np.ndarray
    within: np.ndarray
    within_p_value: np.ndarray
    cosines: np.ndarray
    directions: np.ndarray
    alignment: np.ndarray


class LayerTest:
    """The test of concepts at one layer.

    Parameters
    ----------
    space : Space
        The layer.
    targets : array (k, n)
        Concepts: 1, 0, NaN, or graded.
    classes : list of array of int
        For each class the rows of ``space.gradients`` that hold its logit's gradients at its inputs.
    settings : ConceptSettings
        Method, counterparts, bootstraps and seed.
    strata : array (n,), optional
        Labels of the examples; with them concepts are also tested within labels.
    groups, input_groups : array (n,), (m,), optional
        Dialogues of the examples and of the inputs, resampled whole.
    """

    def __init__(
        self,
        space: Space,
        targets: np.ndarray,
        classes: list[np.ndarray],
        settings: ConceptSettings,
        *,
        strata: np.ndarray | None = None,
        groups: np.ndarray | None = None,
        input_groups: np.ndarray | None = None,
    ) -> None:
        self.targets, self.settings, self.strata = targets, settings, strata
        self.groups, self.input_groups = groups, input_groups
        self.view = View.of(space, classes, method_name(settings.method))
        self._rng = np.random.default_rng(settings.seed)
        self.sets = _with_counterparts(targets, settings.counterparts, self._rng)
        self._null: list[np.ndarray] = []  # (3, draws, k, c) each: shift, cosine, sign
        self._null_within: list[np.ndarray] = []  # (draws, k, c) each

    @property
    def within_labels(self) -> bool:
        """Whether concepts are also tested with the label held fixed."""
        return self.strata is not None and self.view.linear

    def update(self, orders: np.ndarray) -> None:
        """Score the pseudo-concepts that these orders of the examples ``(draws, n)`` make."""
        for start in range(0, len(orders), CHUNK):
            part = orders[start : start + CHUNK]
            scores = [self.view.score(np.stack([target[part] for target in sets], axis=1)) for sets in self.sets]
            self._null.append(np.stack(scores, axis=2))
            if self.within_labels:
                within = [self.view.shift(residual(y[part], self.strata)) for y in self.targets]
                self._null_within.append(np.stack(within, axis=1))

    def merge(self, other: LayerTest) -> Self:
        """Add the pseudo-concepts of another test of the same concepts; gives itself."""
        same = self.settings == other.settings and np.array_equal(self.targets, other.targets, equal_nan=True)
        if not same:
            raise UsageError("only tests of the same concepts with the same settings can be merged")
        self._null += other._null
        self._null_within += other._null_within
        return self

    def compute(self) -> LayerTests:
        """Statistics, p-values and intervals.

        Returns
        -------
        LayerTests
            Of every concept and class.

        Raises
        ------
        UsageError
            No pseudo-concepts were added.
        """
        if not self._null:
            raise UsageError("no pseudo-concepts were added, so there is nothing to compare with")
        view, settings = self.view, self.settings
        null = np.concatenate(self._null, axis=1)
        observed = view.score(self.sets)
        within = within_p_value = np.full(observed.shape[1:], np.nan)
        if self.within_labels:
            within = view.shift(residual(self.targets, self.strata))
            within_p_value = two_sided(within, np.concatenate(self._null_within))[0]
        p_value, z = two_sided(observed[0], null[0])
        interval, cosine_interval = intervals(
            view, self.targets, settings.bootstraps, copy.deepcopy(self._rng), groups=self.groups,
            input_groups=self.input_groups, seed=settings.seed,
        )  # fmt: skip
        vectors = np.array([directions(view.space, sets, view.method).mean(axis=0) for sets in self.sets])
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)
        return LayerTests(
            shift=observed[0], interval=interval, cosine=observed[1], cosine_interval=cosine_interval, sign=observed[2],
            p_value=p_value, cosine_p_value=two_sided(observed[1], null[1])[0],
            sign_p_value=two_sided(observed[2], null[2])[0], z=z, within=within, within_p_value=within_p_value,
            cosines=vectors @ vectors.T, directions=vectors, alignment=view.alignment(),
        )  # fmt: skip


def _with_counterparts(targets: np.ndarray, counterparts: int, rng: np.random.Generator) -> list[np.ndarray]:
    """For each concept the targets ``(counterparts, n)``: NaN where an example is in neither set."""
    if counterparts < 1:
        return [row[None] for row in targets]
    out = []
    for row in targets:
        examples, counterexamples = np.flatnonzero(row > 0.5), np.flatnonzero(row <= 0.5)
        drawn = np.full((counterparts, len(row)), np.nan)
        drawn[:, examples] = 1
        for number in range(counterparts):
            drawn[number, rng.choice(counterexamples, min(len(examples), len(counterexamples)), replace=False)] = 0
        out.append(drawn)
    return out
