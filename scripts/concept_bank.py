"""Make the bank of word concepts that `affectlens explain` asks about utterances.

Usage: python scripts/concept_bank.py GOEMOTIONS_FOLDER OUT.safetensors
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from affectlens.audits.concepts.bank import ConceptBank
from affectlens.audits.concepts.cav.accuracy import held_out_accuracy
from affectlens.audits.concepts.cav.null import orders
from affectlens.audits.concepts.cav.space import Space, directions
from affectlens.audits.concepts.layers import read_layers
from affectlens.audits.concepts.library.base import find, supported
from affectlens.corpora.base import open_corpus
from affectlens.models.shipped.words import WordsModel, text_logits

LAYER, TEXTS, DRAWS, FEWEST = "layers.3", 4000, 999, 60


def main() -> None:
    """Directions from training texts, the concepts that the layer can tell, pseudo-concepts for the null."""
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    rng = np.random.default_rng(0)
    torch.set_num_threads(2)
    table = open_corpus("goemotions", source).table("train")
    table = table[table.text.str.len() > 8].sample(TEXTS, random_state=0).reset_index(drop=True)
    rows = pd.DataFrame({"key": table.key, "dialogue": table.key, "turn": 0, "speaker": "", "text": table.text})
    wanted = find(["words"])
    held, _ = supported(rows, wanted)
    held = {k: v for k, v in held.items() if np.nansum(v) >= FEWEST}
    model = WordsModel()
    ids = [model.tokens(t).ids for t in rows.text]
    read = read_layers(model.net, ids, [LAYER], batch_size=1, forward=text_logits)[LAYER]
    y = np.array(list(held.values()))
    space = Space.of(read.activations, read.activations[:4])
    found = space.expand(directions(space, y))
    dealt = orders(len(rows), DRAWS, rng)
    pseudo = space.expand(directions(space, np.array([y[0][o] for o in dealt])))
    accuracy = held_out_accuracy(space, y, dealt[:39])
    kept = [i for i in range(len(y)) if accuracy.p_value[i] <= 0.05 and accuracy.held_out[i] >= 0.6]
    names = [list(held)[i] for i in kept]
    about = {
        "layer": LAYER, "corpus": "GoEmotions, train", "texts": len(rows), "licence": "Apache-2.0 / CC BY 4.0",
        "examples": {n: int(np.nansum(held[n])) for n in names},
        "accuracy": {n: round(float(accuracy.held_out[i]), 3) for n, i in zip(names, kept, strict=True)},
    }  # fmt: skip
    ConceptBank(tuple(names), found[kept], pseudo, about).save(out)
    for n, i in zip(names, kept, strict=True):
        print(f"{n}: {about['examples'][n]} examples, balanced accuracy {accuracy.held_out[i]:.3f}")
    print("left out:", {n: round(float(accuracy.held_out[i]), 3) for i, n in enumerate(held) if i not in kept})


if __name__ == "__main__":
    main()
