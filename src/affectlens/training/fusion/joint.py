"""Banks of corpora whose pictures hold face, posture and background of the same person."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectlens.assets.store import locate
from affectlens.core.disk.cache import kept_arrays
from affectlens.core.disk.files import key_of, sha256_of
from affectlens.core.errors import ModelError
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import Corpus, Item, items_of, open_corpus
from affectlens.features.banks import CLASSES, INNER, Fold, Pair, held_out
from affectlens.learning.export import calibrate
from affectlens.learning.folds import check_classes, grouped_folds
from affectlens.learning.trainers.fusion import Bank
from affectlens.models.base import load_model
from affectlens.models.weights import weights_path
from affectlens.perception.body.pose import pose_finder
from affectlens.perception.body.posture import upright
from affectlens.perception.scene.objects import object_detector
from affectlens.training.run import content_of

MODULES = ("face", "posture", "background")
LEAST = 6  # pictures of a class


class PictureModules:
    """Deep features of face, posture and background of a labelled picture; the person in ``box`` where the corpus gives one."""

    def __init__(self) -> None:
        self.objects = object_detector(locate("efficientdet-lite0"))
        self.poses = pose_finder(locate("pose-landmarker"))
        self.face, self.posture = load_model("face"), load_model("posture")

    def __call__(self, item: Item) -> dict[str, np.ndarray]:
        """Features by module; a module that finds nothing is not in it."""
        image, box = item.data, (item.meta or {}).get("box")
        height, width = image.shape[:2]
        people = [thing.box for thing in self.objects(image) if thing.name == "person"]
        out = {"background": self.objects.features(image, [*people, *([box] if box else [])])}
        left, top, right, bottom = box or (0, 0, width, height)
        part = image[int(max(0, top)) : int(max(bottom, top + 2)), int(max(0, left)) : int(max(right, left + 2))]
        with suppress(ModelError):  # no face is found
            out["face"] = self.face.deep_and_logits(self.face.read(part)[None])[0][0]
        bodies = self.poses(np.ascontiguousarray(part), 1)
        joints = upright(bodies[0].joints()) if bodies else None
        if joints is not None:
            out["posture"] = self.posture.deep(joints[None])[0]
        return {name: values for name, values in out.items() if np.isfinite(values).all()}


def joint_banks(
    corpus: str,
    path: Path,
    fold: Fold,
    progress: Progress = silent,
    modules: Callable[[Item], dict[str, np.ndarray]] | None = None,
    cache: Path | None = None,
    missed: dict[str, str] | None = None,
) -> dict[str, Pair]:
    """Banks of the pictures in which all three modules find something, row by row the same.

    Each module's own answer comes from logistic regression on its features, cross-fitted over groups. With ``cache`` the
    features of the pictures are kept there, by what the corpus holds and the networks that read it. Pictures that cannot be
    read are added to ``missed``.

    Returns
    -------
    dict of str to Pair
        Training and test bank of every module.

    Raises
    ------
    CorpusError
        Fewer than six pictures of a class.
    """
    source = open_corpus(corpus, path)
    split = source.info.splits[0]

    def measure() -> dict[str, np.ndarray]:
        return _measure(source, split, modules or PictureModules(), progress)

    if cache is None:
        pictures = measure()
    else:
        key = key_of("pictures with what was missed", content_of(source, path, split), *([] if modules else networks()))
        pictures = kept_arrays(cache, f"pictures-{corpus}", key, measure)
    if missed is not None:
        missed |= json.loads(str(pictures["missed"]))
    y, groups = pictures["labels"], pictures["groups"].astype(object)
    check_classes(y, CLASSES, f"{path}, pictures with face, posture and background", LEAST)
    out = held_out(y, groups, fold)
    return {name: _pair(pictures[name], y, groups, out, fold.seed) for name in MODULES}


def networks() -> list[str]:
    """The sha256 of every network that reads the pictures."""
    files = [weights_path("face"), weights_path("posture")]
    files += [locate(name) for name in ("efficientdet-lite0", "pose-landmarker", "yunet", "face-landmarker")]
    return [sha256_of(file) for file in files]


def _measure(
    source: Corpus, split: str, modules: Callable[[Item], dict[str, np.ndarray]], progress: Progress
) -> dict[str, np.ndarray]:
    """Features by module, class indices, groups of the pictures in which every module finds something; as JSON the unread."""
    rows: list[tuple[dict[str, np.ndarray], int, str]] = []
    missed: dict[str, str] = {}
    total = len(source.table(split))
    for i, item in enumerate(items_of(source, split)):
        label = next((name for name in item.labels if name in CLASSES), None)
        if item.data is None:
            missed[f"{source.info.name}/{item.key}"] = item.problem
        elif label is not None:
            features = modules(item)
            if set(features) == set(MODULES):
                rows.append((features, CLASSES.index(label), item.group or item.key))
        progress(f"{source.info.name}, {split}", i + 1, total)
    return {
        **{name: np.array([features[name] for features, _, _ in rows]) for name in MODULES},
        "labels": np.array([label for _, label, _ in rows], dtype=int),
        "groups": np.array([group for _, _, group in rows], dtype=str),
        "missed": np.array(json.dumps(missed)),
    }


def _pair(x: np.ndarray, y: np.ndarray, groups: np.ndarray, out: np.ndarray, seed: int) -> Pair:
    train, test = np.flatnonzero(~out), np.flatnonzero(out)
    logits = np.zeros((len(train), len(CLASSES)))
    for learn, check in grouped_folds(y[train], groups[train], INNER, seed, CLASSES, "fusion"):
        logits[check] = _fit(x[train][learn], y[train][learn]).predict_log_proba(x[train][check])
    calibration = calibrate(logits, np.eye(len(CLASSES))[y[train]])
    bank = Bank(x[train], logits, y[train], groups[train], calibration)
    if not len(test):
        return bank, None
    answers = _fit(x[train], y[train]).predict_log_proba(x[test])
    return bank, Bank(x[test], np.clip(answers, -20, 0), y[test], groups[test], calibration)


def _fit(x: np.ndarray, y: np.ndarray) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000)).fit(x, y)
