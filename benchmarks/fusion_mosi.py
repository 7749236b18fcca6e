"""Ways of fusing on modules of the same people: CMU-MOSI's published text, audio and video features, two classes.

These features were learnt from the training labels, so what a module says of training utterances is far surer than on test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectlens.evaluation.ablation import ablate
from affectlens.learning.export import calibrate
from affectlens.learning.recipes.fusion import FusionRecipe
from affectlens.learning.trainers.fusion import Bank


def banks(path: Path) -> dict[str, tuple[Bank, Bank]]:
    """Training banks with answers cross-fitted over videos, and test banks."""
    held = np.load(path, allow_pickle=True)
    y, z = held["y_train"].astype(int), held["y_test"].astype(int)
    videos = [np.array([str(u).rsplit("_", 1)[0] for u in held[f"utt_{s}"]], dtype=object) for s in ("train", "test")]
    out = {}
    for name in ("text", "audio", "video"):
        a, b = held[f"{name}_train"], held[f"{name}_test"]
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.02, max_iter=3000))
        logits = np.zeros((len(a), 2))
        for train, rest in GroupKFold(5).split(a, y, videos[0]):
            logits[rest] = model.fit(a[train], y[train]).predict_log_proba(a[rest])
        calibration = calibrate(logits, np.eye(2)[y])
        answers = model.fit(a, y).predict_log_proba(b)
        out[name] = (
            Bank(a.astype(np.float32), logits, y, videos[0], calibration),
            Bank(b.astype(np.float32), answers, z, videos[1], calibration),
        )
    return out


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """UAR of all modules and its difference from the pool, intervals over videos."""
    path = Path("../shared/data/utterance/mosi_bclstm.npz")
    if not path.exists():
        yield ("fusion on CMU-MOSI: the features are not here", "", "", None)
        return
    made = banks(path)
    found = ablate(lambda _: dict(made), FusionRecipe(), folds=1, draws=200, classes=2, joint=True)
    whole = found.scores[found.scores["size"] == 3].set_index("fusion")
    for how, r in whole.iterrows():
        yield (f"{how}: mean recall of text, audio, video", f"{r.mean_recall:.3f} [{r.low:.3f}, {r.high:.3f}]", "", None)
    for r in found.against[found.against.question == "all modules"].itertuples():
        yield (f"{r.fusion} against the pool", f"{r.difference:+.3f} [{r.low:+.3f}, {r.high:+.3f}]", "", None)
    for name, (train, test) in made.items():
        known = [float((b.logits.argmax(1) == b.labels).mean()) for b in (train, test)]
        yield (f"{name} alone: training videos not fitted; test", f"{known[0]:.2f}; {known[1]:.2f}", "", None)
