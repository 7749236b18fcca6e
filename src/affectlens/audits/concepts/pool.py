"""The utterances that an audit of concepts looks at, and the concepts that have enough examples among them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from affectlens.audits.concepts.cav.tcav import FEWEST
from affectlens.corpora.dialogues.base import DialogueSet

DIALOGUES = 3  # in which a concept's examples must lie at least


def pooled_rows(data: DialogueSet, size: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of random whole dialogues until there are about ``size`` utterances, in order."""
    if len(data) <= size:
        return np.arange(len(data))
    names = data.dialogues
    count = pd.Series(names).value_counts()
    kept, total = set(), 0
    for dialogue in rng.permutation(np.array(sorted(count.index))):
        if total >= size:
            break
        kept.add(dialogue)
        total += int(count[dialogue])
    return np.flatnonzero([dialogue in kept for dialogue in names])


def with_enough_examples(
    targets: Mapping[str, np.ndarray], dialogues: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Concepts with enough examples, counterexamples and dialogues, and for the others the reason why not.

    Parameters
    ----------
    targets : mapping of str to array (n,)
        Concepts: 1, 0 or NaN.
    dialogues : array (n,)
        The dialogue of each utterance.

    Returns
    -------
    tuple of two dict
        Targets by concept, and reasons by concept.
    """
    enough, reasons = {}, {}
    for name, y in targets.items():
        examples, counterexamples = int(np.nansum(y > 0.5)), int(np.nansum(y <= 0.5))
        dialogue_count = len(set(dialogues[np.nan_to_num(y) > 0.5]))
        if min(examples, counterexamples) < FEWEST:
            counts = f"{examples} examples and {counterexamples} counterexamples"
            reasons[name] = f"{counts} in the pool; {FEWEST} of each are needed"
        elif dialogue_count < DIALOGUES:
            plural = "s" if dialogue_count > 1 else ""
            reasons[name] = f"its {examples} examples lie in {dialogue_count} dialogue{plural}; at least {DIALOGUES} are needed"
        else:
            enough[name] = y
    return enough, reasons
