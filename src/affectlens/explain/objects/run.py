"""One pass over a corpus: maps of a white box joined with what lies in each picture; rows are kept, so that a run can go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from affectlens.assets.store import locate
from affectlens.errors import ModelError, UsageError, unknown
from affectlens.explain.cam import METHODS, CamEngine, upsample
from affectlens.explain.objects.joint import COLUMNS, boxes_to_masks, image_rows
from affectlens.media.images import SUFFIXES, read_image
from affectlens.perception.crops import REGIONS, crop_matrix, region_map

Told = Callable[[str, int, int], None]
KEPT = 200  # pictures after which rows are written


class Pictures:
    """Pictures with their emotion (told by a label, else by the model), and what is in them.

    ``face`` reads a corpus of faces, whose objects are regions of the face; ``emonet`` any folder of pictures, whose objects
    are detected (COCO).
    """

    def __init__(self, model: str, path: Path, weights: Path | None = None, corpus: str = "", split: str = "test") -> None:
        self.kind = model
        if model == "face":
            from affectlens.corpora.base import open_corpus
            from affectlens.explain.properties.face import FaceViewer
            from affectlens.models.base import load_model

            self.model, self._viewer = load_model("face"), FaceViewer()
            source = open_corpus(corpus, path)
            self._items = [(i.key, i.data, i.labels[0]) for i in source.items(split) if i.data is not None]
        elif model == "emonet":
            from affectlens.models.emonet import EmoNetModel
            from affectlens.perception.objects import object_detector

            if weights is None:
                raise UsageError("--model emonet needs --weights EmoNet.pt; the authors offer them")
            self.model = EmoNetModel(weights)
            self._find = object_detector(locate("efficientdet-lite0"))
            files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            self._items = [(str(p.relative_to(path)), p, "") for p in files]
        else:
            raise UsageError(f"--model {model}: face or emonet was expected")
        if not self._items:
            raise UsageError(f"{path}: no picture found")

    def __len__(self) -> int:
        return len(self._items)

    def key(self, i: int) -> str:
        """The name of a picture."""
        return str(self._items[i][0])

    def read(self, i: int) -> tuple[np.ndarray, np.ndarray, str, dict[str, np.ndarray]]:
        """What the network sees, the picture, the label (empty where none is told), and a mask an object class."""
        _, held, label = self._items[i]
        if self.kind == "face":
            view = self._viewer(held)
            if view is None:
                raise ModelError("no face found")
            regions = cv2.warpAffine(
                region_map(view.marks, 160).astype(np.uint8), crop_matrix(view.marks, 160), view.picture.shape[1::-1],
                flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, borderValue=REGIONS.index("outside the face"),
            )  # fmt: skip
            small = cv2.resize(regions, held.shape[1::-1], interpolation=cv2.INTER_NEAREST)
            return held, held, label, {name: small == n for n, name in enumerate(REGIONS)}
        picture = read_image(held)
        things = [(t.name, t.box) for t in self._find(picture)]
        return self.model.prepare(picture), picture, label, boxes_to_masks(things, picture.shape[:2])


def collect(
    pictures: Pictures, methods: tuple[str, ...], out: Path, rng: np.random.Generator, sample: int = 0, told: Told | None = None
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, dict[str, str]]:
    """Rows by method, all images with their emotions, and what could not be read and why. Rows lie in ``out/rows.parquet`` and
    a run that was broken off goes on after them."""
    for method in methods:
        if method not in METHODS:
            raise unknown("map", method, list(METHODS))
    out.mkdir(parents=True, exist_ok=True)
    file = out / "rows.parquet"
    held = pd.read_parquet(file) if file.exists() else pd.DataFrame(columns=[*COLUMNS, "method"])
    seen = out / "images.csv"
    images = (
        pd.read_csv(seen, dtype=str, keep_default_na=False)
        if seen.exists()
        else pd.DataFrame(columns=["image", "emotion", "why"])
    )
    engine = CamEngine(pictures.model, pictures.model.cam_layer)
    order = np.sort(rng.permutation(len(pictures))[: sample or None])
    done = set(images.image)
    new_rows: list[dict[str, Any]] = []
    new_images: list[dict[str, str]] = []

    def keep() -> None:
        nonlocal held, images
        if new_rows:
            held = pd.concat([held, pd.DataFrame(new_rows)], ignore_index=True) if len(held) else pd.DataFrame(new_rows)
        images = pd.concat([images, pd.DataFrame(new_images)], ignore_index=True)
        held.to_parquet(file)
        images.to_csv(seen, index=False)
        new_rows.clear()
        new_images.clear()

    for k, i in enumerate(order):
        key = pictures.key(int(i))
        if key in done:
            continue
        try:
            x, picture, label, masks = pictures.read(int(i))
            batch = np.array(x)[None]
            logits = pictures.model.predict(batch)
            emotion = label or pictures.model.labels[int(logits.argmax())]
            mine: list[dict[str, Any]] = []
            for method in methods:
                cam = engine(batch, method, [emotion]).maps[0, 0]
                wide = upsample(cam, picture.shape[:2])
                mine += [r | {"method": method} for r in image_rows(key, emotion, wide, masks, rng)]
            new_rows += mine
            new_images.append({"image": key, "emotion": emotion, "why": ""})
        except Exception as error:  # a broken picture among many is named, the others go on
            new_images.append({"image": key, "emotion": "", "why": str(error)[:200]})
        if len(new_images) >= KEPT:
            keep()
        if told:
            told("pictures", k + 1, len(order))
    keep()
    missed = {r["image"]: r["why"] for r in images[images.why != ""].to_dict("records")}
    good = images[images.why == ""][["image", "emotion"]].reset_index(drop=True)
    return {m: held[held.method == m] for m in methods}, good, missed
