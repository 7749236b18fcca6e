import numpy as np
import pytest

from affectlens.core.errors import ModelError
from affectlens.models.base import load_model
from affectlens.models.nets.names import KINDS
from affectlens.models.nets.speech import SpeechNet, SpeechNetConfig
from affectlens.models.shipped.speech_scale import (
    CLIP,
    Scale,
    against_own_clip,
    normalise,
    pooled,
    speakers_trusted,
    toward_own,
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_small(kind):
    assert sum(parameter.numel() for parameter in SpeechNet(SpeechNetConfig(kind=kind)).parameters()) <= 50_000
    with pytest.raises(ValueError, match="kind"):
        SpeechNet(SpeechNetConfig(kind="deep"))


def test_shrinkage_by_hand():
    z = np.array([[1.0], [3.0]])
    out = toward_own(z, shrink=2)  # weight 1/2: mean 2 -> 1, variance 1 -> 1
    np.testing.assert_allclose(out, [[0.0], [2.0]])
    np.testing.assert_allclose(toward_own(np.repeat(z, 10**5, axis=0))[:: 10**5].ravel(), [-1, 1], atol=1e-3)


def test_speakers_are_trusted_by_their_number_of_clips_alone():
    assert speakers_trusted(np.repeat(["a", "b"], 20)) and not speakers_trusted(np.repeat(["a", "b"], 19))
    assert not speakers_trusted(np.repeat(["a"], 50))
    # Many people with one emotion each: their own mean must not be taken away.
    x = np.concatenate([np.full((5, 1), float(i % 2)) for i in range(20)]) + np.random.default_rng(0).normal(0, 0.01, (100, 1))
    kept = normalise(x, np.full(100, "c"), np.repeat(np.arange(20).astype(str), 5))
    assert np.corrcoef(kept.ravel(), x.ravel())[0, 1] > 0.99


def test_normalising(rng):
    x = rng.normal(size=(200, 3)) * [1, 5, 9] + [0, 3, 100]
    corpus = np.repeat(["a", "b"], 100)
    x[100:] += 50
    speaker = np.repeat(["s", "t", "u", "v"], 50)
    z = normalise(x, corpus, speaker)
    for name in ("a", "b"):
        assert np.abs(z[corpus == name].mean(axis=0)).max() < 0.1 and np.abs(z).max() <= CLIP
    order = rng.permutation(200)
    np.testing.assert_allclose(normalise(x[order], corpus[order], speaker[order]), z[order])
    # One clip of a speaker: only the corpora's scale, never a division by nothing.
    scale = pooled(x, corpus)
    one = against_own_clip(x[:1], scale)
    np.testing.assert_allclose(one, np.clip(scale(x[:1]), -CLIP, CLIP))
    assert np.isfinite(normalise(np.ones((5, 2)), np.full(5, "c"), np.full(5, "s"))).all()
    np.testing.assert_allclose(Scale.of(x)(x).std(axis=0), 1)


def test_the_shipped_model(rng):
    model = load_model("speech")
    x = model.scale.mean + model.scale.deviation * rng.normal(size=(6, 88))
    z = model.normalise(x)
    logits = model.predict(z)
    assert logits.shape == (6, 4) and logits.dtype == np.float32
    np.testing.assert_allclose(np.concatenate([model.predict(z[i : i + 1]) for i in range(6)]), logits, atol=1e-5)
    near = model.neighbours(model.encode(z)[0], 5)
    distances = [neighbour.distance for neighbour in near]
    assert distances == sorted(distances) and near[0].corpus in model.meta["corpora"]
    assert model.decode(model.encode(z)).shape == (6, 88)
    with pytest.raises(ModelError, match="expected"):
        model.predict(x[:, :5])
    with pytest.raises(ModelError, match="not numbers"):
        model.predict(np.full((1, 88), np.nan))


def test_a_training_clip_sounds_like_itself():
    model = load_model("speech")
    own = model.neighbours(model._exemplars[7], 1)[0]
    assert own.distance < 1e-3 and own.key == model.meta["exemplars"][7][1]
