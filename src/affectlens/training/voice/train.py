"""Training of the voice's head on Whisper's states: each corpus left out in turn, then the weights that ship."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from affectlens.core.errors import UsageError
from affectlens.core.labels import IEMOCAP4
from affectlens.core.progress import Progress, silent
from affectlens.core.tables import write_frame
from affectlens.corpora.base import open_corpus
from affectlens.evaluation.unheard import ACOUSTIC, FITTED_ON, HEARD, fit_join, joined, unheard
from affectlens.features.turns import TurnTable, turn_table
from affectlens.learning.export import calibrate, export
from affectlens.learning.recipes.voice import VoiceRecipe
from affectlens.learning.trainers.voice import Head, fit_head
from affectlens.learning.typicality import Typicality, fit_typicality
from affectlens.models.base import Calibration
from affectlens.models.nets.voice import VoiceNet, VoiceNetConfig
from affectlens.models.shipped.voice import VoiceModel, typical_part
from affectlens.stats.classification import (
    accuracy,
    confusion,
    expected_calibration_error,
    macro_f1,
    unweighted_recall,
)
from affectlens.training.run import PARTS, TrainingRun, licence_of
from affectlens.training.voice.card import write_voice_card

CLASSES = len(IEMOCAP4.labels)


def train_voice_model(corpora: dict[str, Path], out: Path, recipe: VoiceRecipe, progress: Progress = silent) -> TrainingRun:
    """Write ``voice.safetensors``, its card and ``scores.csv`` below ``out``; see ``affectlens.train.voice``."""
    if len(corpora) < 2:
        raise UsageError(f"{', '.join(corpora)}: at least two corpora are needed, since one at a time is left out")
    table = turn_table(corpora, recipe.copies, recipe.seed, progress=progress)
    predictions = unheard(table, recipe, out / PARTS, progress)
    scores = unheard_scores(predictions)
    typical = typical_shares(table, recipe)
    write_frame(scores, out / "scores.csv")
    join = fit_join(predictions)
    weights = out / "voice.safetensors"
    _export(table, corpora, recipe, join, _calibration(predictions, join), weights)
    tables = {"typical": typical, "predictions": predictions}
    card = write_voice_card(VoiceModel(weights), weights, scores, typical, table.acoustic)
    return TrainingRun(weights, card, scores, tables, table.acoustic.missed)


def unheard_scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """Scores of each model in each use on each corpus, and their plain means over corpora.

    What joins the answers, and calibrates them, is fitted for each corpus on the predictions of the others.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of ``evaluation.unheard.unheard``.

    Returns
    -------
    pandas.DataFrame
        Columns model (states, eGeMAPS, joined), use, target (a corpus, ``mean`` over them, or ``pooled``: all clips together),
        UAR, WA, macro_f1, ECE, coverage and set_size (of the joined model alone), clips and speakers.
    """
    rows = []
    pooled: dict[str, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {}
    for name in dict.fromkeys(predictions.corpus):
        others, own = predictions[predictions.corpus != name], predictions[predictions.corpus == name]
        join = fit_join(others)
        calibration = _calibration(others, join)
        for use, part in own.groupby("use", sort=False):
            truth = part.truth.to_numpy()
            common = {"use": use, "target": name, "clips": len(part), "speakers": part.speaker.nunique()}
            logits = {"states": part[list(HEARD)].to_numpy(), "eGeMAPS": part[list(ACOUSTIC)].to_numpy()}
            rows += [{"model": model, **common, **_scores(truth, given)} for model, given in logits.items()]
            both = joined(part, join)
            probabilities = calibration.probabilities(both)
            inside = probabilities >= 1 - calibration.conformal
            pooled.setdefault(use, []).append((truth, probabilities, inside))
            rows.append({"model": "joined", **common, **_scores(truth, both), **_calibrated(truth, probabilities, inside)})
    frame = pd.DataFrame(rows)
    means = frame.drop(columns="target").groupby(["model", "use"], sort=False).mean(numeric_only=True).reset_index()
    sums = frame.groupby(["model", "use"], sort=False)[["clips", "speakers"]].sum().reset_index()
    means[["clips", "speakers"]] = sums[["clips", "speakers"]]
    together = []
    for use, parts in pooled.items():
        truth, probabilities, inside = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        common = {"model": "joined", "use": use, "target": "pooled", "clips": len(truth)}
        together.append({**common, **_scores(truth, probabilities), **_calibrated(truth, probabilities, inside)})
    return pd.concat([means.assign(target="mean"), pd.DataFrame(together), frame], ignore_index=True)


def _scores(truth: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    table = confusion(truth, logits.argmax(axis=1), CLASSES)
    return {"UAR": unweighted_recall(table), "WA": accuracy(table), "macro_f1": macro_f1(table)}


def _calibrated(truth: np.ndarray, probabilities: np.ndarray, inside: np.ndarray) -> dict[str, float]:
    """Calibration error, and coverage and size of sets ``(n, 4)`` that hold at least the first class."""
    first = probabilities.argmax(axis=1)
    inside = inside | np.eye(CLASSES, dtype=bool)[first]
    error = expected_calibration_error(probabilities.max(axis=1), first == truth)
    covered = float(inside[np.arange(len(truth)), truth].mean())
    return {"ECE": error, "coverage": covered, "set_size": float(inside.sum(axis=1).mean())}


def _calibration(predictions: pd.DataFrame, join: tuple[float, float]) -> Calibration:
    """Calibration of the joined answer on corpora that were not heard, each corpus with as many clips as the smallest."""
    rows = predictions[predictions.use.isin(FITTED_ON)]
    least = int(rows.groupby("corpus").size().min())
    alike = rows.groupby("corpus").sample(least, random_state=0).sample(frac=1, random_state=0)
    return calibrate(joined(alike, join), np.eye(CLASSES)[alike.truth.to_numpy()])


def typicality_of(table: TurnTable, head: Head, rows: np.ndarray, seed: int) -> Typicality:
    """Typicality of clips: null distances are those of whole corpora that were left out, of one corpus alone of speakers."""
    groups = table.acoustic.corpus[rows]
    if len(set(groups)) < 2:
        groups = table.acoustic.speaker[rows]
    part = typical_part(head.scaled(table.states[rows]))
    return fit_typicality(part, groups, folds=len(set(groups)), seed=seed)


def typical_shares(table: TurnTable, recipe: VoiceRecipe) -> pd.DataFrame:
    """Share of the clips of each corpus that would be taken for unlike anything, had the corpus not been learnt from.

    Returns
    -------
    pandas.DataFrame
        Columns corpus, abstained, clips.
    """
    rows = []
    for name in dict.fromkeys(table.acoustic.corpus):
        train, test = np.flatnonzero(table.acoustic.corpus != name), np.flatnonzero(table.acoustic.corpus == name)
        head = _scale_only(table, train, recipe)
        p_values = typicality_of(table, head, train, recipe.seed).p_values(typical_part(head.scaled(table.states[test])))
        rows.append({"corpus": name, "abstained": float((p_values < recipe.least_typical).mean()), "clips": len(test)})
    return pd.DataFrame(rows)


def _scale_only(table: TurnTable, rows: np.ndarray, recipe: VoiceRecipe) -> Head:
    given = (table.states[rows], table.acoustic.labels[rows], table.acoustic.corpus[rows], table.acoustic.speaker[rows])
    return fit_head(*given, replace(recipe, epochs=1, draws=1))


def _export(
    table: TurnTable,
    corpora: dict[str, Path],
    recipe: VoiceRecipe,
    join: tuple[float, float],
    calibration: Calibration,
    path: Path,
) -> None:
    clips = table.acoustic
    head = fit_head(table.states, clips.labels, clips.corpus, clips.speaker, recipe, table.changed)
    config = VoiceNetConfig(features=table.states.shape[1], classes=CLASSES, limit=recipe.limit)
    net = VoiceNet(config)
    net.running_mean.copy_(torch.from_numpy(head.mean))
    net.running_deviation.copy_(torch.from_numpy(head.deviation))
    with torch.no_grad():
        net.head.weight.copy_(torch.from_numpy(head.weight.T))
        net.head.bias.copy_(torch.from_numpy(head.bias))
    typical = typicality_of(table, head, np.arange(len(table.states)), recipe.seed).to_tensors()
    infos = [open_corpus(name, folder).info for name, folder in corpora.items()]
    meta = {
        "labels": list(IEMOCAP4.labels),
        "config": config.to_dict(),
        "corpora": {info.name: {"title": info.title, "licence": info.licence, "home": info.home} for info in infos},
        **licence_of(*infos),
        "recipe": recipe.to_dict(),
        "shrink": recipe.shrink,
        "join": list(join),
        "least_typical": recipe.least_typical,
    }
    tensors = net.state_dict() | {name: torch.from_numpy(values) for name, values in typical.items()}
    export(path, tensors, meta, calibration)
