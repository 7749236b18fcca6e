"""Every subset of modules under every way of fusing, on held-out people, with intervals over people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from affectlens.core.progress import Progress, silent
from affectlens.core.results import SavedResult
from affectlens.features.banks import CLASSES, Fold, Pair
from affectlens.learning.recipes.fusion import FusionRecipe
from affectlens.learning.trainers.fusion import FUSIONS, Bank, Fusions, pair, subsets, train_fusion
from affectlens.models.nets.fusion import FusionNet
from affectlens.stats.classification import expected_calibration_error
from affectlens.stats.randomization import permutation_p

CASES = 600  # of a bootstrap draw and fold
WHOLE = 4000  # cases of a fold for the value itself


@dataclass(frozen=True)
class Ablation(SavedResult):
    """Scores of every subset of modules.

    ``scores``: one row a way of fusing and subset, columns pairing (``class-matched`` or ``same people``), fusion, modules,
    size, mean_recall, low, high, calibration_error and log_loss. ``against``: differences of UAR between all modules
    and each single one, and between each way of fusing and the pool, with interval and ``p_value`` (one-sided). ``joint``:
    whether cases are of the same people. ``missed``: items of the corpora that could not be read, and why; ``notes``:
    how the others were read, where not as they stand in their files.
    """

    kind: ClassVar[str] = "ablation"

    scores: pd.DataFrame
    against: pd.DataFrame
    joint: bool
    missed: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """The scores."""
        return self.scores.copy()

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``scores``: mean recall of every subset of modules, with its interval, a colour a way of fusing."""
        return {"scores": self._chart}

    def _chart(self) -> Any:
        import altair as alt

        base = alt.Chart(self.scores).encode(y=alt.Y("modules:N", title=None), color="fusion:N", yOffset="fusion:N")
        rules = base.mark_rule().encode(x=alt.X("low:Q", title="UAR, 95 %", scale=alt.Scale(domain=[0, 1])), x2="high:Q")
        return rules + base.mark_point(filled=True).encode(x="mean_recall:Q")

    def over_subsets(self) -> pd.DataFrame:
        """Mean recall, calibration error and log loss of each way of fusing, as means over the subsets of modules."""
        return self.scores.groupby("fusion", sort=False)[["mean_recall", "calibration_error", "log_loss"]].mean()

    def findings(self) -> list[str]:
        """Sentences: how to read the scores, the mean of each way of fusing, and every difference."""
        out = []
        if not self.joint:
            out.append(
                "class-matched pairing: items of different people with the same label stand for one person; several modules "
                "together score more than a recording of one person can give"
            )
        for fusion, mean in self.over_subsets().iterrows():
            out.append(
                f"{fusion}, mean over subsets: UAR {mean.mean_recall:.3f}, "
                f"calibration error {mean.calibration_error:.3f}, log loss {mean.log_loss:.3f}"
            )
        for row in self.against.itertuples():
            out.append(
                f"{row.fusion}, {row.question}, against {row.against}: {row.difference:+.3f} ({row.low:+.3f} to "
                f"{row.high:+.3f}), p = {row.p_value:.3f}"
            )
        return out


