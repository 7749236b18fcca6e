"""`affectlens train posture`: one type of motion left out at a time, then the weights that ship, with a card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.assets.store import sha256
from affectlens.core.labels import GROUPWALK4
from affectlens.corpora.base import open_corpus
from affectlens.learning.export import calibrate, export
from affectlens.learning.posture import PostureRecipe, Postures, leave_motion_out, postures, train_posture
from affectlens.models.shipped.posture import PostureModel
from affectlens.training.gait import GaitRun, score

Told = Callable[[str, int, int], None]
_KIND = {
    "network": "the network (ships)", "half bodies": "the same, everything below the waist hidden",
    "logistic": "logistic regression on the coordinates",
}  # fmt: skip


def train_posture_model(
    path: Path,
    out: Path,
    recipe: PostureRecipe | None = None,
    *,
    corpus: str = "bandai",
    seeds: int = 5,
    progress: Told | None = None,
) -> GaitRun:
    """Write ``posture.safetensors``, ``posture.md``, ``scores.csv`` and ``predictions.parquet`` below ``out``; predictions
    that lie
    there from an interrupted run of the same recipe are used again."""
    recipe = recipe or PostureRecipe()
    out.mkdir(parents=True, exist_ok=True)
    data = postures(path, corpus, "all", progress)
    classes = GROUPWALK4.labels
    file = out / "predictions.parquet"
    stamp = repr((asdict(recipe), seeds, len(data.rows), round(float(np.nansum(data.joints)), 2)))
    predictions = pd.read_parquet(file) if file.exists() else None
    if predictions is None or predictions.attrs.get("stamp") != stamp:
        predictions = leave_motion_out(data, classes, recipe, seeds, progress)
        predictions.attrs["stamp"] = stamp
        predictions.to_parquet(file)
    scores = score(predictions, len(classes), np.random.default_rng(recipe.seed))
    scores.to_csv(out / "scores.csv", index=False)
    mine = predictions[predictions.kind == "network"].sample(frac=1, random_state=0)
    p = mine[[f"p{c}" for c in range(len(classes))]].to_numpy()
    calibration = calibrate(np.log(np.clip(p, 1e-9, 1)), np.eye(len(classes))[mine.truth.to_numpy()])
    net = train_posture(data, classes, recipe)
    info = open_corpus(corpus, path).info
    meta = {
        "labels": list(classes), "config": net.config.to_dict(), "recipe": asdict(recipe), "corpus": info.title,
        "licence": info.licence, "home": info.home,
    }  # fmt: skip
    weights = out / "posture.safetensors"
    export(weights, {k: v.detach() for k, v in net.state_dict().items()}, meta, calibration)
    _card(out / "posture.md", weights, scores, data, predictions)
    return GaitRun(scores, weights)


def _card(path: Path, weights: Path, scores: pd.DataFrame, data: Postures, predictions: pd.DataFrame) -> None:
    model = PostureModel(weights)
    lines = [
        "# Model card: affectlens posture", "",
        "A network over the graph of one skeleton's joints, trained to name the class and to rebuild hidden and noisy "
        "joints (a "
        "denoising autoencoder), after the posture module of EMERSK (arXiv 2306.08657); widths are ours.", "",
        f"- Classes: {', '.join(model.labels)} (expressed emotion, not feeling)",
        f"- Parameters: {sum(p.numel() for p in model.net.parameters()):,}; weights `{weights.name}`, "
        f"{weights.stat().st_size / 1e6:.2f} MB, sha256 `{sha256(weights)}`",
        f"- Corpus: {model.meta['corpus']}, {data.rows.key.nunique()} recordings, {len(data.rows)} skeletons, of which "
        f"{int(data.rows.label.isin(model.labels).sum())} of the four classes; licence: {model.meta['licence']} "
        f"({model.meta['home']}). The weights inherit it: not for commerce",
        "- Made by: `affectlens train posture --data PATH`, recipe below",
        "", "## A type of motion never seen", "",
        "Single skeletons; each type of motion is left out in turn (chance .25). Mean and deviation over seeds, interval over "
        "recordings of the first.", "",
        "| model | UAR of skeletons | of recordings | mean over motions |", "|---|---|---|---|",
        *(
            f"| {_KIND[r['kind']]} | {r['UAR']:.3f} ± {r['deviation']:.3f} ({r['low']:.3f} to {r['high']:.3f}) | "
            f"{r['UAR of recordings']:.3f} | {r['mean UAR over motions']:.3f} |"
            for r in scores.to_dict("records")
        ),
        "",
        f"Hidden lower bodies are rebuilt {predictions.rebuilt.mean():.2f} torso lengths from where they were, against "
        f"{predictions.mean_body.mean():.2f} for the mean body.",
        "", "## Limits", "",
        "Everybody in the training corpus moves over the ground: somebody who sits, stoops or reaches is unlike all of "
        "them, and the "
        "answer means little then; it is off by default in `explain`. Few actors, acted styles, motion capture. For "
        "research and "
        "auditing, not for decisions about a person.",
        "", "## Recipe", "", *(f"- {k}: {v}" for k, v in model.meta["recipe"].items()), "",
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")
