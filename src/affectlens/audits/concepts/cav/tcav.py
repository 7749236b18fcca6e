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

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from affectlens.audits.concepts.cav.layer import LayerTest, LayerTests
from affectlens.audits.concepts.cav.null import max_t, orders
from affectlens.audits.concepts.cav.space import Space
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.core.errors import UsageError
from affectlens.core.progress import Progress, silent
from affectlens.core.results import SavedResult
from affectlens.stats.multiple import benjamini_hochberg, holm
from affectlens.stats.resolution import reach_sentence, reachable

FEWEST = 10  # examples under which a concept's direction is hardly more than noise
SATURATED = 0.999  # mean cosine among gradients from which on a layer's answer is linear


@dataclass(frozen=True)
class ConceptTests(SavedResult):
    """Tests over concepts, layers and classes.

    Attributes
    ----------
    frame : DataFrame
        One row a layer, concept and class, see ``test_concepts``.
    layers : dict of str to LayerTests
        What was computed at each layer.
    warnings : list of str
        What to beware of.
    """

    kind: ClassVar[str] = "concept tests"
    primary: ClassVar[str] = "frame"

    frame: pd.DataFrame
    layers: dict[str, LayerTests]
    warnings: list[str] = field(default_factory=list)

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``heat-map``: the shift of every concept at every layer for every class."""
        from affectlens.audits.concepts.page import heat_map

        return {"heat-map": lambda: heat_map(self.frame)}


def check_concepts(targets: Mapping[str, np.ndarray], groups: np.ndarray | None = None) -> None:
    """Look whether concepts ``(n,)`` can be tested at all.

    Raises
    ------
    UsageError
        A concept without examples or counterexamples, with one or two, or with all of them in one of the ``groups``
        (dialogues).
    """
    if not targets:
        raise UsageError("no concept was given; see `affectlens audit concepts --list` for those that a corpus supports")
    for name, y in targets.items():
        graded = len(np.unique(y[np.isfinite(y)])) > 2
        examples = int(np.nansum(y > 0.5)) if not graded else int(np.isfinite(y).sum())
        counterexamples = int(np.nansum(y <= 0.5)) if not graded else examples
        if examples < 3 or counterexamples < 3:
            raise UsageError(
                f"concept {name!r} has {examples} examples and {counterexamples} counterexamples in the pool; at least 3 of "
                f"each are needed ({FEWEST} for a result worth reading): loosen its definition, enlarge the pool or leave it "
                "out"
            )
        if groups is not None and not graded and len(np.unique(groups[np.nan_to_num(y) > 0.5])) == 1:
            dialogue = str(groups[np.nan_to_num(y) > 0.5][0])
            raise UsageError(
                f"all {examples} examples of concept {name!r} lie in dialogue {dialogue!r}; concept and dialogue cannot be "
                "told apart: add dialogues or leave it out"
            )


def test_concepts(
    spaces: Mapping[str, Space],
    targets: Mapping[str, np.ndarray],
    classes: Mapping[str, np.ndarray],
    settings: ConceptSettings | None = None,
    *,
    strata: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    input_groups: np.ndarray | None = None,
    progress: Progress = silent,
) -> ConceptTests:
    """Test every concept at every layer for every class, corrected over all of them.

    Parameters
    ----------
    spaces : mapping of str to Space
        The layers, each with ``n`` examples and ``m`` gradients.
    targets : mapping of str to array (n,)
        Concepts: 1 with, 0 without, NaN for no part, or graded values.
    classes : mapping of str to array of int
        For each class the rows of the spaces' gradients that belong to it.
    settings : ConceptSettings, optional
        Method, draws, counterparts, bootstraps and seed.
    strata : array (n,), optional
        Labels of the examples: with them each concept is also tested within labels, since one that goes with a label will
        show whatever made the label.
    groups, input_groups : array (n,), (m,), optional
        Dialogues of the examples and of the inputs.
    progress : Progress
        Told of the layers.

    Returns
    -------
    ConceptTests
        ``frame`` has one row a layer, concept and class. ``statistic`` is the shift; ``p_value`` its p-value, ``p_max_t``,
        ``p_holm`` and ``p_bh`` those corrected over all rows.

    Raises
    ------
    UsageError
        A concept without enough examples (``check_concepts``).
    """
    settings = settings or ConceptSettings()
    check_concepts(targets, groups)
    y = np.array(list(targets.values()), dtype=np.float64)
    dealt = orders(y.shape[1], settings.draws, np.random.default_rng(settings.seed), groups)
    tests = {}
    for i, (name, space) in enumerate(spaces.items()):
        test = LayerTest(space, y, list(classes.values()), settings, strata=strata, groups=groups, input_groups=input_groups)
        test.update(dealt)
        tests[name] = test.compute()
        progress("layers", i + 1, len(spaces))
    frame = _frame(tests, list(targets), list(classes), y)
    warnings = [*_coarse(len(frame), settings.draws), *_saturated(tests, list(classes)), *_few(list(targets), y)]
    return ConceptTests(frame, tests, warnings)


test_concepts.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test by its name


def _frame(tests: Mapping[str, LayerTests], concepts: list[str], classes: list[str], y: np.ndarray) -> pd.DataFrame:
    rows = [
        {
            "layer": layer, "concept": concept, "class": label, "examples": int(np.nansum(y[i] > 0.5)),
            "statistic": tested.shift[i, j], "shift": tested.shift[i, j],
            "low": tested.interval[0, i, j], "high": tested.interval[1, i, j],
            "p_value": tested.p_value[i, j], "smallest_p": 1 / len(tested.z),
            "cosine": tested.cosine[i, j], "cosine_low": tested.cosine_interval[0, i, j],
            "cosine_high": tested.cosine_interval[1, i, j], "cosine_p_value": tested.cosine_p_value[i, j],
            "sign_count": tested.sign[i, j], "sign_count_p_value": tested.sign_p_value[i, j], "z": tested.z[-1, i, j],
            "shift_within_labels": tested.within[i, j], "p_within_labels": tested.within_p_value[i, j],
        }
        for layer, tested in tests.items()
        for i, concept in enumerate(concepts)
        for j, label in enumerate(classes)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    p = frame.p_value.to_numpy()
    z = np.concatenate([tested.z.reshape(len(tested.z), -1) for tested in tests.values()], axis=1)
    within = benjamini_hochberg(frame.p_within_labels.to_numpy())
    return frame.assign(p_holm=holm(p), p_bh=benjamini_hochberg(p), p_max_t=max_t(z), p_within_labels_bh=within)


def _coarse(tests: int, draws: int) -> list[str]:
    """Too few pseudo-concepts for so many tests."""
    smallest = np.full(tests, 1 / (draws + 1))
    if reachable(smallest):
        return []
    return [f"{reach_sentence(smallest)} Take at least {20 * tests - 1} pseudo-concepts (--draws), or read the max-T column"]


def _saturated(tests: Mapping[str, LayerTests], classes: list[str]) -> list[str]:
    """Layers in which a class's logit is linear."""
    out = []
    for layer, tested in tests.items():
        flat = [label for label, alignment in zip(classes, tested.alignment, strict=True) if alignment > SATURATED]
        if flat:
            out.append(
                f"layer {layer}: the logit of {', '.join(flat)} is linear in it (all gradients point one way), so the sign "
                "count can only be 0 or 1 there, and the result tells about weights, not about inputs"
            )
    return out


def _few(concepts: list[str], y: np.ndarray) -> list[str]:
    """Concepts with hardly any examples."""
    counts = {name: int(np.nansum(row > 0.5)) for name, row in zip(concepts, y, strict=True)}
    return [
        f"concept {name}: {count} examples only; its direction is hardly more than noise"
        for name, count in counts.items()
        if count < FEWEST
    ]


def relative(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The target of relative TCAV (Kim et al. 2018, section 3.6): one concept against another.

    Parameters
    ----------
    first, second : array (n,)
        Concepts: 1, 0 or NaN.

    Returns
    -------
    array (n,)
        1 for the first without the second, 0 for the second without the first, NaN for both or neither.

    Examples
    --------
    >>> relative(np.array([1, 1, 0, 0]), np.array([0, 1, 1, 0])).tolist()
    [1.0, nan, 0.0, nan]
    """
    in_first, in_second = np.nan_to_num(first) > 0.5, np.nan_to_num(second) > 0.5
    return np.where(in_first & ~in_second, 1.0, np.where(in_second & ~in_first, 0.0, np.nan))
