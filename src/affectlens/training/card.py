"""A model card made from the run that it describes (Mitchell et al. 2019)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from affectlens.assets.store import sha256
from affectlens.corpora.base import CorpusInfo
from affectlens.evaluation.evaluate import HEADINGS, Evaluation

_ABOUT = {
    "face": (
        "Two convolutional streams over a 48 x 48 grey face crop, one plain, one gated by an encoder-decoder attention "
        "mask, joined before the classifier, after the face module of EMERSK (arXiv 2306.08657); widths are ours. The "
        "answer is the mean over the crop at three zooms, each also mirrored.",
        "FER2013 has no person ids, so one person may be in train and test, and 288 of its 3,589 test pictures (8 %) are byte "
        "for byte in train (scripts/fer_without_copies.py scores the others alone); the score on new people is likely lower. "
        "Its labels are noisy (people reach about 65 %, Goodfellow et al. 2013) and "
        "many pictures are posed. Age, skin tone and gender are not annotated: nothing is known here about differences "
        "between groups. Faces turned far away, covered or small (under about 12 pixels between the eyes) are not read "
        "reliably.",
    ),
    "words": (
        "all-MiniLM-L6-v2, frozen, with low-rank adapters on every linear map and a linear head; only adapters and head "
        "are in this file. Emoji are replaced by their Unicode names.",
        "English only; other languages are abstained from. The training texts are comments of one website, young and "
        "male in the main, with profanity; dialect, irony and quotations are often misread. Transcribed speech has no "
        "emoji and other punctuation, which the model was not trained on.",
    ),
}


def write_card(path: Path, model: Any, corpus: CorpusInfo, evaluation: Evaluation, weights: Path) -> None:
    """Write the card of ``model`` as Markdown; every number in it is from ``evaluation`` or from the recipe."""
    about, limits = _ABOUT[model.name]
    parameters = sum(p.numel() for p in model.net.parameters())
    trained = sum(p.numel() for p in model.net.parameters() if p.requires_grad)
    c = model.calibration
    made = f"`affectlens train {model.name} --data PATH`, recipe below"
    if "start" in model.meta:
        made = (
            f"`affectlens train {model.name} --data PATH --start WEIGHTS`, recipe below; it went on from the weights of an "
            f"earlier run, which also taught (sha256 `{model.meta['start']['sha256']}`; docs/runs)"
        )
    lines = [
        f"# Model card: affectlens {model.name}",
        "",
        about,
        "",
        f"- Classes: {', '.join(model.labels)} (expressed emotion, not feeling)",
        f"- Parameters: {parameters:,}" + (f", of which {trained:,} are ours" if model.name == "words" else ""),
        f"- Weights: `{weights.name}`, {weights.stat().st_size / 1e6:.2f} MB, sha256 `{sha256(weights)}`",
        f"- Corpus: {corpus.title}, {corpus.home}",
        f"- Licence of the corpus, which the weights inherit: {corpus.licence}",
        f"- Made by: {made}",
        "",
        "## Test",
        "",
        f"Official test split, {evaluation.n:,} rows, {len(evaluation.missed)} missed (counted as errors); "
        "95 % bootstrap intervals over rows.",
        "",
        "| score | value | interval |",
        "|---|---|---|",
    ]
    for name, e in evaluation.scores.items():
        lines.append(f"| {HEADINGS[name]} | {e.value:.4f} | {e.low:.4f} to {e.high:.4f} |")
    lines += [
        "",
        f"Temperature {c.temperature:.3f}; a class joins the prediction set at probability {1 - c.conformal:.4f} or more "
        f"(target coverage {c.coverage:.0%}); both fitted on disjoint halves of the validation split. Share of label entropy "
        f"explained on validation, used as the weight in fusion: {c.reliability:.3f}.",
        "",
        "Confusion (rows: label, columns: prediction):",
        "",
        "| | " + " | ".join(evaluation.confusion.columns) + " |",
        "|---" * (len(evaluation.confusion.columns) + 1) + "|",
    ]
    for name, row in evaluation.confusion.iterrows():
        lines.append(f"| {name} | " + " | ".join(str(int(v)) for v in row) + " |")
    recipe = {k: v for k, v in model.meta["recipe"].items() if k != "net"}
    lines += [
        "",
        "## Limits",
        "",
        limits,
        "",
        "Intended for research and for auditing. Not for decisions about a person.",
        "",
        "## Recipe",
        "",
        "Nothing was chosen on the test split.",
        "",
        *(f"- {k}: {v}" for k, v in recipe.items()),
        *(f"- network {k}: {v}" for k, v in model.meta["config"].items()),
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
