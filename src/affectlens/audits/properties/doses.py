"""Interventions on a sample of a corpus: each changes items by dose, and a classifier is asked again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.properties.corpus import AuditedCorpus
from affectlens.audits.properties.settings import ALL, NONE
from affectlens.core.errors import UsageError
from affectlens.core.progress import Progress
from affectlens.explainers.interventions.dose import DoseResponse, dose_response
from affectlens.explainers.interventions.registry import Intervention, intervention, interventions
from affectlens.features.properties.registry import properties
from affectlens.models.external import Classifier

FEWEST_TEXTS = 5
MOST_TEXTS = 200


def chosen_interventions(names: tuple[str, ...], modality: str) -> list[Intervention]:
    """Interventions of a modality by name; ``all`` stands for all that there are, ``none`` for none.

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
    corpus: AuditedCorpus, classifier: Classifier, chosen: list[Intervention], keys: list[str], rng: np.random.Generator,
    progress: Progress,
) -> tuple[dict[str, DoseResponse], list[str]]:  # fmt: skip
    """Dose and response of each intervention on the items ``keys``, and notes of those that were left out."""
    if not chosen:
        return {}, []
    if corpus.modality == "voice":
        return _of_voices(corpus, classifier, chosen, keys, rng, progress), []
    items, people = corpus.inputs(keys), corpus.people_of(keys)
    if corpus.modality == "words":
        return _of_words(corpus, classifier, chosen, items, rng, progress)
    measure = _face_measure()
    return {
        i.name: dose_response(
            i.name, i.unit, items, i.doses, i.change, classifier.predict, classifier.labels, rng, people=people,
            measure=measure, meant=i.moves, progress=progress,
        )
        for i in chosen
    }, []  # fmt: skip


def sampled(labels: pd.Series | None, keys: list[str], count: int, rng: np.random.Generator) -> list[str]:
    """A random sample of items, as many of each label as can be."""
    if len(keys) <= count:
        return keys
    strata = labels.reindex(keys).astype(str) if labels is not None else pd.Series("", index=keys)
    order = pd.Series(rng.permutation(len(keys)), index=keys)
    rank = order.groupby(strata.to_numpy()).rank()
    return [str(k) for k in rank.sort_values(kind="stable").index[:count]]


def _face_measure() -> Callable[[Any], dict[str, float]]:
    """What measures a changed face; estimates of age and gender are left out, as networks' guesses of a changed picture."""
    from affectlens.features.properties.face import FaceViewer

    viewer, known = FaceViewer(), [p for p in properties("face") if p.name not in ("age", "gender")]

    def measure(picture: np.ndarray) -> dict[str, float]:
        view = viewer(picture)
        values = {p.name: p.measure(view) if view is not None else None for p in known}
        return {k: float(v) if isinstance(v, int | float) else float("nan") for k, v in values.items()}

    return measure


def _of_words(
    corpus: AuditedCorpus, classifier: Classifier, chosen: list[Intervention], texts: list[str], rng: np.random.Generator,
    progress: Progress,
) -> tuple[dict[str, DoseResponse], list[str]]:  # fmt: skip
    """Each swap on the texts that it changes, of the sample or where that has few of the whole split."""
    out, notes = {}, []
    for i in chosen:
        changed = [t for t in texts if i.change(t) != t]
        if len(changed) < FEWEST_TEXTS:
            every = (item.data for item in corpus.items() if item.data is not None)
            changed = list(islice((t for t in every if i.change(t) != t), MOST_TEXTS))
        if len(changed) < FEWEST_TEXTS:
            notes.append(f"Intervention {i.name} was left out: only {len(changed)} texts hold words that it swaps.")
            continue
        out[i.name] = dose_response(
            i.name, "swapped", changed, (0.0, 1.0), partial(_swap, i), classifier.predict,
            classifier.labels, rng, progress=progress,
        )  # fmt: skip
    return out, notes


def _swap(swap: Intervention, text: str, dose: float) -> str:
    return str(swap.change(text)) if dose else text


def _of_voices(
    corpus: AuditedCorpus, classifier: Classifier, chosen: list[Intervention], keys: list[str], rng: np.random.Generator,
    progress: Progress,
) -> dict[str, DoseResponse]:  # fmt: skip
    """Sounds are changed and measured again, then normalised by the unchanged scale."""
    from affectlens.models.base import load_model
    from affectlens.perception.voice.egemaps import functionals
    from affectlens.perception.voice.stream import describe

    scale = load_model("speech").scale
    wanted = set(keys)
    sounds = {i.key: i.data for i in corpus.items() if i.key in wanted and i.data is not None}
    kept = [k for k in keys if k in sounds]
    clips, people = [sounds[k] for k in kept], corpus.people_of(kept)

    def predict(changed: list[np.ndarray]) -> np.ndarray:
        x = np.stack([functionals(describe(c)) for c in changed])
        return classifier.predict(list(np.clip(scale(x), -3, 3)))

    return {
        i.name: dose_response(
            i.name, i.unit, clips, i.doses, i.change, predict, classifier.labels, rng, people=people, progress=progress
        )
        for i in chosen
    }
