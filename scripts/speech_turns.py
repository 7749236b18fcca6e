"""How the shipped kind of speech model does on corpora it never heard, by the number of turns known of a speaker.

    python scripts/speech_turns.py NAME=PATH NAME=PATH [...]

Clips are scaled as the main job scales turns: by the training corpora, then by up to that many turns of their speaker.
"""

import sys

import numpy as np
import torch

from affectlens.corpora.base import corpora_of
from affectlens.features.speech import as_recordings, speech_table
from affectlens.learning.trainers.speech import make_classifier
from affectlens.models.shipped.speech_scale import normalise, pooled
from affectlens.stats.classification import confusion, unweighted_recall

TURNS = (1, 2, 5, 10, 20)
SEEDS = 5


def main() -> None:
    torch.set_num_threads(1)
    t = speech_table(corpora_of(sys.argv[1:]))
    names = list(dict.fromkeys(t.corpus))
    recall: dict[int, list[float]] = {k: [] for k in TURNS}
    for seed in range(SEEDS):
        for name in names:
            train, test = np.flatnonzero(t.corpus != name), np.flatnonzero(t.corpus == name)
            z = normalise(t.features[train], t.corpus[train], t.speaker[train])
            model = make_classifier("semi-supervised", seed).fit(z, t.labels[train])
            scale = pooled(t.features[train], t.corpus[train])
            for k in TURNS:
                p = model.predict_proba(as_recordings(t.features, t.speaker, test, scale, seed, k))
                recall[k].append(unweighted_recall(confusion(t.labels[test], p.argmax(axis=1), 4)))
    for k, values in recall.items():
        by_corpus = np.reshape(values, (SEEDS, len(names))).mean(axis=0)
        print(
            f"{k} turns: UA {np.mean(values):.3f} ({', '.join(f'{n} {v:.3f}' for n, v in zip(names, by_corpus, strict=True))})"
        )


if __name__ == "__main__":
    main()
