"""Training of the speech model: every protocol, then the weights that ship, calibrated on corpora that were not heard."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from affectlens.core.disk.cache import kept_frame
from affectlens.core.disk.files import key_of
from affectlens.core.errors import UsageError
from affectlens.core.labels import IEMOCAP4
from affectlens.core.progress import Progress, silent
from affectlens.core.tables import write_frame
from affectlens.corpora.base import open_corpus
from affectlens.evaluation.protocols import OTHERS, STEPS, Setting, run_protocol, scores
from affectlens.features.speech import SpeechTable, speech_table
from affectlens.learning.export import calibrate_predictions, export, logits_and_targets
from affectlens.learning.recipes.speech import SpeechRecipe
from affectlens.learning.trainers.speech import SpeechAutoencoder
from affectlens.models.base import Calibration
from affectlens.models.shipped.speech import SpeechModel
from affectlens.models.shipped.speech_scale import normalise, pooled
from affectlens.stats.classification import conformal_coverage, expected_calibration_error
from affectlens.training.run import PARTS, TrainingRun, licence_of
from affectlens.training.speech.card import write_speech_card
from affectlens.training.tuning import tune


def train_speech_model(corpora: dict[str, Path], out: Path, recipe: SpeechRecipe, progress: Progress = silent) -> TrainingRun:
    """Write ``speech.safetensors``, its card and ``scores.csv`` below ``out``; see ``affectlens.train.speech``."""
    if recipe.from_weights:
        return tune("speech", corpora, out, recipe, progress)
    if len(corpora) < 2:
        raise UsageError(
            f"{', '.join(corpora)}: at least two corpora are needed, since one at a time is left out for calibration"
        )
    table = speech_table(corpora, progress=progress)
    predictions = _protocols(table, out / PARTS, recipe, progress)
    result = scores(predictions, np.random.default_rng(recipe.seed))
    write_frame(result, out / "scores.csv")
    never_heard = predictions[
        (predictions.protocol == "leave-one-out") & (predictions.setting == Setting(recipe.kind, "recording").name)
    ]
    weights = out / "speech.safetensors"
    _export(table, corpora, recipe, calibrate_predictions(never_heard), weights)
    calibration = _held_out_calibration(never_heard)
    card = write_speech_card(SpeechModel(weights), weights, result, calibration, table)
    return TrainingRun(weights, card, result, {"calibration": calibration}, table.missed)


def jobs_of(kind: str) -> list[tuple[str, Setting]]:
    """Every protocol with every setting that ``scores.csv`` and the card show, for networks of that kind."""
    jobs = [(protocol, setting) for protocol in ("within", "leave-one-out") for _, setting in (*STEPS, *OTHERS)]
    settings = [Setting("logistic", "speaker"), Setting(kind, "speaker"), Setting(kind, "recording")]
    jobs += [("one-to-one", setting) for setting in settings]
    jobs += [("within", settings[1]), *(("leave-one-out", setting) for setting in settings[1:])]
    # A folded corpus is no new one, so it has no row as recordings.
    return list(dict.fromkeys(job for job in jobs if job[0] != "within" or job[1].normalisation != "recording"))


def _protocols(table: SpeechTable, folder: Path, recipe: SpeechRecipe, progress: Progress) -> pd.DataFrame:
    content = (table.features, table.rows.to_json(), {key: value for key, value in recipe.to_dict().items() if key != "kind"})
    parts = []
    for protocol, setting in jobs_of(recipe.kind):
        name = f"{protocol}-{setting.name.replace(', ', '-').replace(' ', '-')}"
        make = partial(run_protocol, table, protocol, setting, recipe, progress)
        parts.append(kept_frame(folder, name, key_of(name, *content), make))
    return pd.concat(parts, ignore_index=True)


def _held_out_calibration(predictions: pd.DataFrame) -> pd.DataFrame:
    """Calibration measured on each corpus with temperature and threshold fitted on the others' predictions."""
    rows = []
    for name in dict.fromkeys(predictions.target):
        fitted = calibrate_predictions(predictions[predictions.target != name])
        logits, targets = logits_and_targets(predictions[predictions.target == name])
        probabilities = fitted.probabilities(logits)
        right = targets[np.arange(len(probabilities)), probabilities.argmax(axis=1)] > 0
        coverage, size = conformal_coverage(probabilities, targets, fitted.conformal)
        error = expected_calibration_error(probabilities.max(axis=1), right)
        rows.append({"corpus": name, "calibration_error": error, "coverage": coverage, "set_size": size})
    return pd.DataFrame(rows)


def _export(table: SpeechTable, corpora: dict[str, Path], recipe: SpeechRecipe, calibration: Calibration, path: Path) -> None:
    normalised = normalise(table.features, table.corpus, table.speaker)
    model = SpeechAutoencoder(recipe=recipe).fit(normalised, table.labels)
    assert model.net is not None
    latent = model.encode(normalised)
    rng = np.random.default_rng(recipe.seed)
    first, second = rng.integers(0, len(latent), (2, 4000))
    scale = pooled(table.features, table.corpus)
    infos = [open_corpus(name, folder).info for name, folder in corpora.items()]
    columns = ["corpus", "key", "label", "language", "gender"]
    meta = {
        "labels": list(IEMOCAP4.labels),
        "config": model.net.config.to_dict(),
        "corpora": {info.name: {"title": info.title, "licence": info.licence, "home": info.home} for info in infos},
        **licence_of(*infos),
        "recipe": recipe.to_dict(),
        "scale": {"mean": scale.mean.tolist(), "deviation": scale.deviation.tolist()},
        "spacing": float(np.median(np.linalg.norm(latent[first] - latent[second], axis=1))),
        "exemplars": table.rows[columns].astype(str).to_numpy().tolist(),
    }
    export(path, model.net.state_dict() | {"exemplars": torch.from_numpy(latent)}, meta, calibration)
