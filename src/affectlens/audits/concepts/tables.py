"""Tables beside the tests of concepts: support, pairs, agreement of layers, cosines of directions, examples to look at."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from affectlens.audits.concepts.cav.layer import LayerTests
from affectlens.audits.concepts.cav.space import Space
from affectlens.corpora.dialogues.base import DialogueSet

CONFOUNDED = 0.3  # association with the label, or another concept, from which on it is pointed out


def association(first: np.ndarray, second: np.ndarray) -> float:
    """Cramér's V of two categorical variables with Bergsma's (2013) correction for chance.

    Parameters
    ----------
    first, second : array (n,)
        Codes; rows with NaN take no part.

    Returns
    -------
    float
        0 for none to 1.
    """
    finite = np.isfinite(first) & np.isfinite(second)
    table = pd.crosstab(first[finite], second[finite]).to_numpy(dtype=float)
    n, (rows, columns) = table.sum(), table.shape
    if n < 2 or min(rows, columns) < 2:
        return 0.0
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / n
    phi = max(0.0, ((table - expected) ** 2 / expected).sum() / n - (rows - 1) * (columns - 1) / (n - 1))
    smaller = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1))
    return float(np.sqrt(phi / max(smaller - 1, 1e-12)))


def support_table(
    targets: Mapping[str, np.ndarray], labels: np.ndarray, data: DialogueSet, meanings: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """One row a concept: how many examples, in how many dialogues, how bound to the label, the label it goes with most.

    Parameters
    ----------
    targets : mapping of str to array (n,)
        Concepts: 1, 0 or NaN.
    labels : array (n,) of int
        Class of each utterance.
    data : DialogueSet
        The utterances.
    meanings : mapping of str to str, optional
        Definitions of the concepts.

    Returns
    -------
    DataFrame
        In the order of the targets.
    """
    rows = []
    for name, y in targets.items():
        examples, finite = np.nan_to_num(y) > 0.5, np.isfinite(y)
        overall = examples.sum() / max(finite.sum(), 1)
        lift = {
            label: examples[labels == i].sum() / max(finite[labels == i].sum(), 1) - overall
            for i, label in enumerate(data.classes)
            if (labels == i).any()
        }
        strength = association(y, labels.astype(float))
        rows.append(
            {
                "concept": name, "examples": int(examples.sum()), "of": int(finite.sum()),
                "dialogues": len(set(data.dialogues[examples])), "label_association": strength,
                "most_with": max(lift, key=lambda label: lift[label]) if lift else "",
                "confounded_with_label": strength >= CONFOUNDED, "meaning": (meanings or {}).get(name, ""),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def pair_table(targets: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Pairs of concepts associated at ``CONFOUNDED`` or more, strongest first."""
    pairs = [(first, second, association(targets[first], targets[second])) for first, second in combinations(targets, 2)]
    frame = pd.DataFrame([pair for pair in pairs if pair[2] >= CONFOUNDED], columns=["concept", "other", "association"])
    return frame.sort_values("association", ascending=False, ignore_index=True)


def layer_agreement(spaces: Mapping[str, Space], tests: Mapping[str, LayerTests], names: list[str]) -> pd.DataFrame:
    """Correlation over utterances of what a concept's directions say at two layers: layers have no common axes."""
    values = {layer: space.points @ tests[layer].directions.T for layer, space in spaces.items()}
    rows = [
        (name, first, second, float(np.corrcoef(values[first][:, j], values[second][:, j])[0, 1]))
        for first, second in combinations(spaces, 2)
        for j, name in enumerate(names)
    ]
    return pd.DataFrame(rows, columns=["concept", "layer", "other_layer", "correlation"])


def direction_cosines(tests: Mapping[str, LayerTests], names: list[str]) -> pd.DataFrame:
    """Cosine of every two concepts' directions at each layer."""
    rows = [
        (layer, first, second, float(tested.cosines[i, j]))
        for layer, tested in tests.items()
        for (i, first), (j, second) in combinations(enumerate(names), 2)
    ]
    return pd.DataFrame(rows, columns=["layer", "concept", "other", "cosine"])


def example_table(
    targets: Mapping[str, np.ndarray], data: DialogueSet, values: np.ndarray, predicted: np.ndarray, labels: tuple[str, ...],
    most: int = 4,
) -> pd.DataFrame:  # fmt: skip
    """Per concept the examples that its direction finds most typical, and the counterexamples that it takes for one.

    Parameters
    ----------
    targets : mapping of str to array (n,)
        Concepts: 1, 0 or NaN.
    data : DialogueSet
        The utterances.
    values : array (n, k)
        Place of each utterance along each concept's direction.
    predicted : array (n,) of int
        The model's answers.
    labels : tuple of str
        Names of the classes.
    most : int
        Examples of each kind.

    Returns
    -------
    DataFrame
        A row an utterance and concept.
    """
    rows = []
    for j, (name, y) in enumerate(targets.items()):
        spread = values[:, j].std() + 1e-12
        for kind, mask in (("example", np.nan_to_num(y) > 0.5), ("taken for one", np.nan_to_num(y, nan=1.0) <= 0.5)):
            at = np.flatnonzero(mask)
            for i in at[np.argsort(-values[at, j], kind="stable")][:most]:
                row = data.rows.iloc[i]
                rows.append(
                    {
                        "concept": name, "kind": kind, "key": row.key, "speaker": row.speaker, "text": row.text,
                        "label": row.label, "read_as": labels[predicted[i]], "typicality": values[i, j] / spread,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)
