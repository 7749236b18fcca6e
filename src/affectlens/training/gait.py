"""`affectlens train gait`: one type of motion left out at a time, then the weights that ship, with a card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.assets.store import sha256
from affectlens.core.labels import GROUPWALK4
from affectlens.corpora.base import open_corpus
from affectlens.learning.export import calibrate, export
from affectlens.learning.gait import GaitRecipe, GaitWindows, gait_windows, leave_motion_out, scale_of, train_net
from affectlens.models.nets.gait import GaitNetConfig
from affectlens.models.shipped.gait import GaitModel
from affectlens.stats.classification import confusion, unweighted_recall
from affectlens.stats.resample import bootstrap

KINDS = ("network", "sequence", "features", "logistic", "trees")
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class GaitRun:
    """``scores``: one row a kind; where the weights lie."""

    scores: pd.DataFrame
    weights: Path


def train_gait_model(
    path: Path,
    out: Path,
    recipe: GaitRecipe | None = None,
    *,
    corpus: str = "bandai",
    seeds: int = 5,
    progress: Told | None = None,
) -> GaitRun:
    """Write ``gait.safetensors``, ``gait.md``, ``scores.csv`` and ``predictions.parquet`` below ``out``; predictions that
    lie there
    from an interrupted run of the same recipe are used again."""
    recipe = recipe or GaitRecipe()
    out.mkdir(parents=True, exist_ok=True)
    data = gait_windows(path, corpus, "four", progress)
    classes = GROUPWALK4.labels
    parts = []
    for kind in KINDS:
        file = out / f"predictions-{kind}.parquet"
        stamp = repr((asdict(recipe), seeds, len(data.rows), round(float(np.nansum(data.features)), 3)))
        held = pd.read_parquet(file) if file.exists() else None
        if held is None or held.attrs.get("stamp") != stamp:
            held = leave_motion_out(data, classes, recipe, (kind,), seeds, progress)
            held.attrs["stamp"] = stamp
            held.to_parquet(file)
        parts.append(held)
    predictions = pd.concat(parts, ignore_index=True)
    scores = score(predictions, len(classes), np.random.default_rng(recipe.seed))
    scores.to_csv(out / "scores.csv", index=False)
    mine = predictions[predictions.kind == "network"].sample(frac=1, random_state=0)
    p = mine[[f"p{c}" for c in range(len(classes))]].to_numpy()
    calibration = calibrate(np.log(np.clip(p, 1e-9, 1)), np.eye(len(classes))[mine.truth.to_numpy()])
    net = train_net(data, classes, recipe, GaitNetConfig(len(classes)))
    info = open_corpus(corpus, path).info
    mean, deviation = scale_of(data.features)
    meta = {
        "labels": list(classes), "config": net.config.to_dict(), "scale": [mean.tolist(), deviation.tolist()],
        "recipe": asdict(recipe), "corpus": info.title, "licence": info.licence, "home": info.home,
    }  # fmt: skip
    weights = out / "gait.safetensors"
    export(weights, {k: v.detach() for k, v in net.state_dict().items()}, meta, calibration)
    _card(out / "gait.md", weights, scores, data)
    return GaitRun(scores, weights)


def score(predictions: pd.DataFrame, classes: int, rng: np.random.Generator) -> pd.DataFrame:
    """UAR of each kind over windows (mean over seeds, interval over recordings), over recordings (mean probability of their
    windows), and the mean over types of motion."""
    rows = []
    columns = [f"p{c}" for c in range(classes)]
    for kind, mine in predictions.groupby("kind", sort=False):
        whole, by_recording, by_motion = [], [], []
        for _, one in mine.groupby("seed"):
            said = one[columns].to_numpy().argmax(1)
            whole.append(_uar(one.truth.to_numpy(), said, classes))
            mean = one.groupby("key")[columns].mean()
            truth = one.groupby("key").truth.first()
            by_recording.append(_uar(truth.to_numpy(), mean.to_numpy().argmax(1), classes))
            parts = [m for _, m in one.groupby("motion")]
            by_motion.append(np.mean([_uar(m.truth.to_numpy(), m[columns].to_numpy().argmax(1), classes) for m in parts]))
        first = mine[mine.seed == mine.seed.min()]
        said, truth = first[columns].to_numpy().argmax(1), first.truth.to_numpy()

        def uar(r: np.ndarray, said: np.ndarray = said, truth: np.ndarray = truth) -> float:
            return _uar(truth[r], said[r], classes)

        e = bootstrap(uar, len(first), rng, groups=first.key.to_numpy())
        rows.append(
            {
                "kind": kind, "seeds": len(whole), "UAR": np.mean(whole), "deviation": np.std(whole),
                "low": e.low, "high": e.high,
                "UAR of recordings": np.mean(by_recording), "mean UAR over motions": np.mean(by_motion),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _uar(truth: np.ndarray, said: np.ndarray, classes: int) -> float:
    return unweighted_recall(confusion(truth, said, classes))


_KIND = {
    "network": "convolutions and LSTM over joints, with the measured features (ships)", "sequence": "joints alone",
    "features": "measured features alone, same classifier", "logistic": "logistic regression on the features",
    "trees": "extremely random trees on the features",
}  # fmt: skip


def _card(path: Path, weights: Path, scores: pd.DataFrame, data: GaitWindows) -> None:
    model = GaitModel(weights)
    lines = [
        "# Model card: affectlens gait", "",
        "Convolutions and an LSTM over two seconds of a skeleton's joints, joined with 36 measured features of posture and "
        "gait, "
        "after the gait module of EMERSK (arXiv 2306.08657); widths are ours.", "",
        f"- Classes: {', '.join(model.labels)} (expressed emotion, not feeling)",
        f"- Parameters: {sum(p.numel() for p in model.net.parameters()):,}; weights `{weights.name}`, "
        f"{weights.stat().st_size / 1e6:.2f} MB, sha256 `{sha256(weights)}`",
        f"- Corpus: {model.meta['corpus']}, {data.rows.key.nunique()} recordings, {len(data.rows)} windows of two seconds; "
        f"licence: "
        f"{model.meta['licence']} ({model.meta['home']}). The weights inherit it: not for commerce",
        "- Made by: `affectlens train gait --data PATH`, recipe below",
        "", "## A type of motion never seen", "",
        "Each of walk, run, dash and walking back, left and right is left out in turn (chance .25). Windows: mean and "
        "deviation over "
        "seeds, interval over recordings of the first.", "",
        "| model | UAR of windows | of recordings | mean over motions |", "|---|---|---|---|",
        *(
            f"| {_KIND[r['kind']]} | {r['UAR']:.3f} ± {r['deviation']:.3f} ({r['low']:.3f} to {r['high']:.3f}) | "
            f"{r['UAR of recordings']:.3f} | {r['mean UAR over motions']:.3f} |"
            for r in scores.to_dict("records")
        ),
        "", "## Limits", "",
        "Few recordings of few actors, who are not told apart, so nothing is known about people never seen; acted styles; "
        "motion "
        "capture, while joints from video are noisier and depth in them is a guess. Calibrated on types of motion never "
        "seen, not on "
        "new people. For research and auditing, not for decisions about a person.",
        "", "## Recipe", "", *(f"- {k}: {v}" for k, v in model.meta["recipe"].items()), "",
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")
