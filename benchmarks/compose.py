"""`python -m benchmarks.compose PHOTOGRAPHS OUT`: a corpus of composed scenes in CAER-S's layout, with the true boxes.

A bird makes the label fear, a car happiness, neither neutral; other things are put in at random. It shows that an audit finds
what decides; it says nothing of anybody's emotion.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.planted_objects import KINDS, composed, photographs

CLASSES = {"bird": "Fear", "car": "Happy", "": "Neutral"}


def main(source: Path, out: Path, learn: int = 700, look: int = 250) -> None:
    """Write ``train/`` and ``test/`` and ``boxes.json`` of both."""
    grounds, cuts = photographs(source)
    images, annotations = [], []
    for split, count, seed in (("train", learn, 1), ("test", look, 2)):
        for n, (picture, things) in enumerate(composed(grounds, cuts, count, np.random.default_rng(seed))):
            deciding = [t.name for t in things if t.name in CLASSES]
            if len(deciding) > 1:
                continue
            name = f"{split}/{CLASSES[deciding[0] if deciding else '']}/{n:04d}.jpg"
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(out / name, quality=92)
            images.append({"id": len(images), "file_name": name})
            annotations += [
                {"image_id": len(images) - 1, "category_id": KINDS.index(t.name),
                 "bbox": [t.box[0], t.box[1], t.box[2] - t.box[0], t.box[3] - t.box[1]]} for t in things
            ]  # fmt: skip
    categories = [{"id": i, "name": k} for i, k in enumerate(KINDS)]
    held = {"images": images, "annotations": annotations, "categories": categories}
    (out / "boxes.json").write_text(json.dumps(held), encoding="utf-8")
    print(f"{len(images)} pictures and {len(annotations)} boxes in {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
