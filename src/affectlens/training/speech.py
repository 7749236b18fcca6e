"""`affectlens train speech`: every protocol, then the weights that ship, calibrated on corpora that were not heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from affectlens.core.cache import kept_frame
from affectlens.core.errors import unknown
from affectlens.core.files import key_of
from affectlens.core.labels import IEMOCAP4
from affectlens.corpora.base import open_corpus
from affectlens.evaluation.protocols import OTHERS, STEPS, Setting, run_protocol, scores
from affectlens.features.speech import SpeechTable, speech_table
from affectlens.learning.export import calibrate, export
from affectlens.learning.speech import SpeechAutoencoder, SpeechRecipe
from affectlens.models.base import Calibration
from affectlens.models.nets.speech import KINDS
from affectlens.models.shipped.speech import SpeechModel
from affectlens.models.shipped.speech_scale import normalise, pooled
from affectlens.stats.classification import conformal_coverage, expected_calibration_error
from affectlens.training.speech_card import write_speech_card

Progress = Callable[[str, int, int], None]
PAIRS = (Setting("logistic", "speaker"), Setting("semi-supervised", "speaker"), Setting("semi-supervised", "recording"))


@dataclass(frozen=True)
class SpeechRun:
    """The score of every protocol, setting and corpus (see ``protocols.scores``), calibration on corpora not heard, and where
    the weights lie."""

    scores: pd.DataFrame
    calibration: dict[str, dict[str, float]]
    weights: Path


def train_speech_model(
    corpora: dict[str, Path],
    out: Path,
    recipe: SpeechRecipe | None = None,
    *,
    kind: str = "semi-supervised",
    seeds: int = 5,
    progress: Progress | None = None,
) -> SpeechRun:
    """Run the protocols, train on all corpora, calibrate, write ``speech.safetensors``, ``speech.md``, ``scores.csv`` and
    ``predictions/`` below ``out``. What lies there from an interrupted run of the same data is used again."""
    recipe = recipe or SpeechRecipe()
    if kind not in KINDS:
        raise unknown("autoencoder", kind, list(KINDS))
    out.mkdir(parents=True, exist_ok=True)
    table = speech_table(corpora, progress=progress)
    predictions = _protocols(table, out / "predictions", kind, recipe, seeds, progress)
    result = scores(predictions, np.random.default_rng(recipe.seed))
    result.to_csv(out / "scores.csv", index=False)
    heard = predictions[(predictions.protocol == "leave-one-out") & (predictions.setting == f"{kind}, recording")]
    calibration = _calibration(heard)
    weights = out / "speech.safetensors"
    _export(table, corpora, kind, recipe, calibration, weights)
    held = _held_out(heard)
    write_speech_card(out / "speech.md", SpeechModel(weights), weights, result, held, table)
    return SpeechRun(result, held, weights)


def _protocols(
    table: SpeechTable, folder: Path, kind: str, recipe: SpeechRecipe, seeds: int, progress: Progress | None
) -> pd.DataFrame:
    wanted = [(p, s) for p in ("within", "leave-one-out") for _, s in (*STEPS, *OTHERS)]
    wanted += [("one-to-one", s) for s in PAIRS]
    own = [(p, Setting(kind, n)) for p in ("within", "leave-one-out", "one-to-one") for n in ("speaker", "recording")]
    wanted += [job for job in own if job not in wanted]
    contents = (table.features, table.rows.to_json(), recipe.__dict__, seeds)
    parts = []
    for protocol, setting in wanted:
        if protocol == "within" and setting.normalisation == "recording":
            continue  # a folded corpus is no new one
        name = f"{protocol}-{setting.name.replace(', ', '-').replace(' ', '-')}"
        make = partial(run_protocol, table, protocol, setting, seeds, progress, recipe)
        parts.append(kept_frame(folder, name, key_of(name, *contents), make))
    return pd.concat(parts, ignore_index=True)


def _logits(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Log probabilities and one-hot targets."""
    p = frame[[f"p{c}" for c in range(len(IEMOCAP4.labels))]].to_numpy()
    return np.log(np.clip(p, 1e-9, 1)), np.eye(p.shape[1])[frame.truth.to_numpy()]


def _shuffled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sample(frac=1, random_state=0)


def _calibration(heard: pd.DataFrame) -> Calibration:
    return calibrate(*_logits(_shuffled(heard)))


def _held_out(heard: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Calibration measured on each corpus with temperature and threshold fitted on the others' predictions."""
    out = {}
    for name in dict.fromkeys(heard.target):
        c = _calibration(heard[heard.target != name])
        logits, targets = _logits(heard[heard.target == name])
        p = c.probabilities(logits)
        right = targets[np.arange(len(p)), p.argmax(axis=1)] > 0
        coverage, size = conformal_coverage(p, targets, c.conformal)
        out[str(name)] = {"ECE": expected_calibration_error(p.max(axis=1), right), "coverage": coverage, "set size": size}
    return out


def _export(
    table: SpeechTable, corpora: dict[str, Path], kind: str, recipe: SpeechRecipe, calibration: Calibration, path: Path
) -> None:
    z = normalise(table.features, table.corpus, table.speaker)
    model = SpeechAutoencoder(kind, recipe).fit(z, table.labels)
    assert model.net is not None
    latent = model.encode(z)
    rng = np.random.default_rng(recipe.seed)
    a, b = rng.integers(0, len(latent), (2, 4000))
    scale = pooled(table.features, table.corpus)
    infos = [open_corpus(name, where).info for name, where in corpora.items()]
    rows = table.rows
    meta = {
        "labels": list(IEMOCAP4.labels),
        "config": model.net.config.to_dict(),
        "corpora": {i.name: {"title": i.title, "licence": i.licence, "home": i.home} for i in infos},
        "corpus": ", ".join(i.title for i in infos),
        "licence": "; ".join(f"{i.title}: {i.licence}" for i in infos),
        "recipe": asdict(recipe),
        "scale": {"mean": scale.mean.tolist(), "deviation": scale.deviation.tolist()},
        "spacing": float(np.median(np.linalg.norm(latent[a] - latent[b], axis=1))),
        "exemplars": rows[["corpus", "key", "label", "language", "gender"]].astype(str).to_numpy().tolist(),
    }
    tensors = {k: v.detach() for k, v in model.net.state_dict().items()}
    export(path, tensors | {"exemplars": torch.from_numpy(latent)}, meta, calibration)
