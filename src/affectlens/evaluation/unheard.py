"""The voice on corpora that it never heard, in the ways in which it is used: one clip, a few turns, many, one mood alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from affectlens.core.disk.cache import kept_frame
from affectlens.core.disk.files import key_of
from affectlens.core.progress import Progress, silent
from affectlens.features.turns import TurnTable
from affectlens.learning.recipes.speech import SpeechRecipe
from affectlens.learning.recipes.voice import VoiceRecipe
from affectlens.learning.trainers.speech import SpeechAutoencoder
from affectlens.learning.trainers.voice import Head, fit_head
from affectlens.models.shipped.speech_scale import against_own_clip, normalise, pooled
from affectlens.models.shipped.voice import own_share
from affectlens.stats.classification import softmax
from affectlens.stats.generators import Rng, generator

VERSION = 1  # of the protocol


@dataclass(frozen=True)
class Use:
    """How turns come: ``turns`` of a speaker at a time (0: a whole corpus, scaled by itself), of one mood or of all."""

    name: str
    turns: int
    one_mood: bool = False


USES = (
    Use("one clip", 1),
    Use("5 turns", 5),
    Use("20 turns", 20),
    Use("10 turns of one mood", 10, one_mood=True),
    Use("whole corpus", 0),
)
FITTED_ON = ("one clip", "5 turns", "20 turns")  # what weights and calibration are learnt from: recordings of all moods
HEARD, ACOUSTIC = tuple(f"h{k}" for k in range(4)), tuple(f"a{k}" for k in range(4))


def unheard(table: TurnTable, recipe: VoiceRecipe, folder: Path, progress: Progress = silent) -> pd.DataFrame:
    """Logits of both models for every clip of every corpus, from models that were trained on the other corpora.

    Parameters
    ----------
    table : TurnTable
        Clips of two or more corpora.
    recipe : VoiceRecipe
        How the head is fitted.
    folder : Path
        Keeps the logits of each corpus, so that a stopped run goes on.
    progress : Progress
        Told of corpora.

    Returns
    -------
    pandas.DataFrame
        Columns corpus, use, row, truth, speaker, ``h0`` to ``h3`` (the head's logits, centred as the use has it) and ``a0`` to
        ``a3`` (the autoencoder's).
    """
    names = list(dict.fromkeys(table.acoustic.corpus))
    content = (VERSION, recipe.to_dict(), table.states, table.changed, table.acoustic.features, table.acoustic.rows.to_json())
    parts = []
    for number, name in enumerate(names):
        progress("corpora left out", number, len(names))

        def make(name: str = name) -> pd.DataFrame:
            return _left_out(table, name, recipe)

        parts.append(kept_frame(folder, f"without-{name}", key_of(name, *content), make))
    progress("corpora left out", len(names), len(names))
    return pd.concat(parts, ignore_index=True)


def _left_out(table: TurnTable, name: str, recipe: VoiceRecipe) -> pd.DataFrame:
    clips = table.acoustic
    train, test = np.flatnonzero(clips.corpus != name), np.flatnonzero(clips.corpus == name)
    head = fit_head(
        table.states[train], clips.labels[train], clips.corpus[train], clips.speaker[train], recipe, table.changed[:, train]
    )
    autoencoder = SpeechAutoencoder(recipe=SpeechRecipe(seed=recipe.seed)).fit(
        normalise(clips.features[train], clips.corpus[train], clips.speaker[train]), clips.labels[train]
    )
    scale = pooled(clips.features[train], clips.corpus[train])
    own = replace(head, mean=table.states[test].mean(axis=0), deviation=table.states[test].std(axis=0) + 1e-6)
    out = []
    for use in USES:
        heard = own(table.states[test]) if not use.turns else head(table.states[test])
        features = normalise(clips.features[test], clips.corpus[test], clips.speaker[test])
        if use.turns:
            rng = np.random.default_rng(recipe.seed)
            groups = recordings(clips.speaker[test], clips.labels[test], use, rng)
            heard = _centred(heard, head, groups, recipe.shrink)
            for group in groups:
                features[group] = against_own_clip(clips.features[test[group]], scale)
        acoustic = np.log(np.clip(autoencoder.predict_proba(features), 1e-9, 1))
        frame = pd.DataFrame(np.hstack([heard, acoustic]), columns=[*HEARD, *ACOUSTIC])
        facts = {"corpus": name, "use": use.name, "row": test, "truth": clips.labels[test], "speaker": clips.speaker[test]}
        out.append(frame.assign(**facts))
    return pd.concat(out, ignore_index=True)


def recordings(speaker: np.ndarray, labels: np.ndarray, use: Use, rng: Rng) -> list[np.ndarray]:
    """Deal clips to recordings of one speaker, of ``use.turns`` at most; every clip is in one of them.

    Parameters
    ----------
    speaker, labels : numpy.ndarray
        Of clips ``(n,)``.
    use : Use
        How many turns, and whether of one mood.
    rng : numpy.random.Generator
        Deals them.

    Returns
    -------
    list of numpy.ndarray
        Indices of each recording.
    """
    rng = generator(rng)
    key = np.array([f"{who}/{label}" if use.one_mood else str(who) for who, label in zip(speaker, labels, strict=True)])
    out = []
    for name in dict.fromkeys(key):
        members = rng.permutation(np.flatnonzero(key == name))
        out.extend(np.array_split(members, max(1, -(-len(members) // use.turns))))
    return out


def _centred(heard: np.ndarray, head: Head, groups: list[np.ndarray], shrink: float) -> np.ndarray:
    out = heard.copy()
    for group in groups:
        out[group] -= own_share(len(group), shrink) * (heard[group] - head.bias).mean(axis=0)
    return out


def fit_join(predictions: pd.DataFrame) -> tuple[float, float]:
    """Weights of the two answers that explain unheard corpora best (least cross-entropy), each corpus alike.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of `unheard`.

    Returns
    -------
    tuple of float
        Of the head's logits and of the autoencoder's, neither below zero.
    """
    rows = predictions[predictions.use.isin(FITTED_ON)]
    heard, acoustic, truth = rows[list(HEARD)].to_numpy(), rows[list(ACOUSTIC)].to_numpy(), rows.truth.to_numpy()
    share = 1 / rows.groupby("corpus").row.transform("size").to_numpy()

    def loss(weights: np.ndarray) -> float:
        p = softmax(weights[0] * heard + weights[1] * acoustic)[np.arange(len(truth)), truth]
        return float(-(share * np.log(np.clip(p, 1e-12, 1))).sum() / share.sum())

    found = minimize(loss, [0.5, 0.5], bounds=[(0, None), (0, None)], method="L-BFGS-B").x
    return float(found[0]), float(found[1])


def joined(predictions: pd.DataFrame, weights: tuple[float, float]) -> np.ndarray:
    """Joined logits ``(n, 4)`` of such a table."""
    return np.asarray(weights[0] * predictions[list(HEARD)].to_numpy() + weights[1] * predictions[list(ACOUSTIC)].to_numpy())
