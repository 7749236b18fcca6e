"""The speech model's card, made from the run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from affectlens.assets.store import sha256
from affectlens.evaluation.protocols import FOLDS, OTHERS, STEPS
from affectlens.features.speech import TURNS, SpeechTable
from affectlens.models.nets.speech import parameters
from affectlens.models.shipped.speech import SpeechModel

_ABOUT = (
    "A denoising autoencoder of the 88 eGeMAPS functionals (our own implementation) whose latent is trained to tell four "
    "expressed emotions apart at the same time; after Das et al. (arXiv 2105.02055, 2203.14865), widths are ours."
)
_LIMITS = (
    "All training speech is acted or selected, clean, and short; everyday speech differs. On a corpus that it never heard the "
    "model is right far less often than within one (table above). Four classes only: fear, disgust and surprise are not "
    "known to it and are spread over the four. Anger and happiness, both loud and high, are mixed up most. Neutral speech of a "
    "person whose usual voice is not known may be read as sadness or anger. Age, accent and illness change a voice and were "
    "not annotated. The shrinkage of a speaker's own statistics (5 clips) and the limit of 3 deviations were explored on these "
    "same corpora, so the table is a little optimistic about a fifth."
)


def write_speech_card(
    path: Path,
    model: SpeechModel,
    weights: Path,
    scores: pd.DataFrame,
    held: dict[str, dict[str, float]],
    table: SpeechTable,
) -> None:
    """Write the card as Markdown; every number is from the run."""
    names = list(dict.fromkeys(table.corpus))
    c = model.calibration
    counts = [
        f"{n} ({int((table.corpus == n).sum())} clips, {len(set(table.speaker[table.corpus == n]))} speakers)" for n in names
    ]
    lines = [
        "# Model card: affectlens speech", "", _ABOUT, "",
        f"- Classes: {', '.join(model.labels)} (expressed emotion, not feeling)",
        f"- Parameters: {parameters(model.net):,}; latent of {model.net.config.latent}",
        f"- Weights: `{weights.name}`, {weights.stat().st_size / 1e6:.2f} MB, sha256 `{sha256(weights)}`; with the latents of "
        "the training clips, for “sounds like”",
        f"- Corpora: {', '.join(counts)}; {len(table.missed)} clips could not be used",
        *(f"- Licence, {i['title']}: {i['licence']} ({i['home']})" for i in model.meta["corpora"].values()),
        "- The weights inherit all of these licences: research, not for commerce",
        "- Made by: `affectlens train speech --corpus NAME=PATH …`, recipe below",
        "", "## What each step adds", "",
        f"UA (mean recall, chance .25), mean over {len(names)} corpora and five seeds, 95 % intervals over speakers. Within: "
        f"{FOLDS} folds without shared speakers. Never heard: trained on the other corpora.", "",
        "| step | within | corpus never heard |", "|---|---|---|",
        *(_step(scores, text, s.name) for text, s in (*STEPS, *OTHERS)),
        "",
        f"In the last row a test clip is scaled by the training corpora and by {TURNS} turns of its speaker, as in a "
        "recording.",
        "", "## Each corpus", "", "UA / WA / macro F1 of the semi-supervised autoencoder.", "",
        "| corpus | within | never heard | never heard, as the main job normalises | ECE | coverage of 90 % sets | set size |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in names:
        cells = [_triple(scores, p, s, name) for p, s in (
            ("within", "semi-supervised, speaker"), ("leave-one-out", "semi-supervised, speaker"),
            ("leave-one-out", "semi-supervised, recording"))]  # fmt: skip
        h = held[name]
        lines.append(f"| {name} | {' | '.join(cells)} | {h['ECE']:.3f} | {h['coverage']:.3f} | {h['set size']:.2f} |")
    lines += [
        "", "ECE and coverage: temperature and threshold fitted on the other corpora's predictions, so this is what to expect "
        "on a new corpus.", "",
        f"Shipped: temperature {c.temperature:.3f}, sets of classes at probability {1 - c.conformal:.4f} or more; share of "
        f"label entropy explained on corpora never heard, used as the weight in fusion: {c.reliability:.3f}.",
        "", "## From one corpus to another", "", "UA of the semi-supervised autoencoder, rows train, columns test.", "",
        "| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|",
    ]  # fmt: skip
    pairs = scores[(scores.protocol == "one-to-one") & (scores.setting == "semi-supervised, speaker") & (scores.score == "UA")]
    for a in names:
        row = [f"{_one(pairs[(pairs.source == a) & (pairs.target == b)])}" if a != b else "" for b in names]
        lines.append(f"| {a} | " + " | ".join(row) + " |")
    mean = pairs[pairs.target == "mean"].iloc[0]
    lines += [
        "", f"Mean {mean.value:.3f} ({mean.low:.3f} to {mean.high:.3f}).", "", "## Limits", "", _LIMITS, "",
        "Intended for research and for auditing. Not for decisions about a person.", "", "## Recipe", "",
        *(f"- {k}: {v}" for k, v in model.meta["recipe"].items()),
        *(f"- network {k}: {v}" for k, v in model.meta["config"].items()), "",
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")


def _cell(scores: pd.DataFrame, protocol: str, setting: str, target: str, score: str) -> pd.DataFrame:
    return scores[
        (scores.protocol == protocol) & (scores.setting == setting) & (scores.target == target) & (scores.score == score)
    ]


def _step(scores: pd.DataFrame, text: str, setting: str) -> str:
    cells = []
    for protocol in ("within", "leave-one-out"):
        found = _cell(scores, protocol, setting, "mean", "UA")
        cells.append(f"{found.value.iloc[0]:.3f} ({found.low.iloc[0]:.3f} to {found.high.iloc[0]:.3f})" if len(found) else "")
    return f"| {text} | {' | '.join(cells)} |"


def _triple(scores: pd.DataFrame, protocol: str, setting: str, target: str) -> str:
    return " / ".join(f"{_cell(scores, protocol, setting, target, s).value.iloc[0]:.3f}" for s in ("UA", "WA", "macro F1"))


def _one(found: pd.DataFrame) -> str:
    return f"{found.value.iloc[0]:.3f}" if len(found) else ""
