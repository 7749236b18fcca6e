"""A corpus is scaled as a whole, and by its speakers where they have clips enough."""

import numpy as np
import pandas as pd

from affectlens.corpora.base import CorpusInfo, Item
from affectlens.evaluation.speech import predict_speech
from affectlens.models.open import open_model
from affectlens.models.readers import functionals_of
from affectlens.models.shipped.speech_scale import normalise


class TwoSpeakers:
    """Twenty short clips of each of two speakers, one of them deep, and one clip that is too short."""

    info = CorpusInfo("two", "Two", "voice", "none", "none", "none", ("four",))

    def __init__(self):
        rng, t = np.random.default_rng(0), np.arange(4000) / 16000
        self.clips = [
            (0.2 * np.sin(2 * np.pi * (f + 2 * k) * t) + 0.01 * rng.normal(size=4000)).astype(np.float32)
            for f in (110, 220) for k in range(20)
        ]  # fmt: skip
        self.clips.append(np.zeros(800, np.float32))
        self.rows = pd.DataFrame(
            {"key": [f"k{i}" for i in range(41)], "label": "anger", "speaker": ["deep"] * 20 + ["high"] * 21}
        )

    def table(self, split):
        return self.rows

    def items(self, split):
        return (Item(r.key, clip, (r.label,), r.speaker) for r, clip in zip(self.rows.itertuples(), self.clips, strict=True))


def test_speakers_are_scaled_by_themselves():
    corpus, model = TwoSpeakers(), open_model("speech")
    found = predict_speech(model, "two", corpus)
    x = np.stack([functionals_of(clip) for clip in corpus.clips[:40]])
    name, speaker = np.full(40, "two"), np.repeat(["deep", "high"], 20)
    np.testing.assert_allclose(found.probabilities[:40], model.probabilities(normalise(x, name, speaker)))
    assert np.abs(found.probabilities[:40] - model.probabilities(normalise(x, name, np.full(40, "one")))).max() > 0.01
    assert list(found.missed) == ["k40"] and "50 ms long" in found.missed["k40"]
