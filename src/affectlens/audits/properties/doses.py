"""Interventions on a sample of a corpus: each changes items by dose, and the model is asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.properties.model import AskedModel
from affectlens.audits.properties.settings import ALL, NONE
from affectlens.core.errors import UsageError
from affectlens.core.progress import Progress
from affectlens.explainers.interventions.dose import DoseResponse, dose_response
from affectlens.explainers.interventions.registry import Intervention, intervention, interventions
from affectlens.features.properties.registry import properties
from affectlens.models.shipped.speech import SpeechModel
from affectlens.stats.generators import Rng, generator

FEWEST_TEXTS = 5
MOST_TEXTS = 200


def chosen_interventions(names: tuple[str, ...], modality: str) -> list[Intervention]:
    """Interventions of a modality by name; ``all`` stands for all that there are, ``none`` for none.

    Returns
    -------
    list of Intervention
        In the order in which they were named.

    Raises
    ------
    UsageError
        One that the modality does not have.
    """
    if NONE in names:
        return []
    if ALL in names:
        return interventions(modality)
    if not interventions(modality):
        raise UsageError(f"--interventions {','.join(names)}: there are none of {modality}; give none")
    return [intervention(name, modality) for name in names]


def measure_doses(
    asked: AskedModel, chosen: list[Intervention], keys: list[str], rng: Rng, progress: Progress
) -> tuple[dict[str, DoseResponse], list[str]]:
    """Change the items ``keys`` by each intervention and ask the model again.

    Parameters
    ----------
    asked : AskedModel
        The model and its corpus.
    chosen : list of Intervention
        Interventions of the corpus's modality.
    keys : list of str
        Items that are changed.
    rng : int or numpy.random.Generator
        Source of the draws.
    progress : callable
        Takes the intervention, doses done, and doses in all.

    Returns
    -------
    doses : dict of str to DoseResponse
        By intervention.
    notes : list of str
        Interventions that were left out, and why.
    """
    rng = generator(rng)
    modality = asked.corpus.modality
    if not chosen:
        return {}, []
    if not asked.can_be_asked_again:
        return {}, ["Interventions need a model that can be asked again; a table has none."]
    if asked.model.modality != modality:
        return {}, [f"Interventions were left out: they change the {modality}, and {asked.model.name} reads something else."]
    data = asked.data(keys)
    doses, notes = _measured(asked, chosen, data, keys, rng, progress)
    if asked.units:  # values have no decision that could change
        doses = {name: replace(response, flips=response.flips.iloc[:0]) for name, response in doses.items()}
    return doses, notes


def _measured(
    asked: AskedModel, chosen: list[Intervention], data: list[Any], keys: list[str], rng: np.random.Generator,
    progress: Progress,
) -> tuple[dict[str, DoseResponse], list[str]]:  # fmt: skip
    modality = asked.corpus.modality
    if modality == "words":
        return _of_words(asked, chosen, data, rng, progress)
    ask = partial(asked.answers_to, keys=keys) if isinstance(asked.model, SpeechModel) else asked.answers_to
    people, measure = asked.corpus.people_of(keys), _face_measure() if modality == "face" else None
    return {
        entry.name: dose_response(
            entry.name, entry.unit, data, entry.doses, entry.change, ask, asked.labels, rng, people=people,
            measure=measure, meant=entry.moves if measure else "", progress=progress,
        )
        for entry in chosen
    }, []  # fmt: skip


def sampled(labels: pd.Series | None, keys: list[str], count: int, rng: Rng) -> list[str]:
    """A random sample of items, as many of each label as can be."""
    rng = generator(rng)
    if len(keys) <= count:
        return keys
    strata = labels.reindex(keys).astype(str) if labels is not None else pd.Series("", index=keys)
    order = pd.Series(rng.permutation(len(keys)), index=keys)
    rank = order.groupby(strata.to_numpy()).rank()
    return [str(key) for key in rank.sort_values(kind="stable").index[:count]]


def _face_measure() -> Callable[[Any], dict[str, float]]:
    """What measures a changed face; estimates of age and gender are left out, as networks' guesses of a changed picture."""
    from affectlens.features.properties.face import FaceViewer

    viewer, measured = FaceViewer(), [entry for entry in properties("face") if entry.name not in ("age", "gender")]

    def measure(picture: np.ndarray) -> dict[str, float]:
        view = viewer(picture)
        values = {entry.name: entry.measure(view) if view is not None else None for entry in measured}
        return {name: float(value) if isinstance(value, int | float) else float("nan") for name, value in values.items()}

    return measure


def _of_words(
    asked: AskedModel, chosen: list[Intervention], texts: list[str], rng: np.random.Generator, progress: Progress
) -> tuple[dict[str, DoseResponse], list[str]]:
    """Each swap on the texts that it changes, of the sample or where that has few of the whole split."""
    out, notes = {}, []
    for entry in chosen:
        changed = [text for text in texts if entry.change(text) != text]
        if len(changed) < FEWEST_TEXTS:
            all_texts = (item.data for item in asked.corpus.items() if item.data is not None)
            changed = list(islice((text for text in all_texts if entry.change(text) != text), MOST_TEXTS))
        if len(changed) < FEWEST_TEXTS:
            notes.append(f"Intervention {entry.name} was left out: only {len(changed)} texts hold words that it swaps.")
            continue
        swap = partial(_swap, entry)
        out[entry.name] = dose_response(
            entry.name, "swapped", changed, (0.0, 1.0), swap, asked.answers_to, asked.labels, rng, progress=progress
        )
    return out, notes


def _swap(swap: Intervention, text: str, dose: float) -> str:
    return str(swap.change(text)) if dose else text