def ablate(
    banks_of: Callable[[Fold], dict[str, Pair]],
    recipe: FusionRecipe,
    *,
    folds: int = 3,
    draws: int = 200,
    classes: int = len(CLASSES),
    joint: bool = False,
    progress: Progress = silent,
) -> Ablation:
    """Train on each fold's other people, test every subset on the fold's own.

    A value is the mean over folds; its interval comes from drawing people (recordings, pictures) of every module anew and
    pairing them anew. The temperature of each network is the recipe's; nothing is fitted on test items.

    Parameters
    ----------
    banks_of : callable
        The training and test bank of each module in a fold.
    recipe : FusionRecipe
        How networks are trained.
    folds, draws : int
        Folds of people, and bootstrap draws.
    classes : int
        How many classes there are.
    joint : bool
        Whether banks hold the same cases row by row; else cases are class-matched.
    progress : Progress
        Told of networks and draws.

    Returns
    -------
    Ablation
        Of every subset.
    """
    by_fold = [banks_of(Fold(k, folds, recipe.seed)) for k in range(folds)]
    names = tuple(by_fold[0])
    sets = subsets(names)
    values = np.zeros((folds, len(FUSIONS), len(sets), 3))
    resampled = np.zeros((folds, len(FUSIONS), len(sets), draws))
    for k, pairs in enumerate(by_fold):
        train = {name: sides[0] for name, sides in pairs.items()}
        test: dict[str, Bank] = {name: sides[1] for name, sides in pairs.items() if sides[1] is not None}
        nets: dict[str, FusionNet] = {}
        for i, kind in enumerate(("early", "gated")):
            nets[kind] = train_fusion(train, classes, kind, recipe, joint)
            progress(f"networks, fold {k + 1}", i + 1, 2)
        fusions = Fusions(nets, test, classes)
        rng = np.random.default_rng([recipe.seed, k])
        y, rows = pair(test, classes, WHOLE, rng, joint=joint)
        for way, fusion in enumerate(FUSIONS):
            for subset, members in enumerate(sets):
                values[k, way, subset] = _scores(fusions.probabilities(fusion, members, rows), y)
        for draw in range(draws):
            y, rows = pair(test, classes, CASES, rng, True, joint)
            for way, fusion in enumerate(FUSIONS):
                for subset, members in enumerate(sets):
                    answers = fusions.probabilities(fusion, members, rows).argmax(1)
                    resampled[k, way, subset, draw] = _mean_recall(answers == y, y)
            progress(f"bootstrap, fold {k + 1}", draw + 1, draws)
    value, spread = values.mean(0), resampled.mean(0)
    low, high = np.quantile(spread, [0.025, 0.975], axis=-1)
    pairing = "same people" if joint else "class-matched"
    scores = pd.DataFrame(
        [
            {
                "pairing": pairing,
                "fusion": fusion,
                "modules": " + ".join(members),
                "size": len(members),
                "mean_recall": value[way, subset, 0],
                "low": low[way, subset],
                "high": high[way, subset],
                "calibration_error": value[way, subset, 1],
                "log_loss": value[way, subset, 2],
            }
            for way, fusion in enumerate(FUSIONS)
            for subset, members in enumerate(sets)
        ]
    )
    return Ablation(scores, _against(value[..., 0], spread, names), joint)


def _scores(probabilities: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Mean recall, calibration error and log loss of probabilities ``(n, classes)``."""
    right = probabilities.argmax(1) == truth
    loss = -np.log(np.clip(probabilities[np.arange(len(truth)), truth], 1e-9, 1)).mean()
    return _mean_recall(right, truth), expected_calibration_error(probabilities.max(1), right), float(loss)


def _mean_recall(right: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([right[truth == label].mean() for label in range(int(truth.max()) + 1)]))


def _against(value: np.ndarray, spread: np.ndarray, names: tuple[str, ...]) -> pd.DataFrame:
    """Differences of UAR, each with its interval and the share of draws in which it is not above zero."""
    rows = []
    whole, pool = value.shape[1] - 1, FUSIONS.index("pool")

    def add(question: str, fusion: str, against: str, difference: float, draws: np.ndarray) -> None:
        low, high = np.quantile(draws, [0.025, 0.975])
        rows.append(
            {
                "question": question,
                "fusion": fusion,
                "against": against,
                "difference": difference,
                "low": low,
                "high": high,
                "p_value": permutation_p(0.0, draws, "less"),
            }
        )

    for way, fusion in enumerate(FUSIONS):
        together, together_drawn = value[way, whole], spread[way, whole]
        for i, name in enumerate(names):
            add("all modules against one", fusion, name, together - value[way, i], together_drawn - spread[way, i])
        if way != pool:
            difference = (value[way] - value[pool]).mean()
            add("mean over subsets", fusion, "pool", difference, (spread[way] - spread[pool]).mean(axis=0))
            add("all modules", fusion, "pool", together - value[pool, whole], together_drawn - spread[pool, whole])
    return pd.DataFrame(rows)
