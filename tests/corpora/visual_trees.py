"""Tiny corpora of pictures and bodies in their official layouts."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from PIL import Image
from scipy.io import savemat

from affectlens.corpora.motion.bold import _ORDER


def picture(path: Path, shade: int = 120) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((24, 32, 3), shade, np.uint8)).save(path)
    return path


def caer_s(root: Path) -> Path:
    for split in ("train", "test"):
        for name in ("Anger", "Happy", "Sad"):
            picture(root / split / name / "0001.png")
    return root


def raf_db(root: Path) -> Path:
    lines = []
    for i, name in enumerate(("train_00001.jpg", "train_00002.jpg", "test_0001.jpg")):
        picture(root / "basic/Image/aligned" / name.replace(".jpg", "_aligned.jpg"))
        lines.append(f"{name} {(4, 7, 1)[i]}")
    (root / "basic/EmoLabel").mkdir(parents=True)
    (root / "basic/EmoLabel/list_patition_label.txt").write_text("\n".join(lines) + "\n")
    return root


def affectnet(root: Path) -> Path:
    for folder, code in (("train_set", 1), ("val_set", 6), ("train_set", 7)):
        picture(root / folder / "images" / f"{code}.jpg")
        (root / folder / "annotations").mkdir(parents=True, exist_ok=True)
        np.save(root / folder / "annotations" / f"{code}_exp.npy", str(code))
        np.save(root / folder / "annotations" / f"{code}_val.npy", "0.5")
        np.save(root / folder / "annotations" / f"{code}_aro.npy", "-0.25")
    return root


def emotic(root: Path) -> Path:
    def record(dtype, *values):
        out = np.zeros(1, dtype=[(n, object) for n in dtype])
        for name, value in zip(dtype, values, strict=True):
            out[name][0] = value
        return out

    def entry(name: str, split: str):
        picture(root / "emotic/mscoco/images" / name)
        names = np.array(["Happiness", "Engagement"], dtype=object)
        values = record(("valence", "arousal", "dominance"), 7.0, 5.0, 6.0)
        common = (("body_bbox", np.array([2.0, 3.0, 20.0, 22.0])), ("gender", "Female"), ("age", "Adult"))
        if split == "train":
            more = (("annotations_categories", record(("categories",), names)), ("annotations_continuous", values))
        else:
            more = (("combined_categories", names), ("combined_continuous", values))
        person = record([n for n, _ in common + more], *[v for _, v in common + more])
        return record(("filename", "folder", "person"), name, "mscoco/images", person)

    (root / "Annotations").mkdir(parents=True)
    savemat(root / "Annotations/Annotations.mat", {s: entry(f"{s}.jpg", s) for s in ("train", "val", "test")})
    return root


def bold(root: Path) -> Path:
    rng = np.random.default_rng(0)
    (root / "annotations").mkdir(parents=True)
    for split, video in (("train", "003/IzvOYVMltkI.mp4/0114.mp4"), ("val", "003/a.mp4/0001.mp4")):
        shares = np.zeros(26)
        shares[_ORDER.index("anger")] = 0.8
        row = [video, 0, 5, 30, *shares, 4, 6, 5, "Male", "Adult", "White", 0.9]
        pd.DataFrame([row]).to_csv(root / "annotations" / f"{split}.csv", header=False, index=False)
        file = (root / "joints" / video).with_suffix(".npy")
        file.parent.mkdir(parents=True)
        frames = np.arange(0, 40)
        points = rng.uniform(10, 90, (40, 18, 3))
        points[..., 2] = 0.9
        np.save(file, np.column_stack([frames, np.zeros(40), points.reshape(40, 54)]))
    return root


def step_arrays(root: Path, name: str = "") -> Path:
    rng = np.random.default_rng(1)
    root.mkdir(parents=True)
    with h5py.File(root / f"features{name}.h5", "w") as f, h5py.File(root / f"labels{name}.h5", "w") as g:
        for i in range(4):
            f[f"{i:03}"] = rng.normal(0, 1, (40, 48))
            g[f"{i:03}"] = i
    return root


def egait(root: Path) -> Path:
    step_arrays(root)
    with h5py.File(root / "features_ELMD.h5", "w") as f, h5py.File(root / "labels_ELMD.h5", "w") as g:
        f["000"], g["000"] = np.zeros((20, 48)), 2
    with h5py.File(root / "featuresCVAEGCN_1_2000.h5", "w") as f:
        f["00003_Happy"] = np.ones((20, 48))
    return root


def visual_trees(root: Path) -> dict[str, Path]:
    """One tree a reader, by its name."""
    return {
        "caer-s": caer_s(root / "caer"), "raf-db": raf_db(root / "raf"), "affectnet": affectnet(root / "affectnet"),
        "emotic": emotic(root / "emotic-corpus"), "bold": bold(root / "bold"), "e-gait": egait(root / "egait"),
        "ewalk": step_arrays(root / "ewalk"), "groupwalk": step_arrays(root / "groupwalk"),
    }  # fmt: skip
