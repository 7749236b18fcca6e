"""The speech model's card, made from the run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from affectlens.evaluation.protocols import FOLDS, OTHERS, STEPS, Setting
from affectlens.features.speech import TURNS, SpeechTable
from affectlens.models.shipped.speech import SpeechModel
from affectlens.training.card import Card, interval, table, write_card

_ABOUT = (
    "A denoising autoencoder of the 88 eGeMAPS functionals (our own implementation) whose latent is trained to tell four "
    "expressed emotions apart at the same time; after Das et al. (arXiv 2105.02055, 2203.14865), widths are ours."
)
_LIMITS = (
    "All training speech is acted or selected, clean, and short; everyday speech differs. On a corpus that it never heard "
    "the model is right far less often than within one (table above). Four classes only: fear, disgust and surprise are not "
    "known to it and are spread over the four. Anger and happiness, both loud and high, are mixed up most. Neutral speech "
    "of a person whose usual voice is not known may be read as sadness or anger. Age, accent and illness change a voice and "
    "were not annotated. The shrinkage of a speaker's own statistics (5 clips) and the limit of 3 deviations were explored "
    "on these same corpora, so the table is a little optimistic about a fifth."
)


def write_speech_card(
    model: SpeechModel, weights: Path, scores: pd.DataFrame, calibration: pd.DataFrame, clips: SpeechTable
) -> Path:
    """Write the card beside the weights; every number is from the run."""
    names = list(dict.fromkeys(clips.corpus))
    counts = [
        f"{name} ({int((clips.corpus == name).sum())} clips, {len(set(clips.speaker[clips.corpus == name]))} speakers)"
        for name in names
    ]
    facts = [
        "With the latents of the training clips, for “sounds like”",
        f"Corpora: {', '.join(counts)}; {len(clips.missed)} clips could not be used",
        *(f"Licence, {info['title']}: {info['licence']} ({info['home']})" for info in model.meta["corpora"].values()),
        "The weights inherit all of these licences: research, not for commerce",
    ]
    sections = {
        "What each step adds": _steps(scores, len(names), model.meta["recipe"]["seeds"]),
        "Each corpus": _corpora(model, scores, calibration.set_index("corpus")),
        "From one corpus to another": _pairs(scores, Setting(model.net.config.kind, "speaker").name, names),
    }
    latent = f"; latent of {model.net.config.latent}"
    card = Card("affectlens speech", _ABOUT, facts, "speech --corpus NAME=PATH …", sections, _LIMITS, latent)
    return write_card(card, model, weights)


def _steps(scores: pd.DataFrame, corpora: int, seeds: int) -> list[str]:
    def cell(protocol: str, setting: str) -> str:
        rows = _rows(scores, protocol, setting, "mean", "UA")
        return interval(rows.value.iloc[0], rows.low.iloc[0], rows.high.iloc[0]) if len(rows) else ""

    steps = [
        (text, *(cell(protocol, setting.name) for protocol in ("within", "leave-one-out")))
        for text, setting in (*STEPS, *OTHERS)
    ]
    return [
        f"UAR (recall averaged over the classes, chance .25), mean over {corpora} corpora and {seeds} seeds, 95 % intervals "
        "over speakers. "
        f"Within: {FOLDS} folds without shared speakers. Never heard: trained on the other corpora.",
        "",
        *table(("step", "within", "corpus never heard"), steps),
        "",
        f"In the last row a test clip is scaled by the training corpora and by {TURNS} turns of its speaker, as in a "
        "recording.",
    ]


def _corpora(model: SpeechModel, scores: pd.DataFrame, calibration: pd.DataFrame) -> list[str]:
    kind, fitted = model.net.config.kind, model.calibration
    speaker, recording = (Setting(kind, normalisation).name for normalisation in ("speaker", "recording"))
    cells = (("within", speaker), ("leave-one-out", speaker), ("leave-one-out", recording))
    rows = []
    for name, row in calibration.iterrows():
        triples = [
            " / ".join(
                f"{_rows(scores, protocol, setting, str(name), score).value.iloc[0]:.3f}" for score in ("UA", "WA", "macro F1")
            )
            for protocol, setting in cells
        ]
        rows.append((str(name), *triples, f"{row.calibration_error:.3f}", f"{row.coverage:.3f}", f"{row.set_size:.2f}"))
    headings = (
        "corpus",
        "within",
        "never heard",
        "never heard, as the main job normalises",
        "ECE",
        "coverage of 90 % sets",
        "set size",
    )
    return [
        f"UA / WA / macro F1 of the {kind} autoencoder.",
        "",
        *table(headings, rows),
        "",
        "ECE and coverage: temperature and threshold fitted on the other corpora's predictions, so this is what to expect "
        "on a new corpus.",
        "",
        f"Shipped: temperature {fitted.temperature:.3f}, sets of classes at probability {1 - fitted.conformal:.4f} or more; "
        f"share of label entropy explained on corpora never heard, used as the weight in fusion: {fitted.reliability:.3f}.",
    ]


def _pairs(scores: pd.DataFrame, setting: str, names: list[str]) -> list[str]:
    of_pairs = scores[(scores.protocol == "one-to-one") & (scores.setting == setting) & (scores.score == "UA")]
    value = of_pairs.set_index(["source", "target"]).value
    rows = [(source, *(f"{value[source, target]:.3f}" if source != target else "" for target in names)) for source in names]
    mean = of_pairs[of_pairs.target == "mean"].iloc[0]
    return [
        "UA, rows train, columns test.",
        "",
        *table(("", *names), rows),
        "",
        f"Mean {interval(mean.value, mean.low, mean.high)}.",
    ]


def _rows(scores: pd.DataFrame, protocol: str, setting: str, target: str, score: str) -> pd.DataFrame:
    return scores[
        (scores.protocol == protocol) & (scores.setting == setting) & (scores.target == target) & (scores.score == score)
    ]
