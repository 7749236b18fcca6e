"""How much of what a modality is worth in training carries over to other people, estimated without their labels.

Utterance features are often the activations of a network that was fitted on the training labels. Within the training split
such features predict nearly perfectly, also for dialogues held out from the contextual network, so validation cannot see that
they will not do so elsewhere. The share that carries over is estimated from unlabelled features of the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectlens.core.errors import CorpusError, UsageError
from affectlens.corpora.dialogues.base import DialogueSet

MOST, LEAST = 0.9, 0.1  # features are never swapped always, nor never


@dataclass(frozen=True)
class CarryOver:
    """How far the features of one modality carry over.

    Attributes
    ----------
    held_out : float
        Accuracy of a linear probe on held-out training dialogues.
    expected : float
        The one that is expected on the target.
    share : float
        Share of the advantage over the commonest class that carries over.
    """

    held_out: float
    expected: float
    share: float

    @property
    def swap(self) -> float:
        """The rate at which features of the modality are swapped in training: what does not carry over."""
        return float(np.clip(1 - self.share, LEAST, MOST))


def carry_over(train: DialogueSet, target: dict[str, np.ndarray], folds: int = 5) -> dict[str, CarryOver]:
    """How far the features of each modality carry over to unlabelled ones of the target.

    By average thresholded confidence (Garg et al. 2022, arXiv 2201.04234) the accuracy expected on the target is the share of
    its rows that are at least as confident as the accurate share of held-out training rows.

    Parameters
    ----------
    train : DialogueSet
        Training dialogues.
    target : dict of str to numpy.ndarray
        Features ``(n, width)`` of unlabelled utterances of the target, by modality.
    folds : int
        Folds without shared dialogues.

    Returns
    -------
    dict of str to CarryOver
        By modality.

    Raises
    ------
    CorpusError
        Fewer dialogues than folds, or one class alone.
    UsageError
        Features of another width.
    """
    scored = train.labels >= 0
    y, groups = train.labels[scored], train.dialogues[scored]
    if len(np.unique(groups)) < folds:
        raise CorpusError(f"{len(np.unique(groups))} training dialogues; {folds} folds without shared dialogues need {folds}")
    if len(np.unique(y)) < 2:
        raise CorpusError(f"{len(y)} training utterances with a label, all of one class; at least two are needed")
    chance = np.bincount(y).max() / len(y)
    out = {}
    for modality, x in train.features.items():
        if modality not in target or target[modality].shape[1] != x.shape[1]:
            raise UsageError(f"the target's {modality} features must be {x.shape[1]} wide")
        x = x[scored]
        confidence, right = np.zeros(len(y)), np.zeros(len(y), dtype=bool)
        for learn, test in GroupKFold(folds).split(x, y, groups):
            probabilities = _probe().fit(x[learn], y[learn]).predict_proba(x[test])
            answers = np.unique(y[learn])[probabilities.argmax(axis=1)]
            confidence[test], right[test] = probabilities.max(axis=1), answers == y[test]
        accuracy = float(right.mean())
        threshold = np.quantile(confidence, 1 - accuracy)
        expected = float((_probe().fit(x, y).predict_proba(target[modality]).max(axis=1) > threshold).mean())
        gain = accuracy - chance
        share = 0.0 if gain <= 0.02 else float(np.clip((expected - chance) / gain, 0, 1))
        out[modality] = CarryOver(accuracy, expected, share)
    return out


def _probe() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
