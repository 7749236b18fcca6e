"""Small networks and pictures whose answer one thing decides: red squares make fear, blue ones joy."""

import numpy as np
import torch
from torch import nn

from affectlens.models.adapters import TorchModel
from affectlens.models.adapters.pictures import picture_network

LABELS = ("fear", "joy")
COLOURS = {"red": (230, 20, 20), "blue": (20, 20, 230), "green": (20, 200, 20)}


class Redness(nn.Module):
    """How much redder than blue the picture is, cell by cell; the mean of the cells answers."""

    def __init__(self):
        super().__init__()
        self.cells = nn.Conv2d(3, 2, 4, 4, bias=False)
        self.relu, self.head = nn.ReLU(), nn.Linear(2, 2)
        with torch.no_grad():
            self.cells.weight.zero_()
            self.cells.weight[0, 0], self.cells.weight[0, 1], self.cells.weight[0, 2] = 1 / 16, -0.5 / 16, -1 / 16
            self.cells.weight[1, 2], self.cells.weight[1, 1], self.cells.weight[1, 0] = 1 / 16, -0.5 / 16, -1 / 16
            self.head.weight.copy_(torch.eye(2) * 60)
            self.head.bias.zero_()

    def forward(self, x):
        return self.head(self.relu(self.cells(x)).mean(dim=(2, 3)))


def redness() -> TorchModel:
    return picture_network(Redness().eval(), LABELS, name="redness", size=32, layer="relu", scores="softmax")


def scene(rng, things, size=(96, 128)):
    """Grey noise with coloured squares: the picture and their boxes."""
    picture = rng.normal(128, 12, (*size, 3)).clip(0, 255).astype(np.uint8)
    boxes = []
    for name in things:
        side = int(rng.integers(20, 30))
        x, y = int(rng.integers(0, size[1] - side)), int(rng.integers(0, size[0] - side))
        picture[y : y + side, x : x + side] = COLOURS[name]
        boxes.append((name, 1.0, (x, y, x + side, y + side)))
    return picture, boxes


def write_folder(folder, count, rng):
    """Pictures with a table of their boxes and one of labels; even ones are red and fearful, odd ones blue and joyful."""
    import json

    from PIL import Image

    images, annotations, labels = [], [], ["file,label"]
    names = list(COLOURS)
    for i in range(count):
        picture, boxes = scene(rng, [("red", "blue")[i % 2], "green"])
        Image.fromarray(picture).save(folder / f"{i:03d}.png")
        images.append({"id": i, "file_name": f"{i:03d}.png"})
        annotations += [
            {"image_id": i, "category_id": names.index(n), "bbox": [b[0], b[1], b[2] - b[0], b[3] - b[1]], "score": s}
            for n, s, b in boxes
        ]
        labels.append(f"{i:03d}.png,{LABELS[i % 2]}")
    categories = [{"id": i, "name": n} for i, n in enumerate(names)]
    table = folder.parent / "boxes.json"
    table.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    (folder.parent / "labels.csv").write_text("\n".join(labels))
    return table, folder.parent / "labels.csv"


def by_redness(batch):
    """A black box: how red or blue the whole picture is."""
    gap = np.array([(x[..., 0].astype(float) - x[..., 2]).mean() for x in batch]) * 0.3
    p = 1 / (1 + np.exp(-gap))
    return np.stack([p, 1 - p], axis=1)


by_redness.labels = LABELS
