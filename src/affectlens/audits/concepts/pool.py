"""The utterances that an audit of concepts looks at, and the concepts that have enough examples among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from affectlens.audits.concepts.cav.tcav import FEWEST
from affectlens.core.errors import UsageError
from affectlens.core.listing import some
from affectlens.corpora.dialogues.base import DialogueSet
from affectlens.stats.generators import Rng, generator

DIALOGUES = 3  # in which a concept's examples must lie at least


def in_classes_of(data: DialogueSet, labels: tuple[str, ...]) -> tuple[DialogueSet, tuple[str, ...]]:
    """Utterances whose classes are those of a model, by name and in its order.

    Parameters
    ----------
    data : DialogueSet
        Utterances with the corpus's own classes.
    labels : tuple of str
        Classes of the model.

    Returns
    -------
    data : DialogueSet
        Those labelled otherwise have no class, so that what the model answers stands for it.
    notes : tuple of str
        How many those are.

    Raises
    ------
    UsageError
        There are labels, and none is a class of the model.
    """
    scored = data.rows.label[data.labels >= 0]
    strange = Counter(scored[~scored.isin(labels)])
    named = some((f"{label} ({count})" for label, count in strange.most_common()), 8)
    if strange and strange.total() == len(scored):
        raise UsageError(
            f"no label of {data.name} is a class of the model: {named}, where {', '.join(labels)} were expected; take a corpus "
            "with the model's classes, or one without labels"
        )
    notes = (f"labels that are no classes of the model are passed over, and its answers stand for them: {named}",)
    return replace(data, classes=labels), notes if strange else ()


def pooled_rows(data: DialogueSet, size: int, rng: Rng) -> np.ndarray:
    """Rows of random whole dialogues until there are about ``size`` utterances, in order."""
    rng = generator(rng)
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
