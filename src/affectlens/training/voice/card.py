"""The voice's card, made from the run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from affectlens.features.speech import SpeechTable
from affectlens.models.shipped.voice import VoiceModel
from affectlens.training.card import Card, table, write_card

_ABOUT = (
    "Whisper base's encoder (Radford et al. 2023, arXiv 2212.04356), frozen, up to its fourth block; mean and deviation of the "
    "states of each layer over a turn; a linear head on them that is trained as it is used, on recordings of one to many turns "
    "of a speaker; joined with the speech autoencoder of eGeMAPS (speech.md) by two weights. Weights, calibration and sets of "
    "classes are fitted on predictions for corpora that no part of the model had heard."
)
_LIMITS = (
    "Acted or selected, clean and short speech of four corpora in four languages (German, English, Urdu, Polish). Never heard: "
    "spontaneous conversation, children, whispering, singing, crowds, speech over music, tone languages. Four classes only: "
    "fear, disgust and surprise are spread over them. With turns of one mood alone a speaker's own mean takes part of the mood "
    "away (table above). Layers, pooling, penalties and the share of a speaker's own mean were chosen while looking at scores "
    "on these four corpora left out in turn, so the table is a little optimistic about a fifth. Four corpora are too few for "
    "an interval over corpora: the next one may lie outside all four rows."
)


def write_voice_card(model: VoiceModel, weights: Path, scores: pd.DataFrame, typical: pd.DataFrame, clips: SpeechTable) -> Path:
    """Write the card beside the weights; every number is from the run."""
    counts = [
        f"{name} ({int((clips.corpus == name).sum())} clips, {len(set(clips.speaker[clips.corpus == name]))} speakers)"
        for name in dict.fromkeys(clips.corpus)
    ]
    facts = [
        f"Corpora: {', '.join(counts)}; {len(clips.missed)} clips could not be used",
        *(f"Licence, {info['title']}: {info['licence']} ({info['home']})" for info in model.meta["corpora"].values()),
        "The weights inherit all of these licences: research, not for commerce",
        "Licence, Whisper base: MIT (the encoder itself is the asset whisper-base, not in this file)",
    ]
    sections = {
        "New data": _new_data(scores),
        "What each part adds on new data": _parts(scores),
        "Calibration and typicality on new data": _calibration(model, scores, typical),
    }
    card = Card("affectlens voice", _ABOUT, facts, "voice --corpus NAME=PATH …", sections, _LIMITS)
    return write_card(card, model, weights)


def _new_data(scores: pd.DataFrame) -> list[str]:
    """UAR of what ships in every use, corpus by corpus."""
    shipped = scores[scores.model == "joined"]
    shipped = shipped[shipped.target != "pooled"]
    wide = shipped.pivot(index="target", columns="use", values="UAR")
    uses, targets = list(dict.fromkeys(shipped.use)), list(dict.fromkeys(shipped.target))
    rows = [(target, *(f"{wide.loc[target, use]:.3f}" for use in uses)) for target in targets]
    corpora = len(targets) - 1
    return [
        "UAR (recall averaged over the classes, chance .25) on each corpus, trained, joined and calibrated on the others, as "
        "it is used: clips by themselves, or the turns of one speaker together.",
        "",
        *table(("corpus", *uses), rows),
        "",
        f"{corpora} corpora are fewer than five: no interval over corpora can be given.",
    ]


def _parts(scores: pd.DataFrame) -> list[str]:
    means = scores[scores.target == "mean"].pivot(index="model", columns="use", values="UAR")
    uses = list(dict.fromkeys(scores.use))
    rows = [(model, *(f"{means.loc[model, use]:.3f}" for use in uses)) for model in dict.fromkeys(scores.model)]
    return ["Mean UAR over the corpora.", "", *table(("part", *uses), rows)]


def _calibration(model: VoiceModel, scores: pd.DataFrame, typical: pd.DataFrame) -> list[str]:
    shipped = scores[(scores.model == "joined") & (scores.target != "mean")]
    rows = [
        (row.target, row.use, f"{row.ECE:.3f}", f"{row.coverage:.3f}", f"{row.set_size:.2f}") for row in shipped.itertuples()
    ]
    fitted = model.calibration
    unlike = ", ".join(f"{row.corpus} {row.abstained:.1%}" for row in typical.itertuples())
    return [
        *table(("corpus", "use", "ECE", "coverage of 90 % sets", "set size"), rows),
        "",
        f"Turns with a typicality under {model.least_typical:.2f} are not judged. On corpora left out in turn those are: "
        f"{unlike}.",
        "",
        f"Shipped: weights {model.join[0]:.3f} (states) and {model.join[1]:.3f} (eGeMAPS), temperature "
        f"{fitted.temperature:.3f}, sets of classes at probability {1 - fitted.conformal:.4f} or more; share of label entropy "
        f"explained on corpora never heard, used as the weight in fusion: {fitted.reliability:.3f}.",
    ]
