"""The face model on FER2013's test pictures that are not byte for byte in its training split.

Usage: python scripts/fer_without_copies.py FER2013.parquet
"""

import sys
from pathlib import Path

import numpy as np

from affectlens.corpora.base import open_corpus
from affectlens.models.base import load_model
from affectlens.stats.resample import bootstrap

corpus, model = open_corpus("fer2013", Path(sys.argv[1])), load_model("face")
train = {item.data.tobytes() for item in corpus.items("train")}
items = list(corpus.items("test"))
predicted = model.predict(np.stack([i.data for i in items])).argmax(axis=1)
right = np.array([model.labels[p] == i.labels[0] for p, i in zip(predicted, items, strict=True)])
copies = np.array([i.data.tobytes() in train for i in items])
for name, rows in (("all", np.ones(len(items), bool)), ("copies of training pictures", copies), ("no copies", ~copies)):
    mine = right[rows]
    e = bootstrap(lambda r, mine=mine: float(mine[r].mean()), len(mine), np.random.default_rng(0))
    print(f"{name}: {len(mine)} pictures, accuracy {e}")
