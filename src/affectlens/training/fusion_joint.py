"""Banks of corpora whose pictures hold face, posture and background of the same person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectlens.core.errors import UsageError
from affectlens.corpora.base import Item, open_corpus
from affectlens.features.banks import CLASSES, Fold, held_out
from affectlens.learning.export import calibrate
from affectlens.learning.fusion import Bank

MODULES = ("face", "posture", "background")
Told = Callable[[str, int, int], None]


class PictureModules:
    """Deep features of face, posture and background of a labelled picture; the person in ``box`` where the corpus gives one."""

    def __init__(self) -> None:
        from affectlens.assets.store import locate
        from affectlens.evaluation.evaluate import FaceReader
        from affectlens.models.base import load_model
        from affectlens.perception.body.pose import pose_finder
        from affectlens.perception.scene.objects import object_detector

        self.crop = FaceReader()
        self.objects = object_detector(locate("efficientdet-lite0"))
        self.poses = pose_finder(locate("pose-landmarker"))
        self.face, self.posture = load_model("face"), load_model("posture")

    def __call__(self, item: Item) -> dict[str, np.ndarray]:
        """Features by module; a module that finds nothing is not in it."""
        from affectlens.perception.body.posture import upright

        image, box = item.data, (item.meta or {}).get("box")
        height, width = image.shape[:2]
        people = [t.box for t in self.objects(image) if t.name == "person"]
        out = {"background": self.objects.features(image, [*people, *([box] if box else [])])}
        left, top, right, bottom = box or (0, 0, width, height)
        part = image[int(max(0, top)) : int(max(bottom, top + 2)), int(max(0, left)) : int(max(right, left + 2))]
        crop, _ = self.crop(Item(item.key, part, item.labels))
        if crop is not None:
            out["face"] = self.face.deep_and_logits(crop[None])[0][0]
        bodies = self.poses(np.ascontiguousarray(part), 1)
        joints = upright(bodies[0].joints()) if bodies else None
        if joints is not None:
            out["posture"] = self.posture.deep(joints[None])[0]
        return {k: v for k, v in out.items() if np.isfinite(v).all()}


def joint_banks(
    corpus: str, path: Path, fold: Fold, told: Told | None = None, modules: PictureModules | None = None
) -> dict[str, tuple[Bank, Bank | None]]:
    """Banks of the pictures in which all three modules find something, row by row the same; each module's own answer comes
    from logistic regression on its features, cross-fitted over groups."""
    source = open_corpus(corpus, path)
    split = source.info.splits[0]
    reader = modules or PictureModules()
    kept: list[tuple[dict[str, np.ndarray], int, str]] = []
    total = len(source.table(split))
    for i, item in enumerate(source.items(split)):
        label = next((v for v in item.labels if v in CLASSES), None)
        if item.data is not None and label is not None:
            found = reader(item)
            if set(found) == set(MODULES):
                kept.append((found, CLASSES.index(label), item.group or item.key))
        if told:
            told(f"{corpus}, {split}", i + 1, total)
    y = np.array([label for _, label, _ in kept], dtype=int)
    counts = np.bincount(y, minlength=len(CLASSES))
    if counts.min() < 6:
        raise UsageError(
            f"{path}: {dict(zip(CLASSES, counts.tolist(), strict=True))} pictures with face, posture and background; six of "
            "every class are needed at least"
        )
    groups = np.array([g for _, _, g in kept], dtype=object)
    out_rows = held_out(y, groups, fold)
    banks: dict[str, tuple[Bank, Bank | None]] = {}
    for name in MODULES:
        x = np.stack([found[name] for found, _, _ in kept])
        train, test = np.flatnonzero(~out_rows), np.flatnonzero(out_rows)
        logits = np.zeros((len(train), len(CLASSES)))
        inner = StratifiedGroupKFold(3, shuffle=True, random_state=fold.seed)
        for a, b in inner.split(train, y[train], groups[train]):
            logits[b] = _fit(x[train][a], y[train][a]).predict_log_proba(x[train][b])
        calibration = calibrate(logits, np.eye(len(CLASSES))[y[train]])
        bank = Bank(x[train], logits, y[train], groups[train], calibration)
        held = None
        if len(test):
            answers = _fit(x[train], y[train]).predict_log_proba(x[test])
            held = Bank(x[test], np.clip(answers, -20, 0), y[test], groups[test], calibration)
        banks[name] = (bank, held)
    return banks


def _fit(x: np.ndarray, y: np.ndarray) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000)).fit(x, y)
