"""The shipped bank of word concepts, and the narrative's clause."""

import numpy as np
import pytest

from affectlens.audits.concepts.bank import ConceptBank
from affectlens.audits.concepts.layers import read_layers
from affectlens.audits.concepts.library.base import words_held
from affectlens.core.errors import ModelError
from affectlens.models.shipped.words import text_logits
from affectlens.models.weights import weights_path
from affectlens.stats.multiple import holm
from tests.conftest import asset_path


def test_saved_and_loaded(tmp_path, rng):
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)  # noqa: E731
    bank = ConceptBank(("a", "b"), unit(rng.normal(size=(2, 64))), unit(rng.normal(size=(199, 64))), {"layer": "l"})
    bank.save(tmp_path / "b.safetensors")
    again = ConceptBank.load(tmp_path / "b.safetensors")
    np.testing.assert_allclose(again.directions, bank.directions, atol=1e-3)
    found, p = again.sensitivity(bank.directions[1] * 7)
    assert found[1] == pytest.approx(1, abs=1e-3) and p[1] == pytest.approx(2 / 200) and p[0] > 0.05
    assert (again.sensitivity(np.zeros(64))[1] == 1).all()
    (tmp_path / "c.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="bank of concepts"):
        ConceptBank.load(tmp_path / "c.safetensors")


def test_level_of_the_shared_null(rng):
    """Directions of random sets of another size than the null's are rejected at the level."""
    pool = rng.normal(size=(300, 40)) @ rng.normal(size=(40, 40))

    def direction(size):
        y = np.zeros(300, dtype=bool)
        y[rng.choice(300, size, replace=False)] = True
        v = pool[y].mean(0) - pool[~y].mean(0)
        return v / np.linalg.norm(v)

    null = np.array([direction(100) for _ in range(199)])
    bank = ConceptBank(tuple(str(i) for i in range(400)), np.array([direction(12) for _ in range(400)]), null, {"layer": "l"})
    g = rng.normal(size=40)
    found = np.abs(bank.directions @ g / np.linalg.norm(g))
    raw = (1 + (np.abs(null @ g / np.linalg.norm(g))[None] >= found[:, None]).sum(1)) / 200
    assert 0.015 <= (raw <= 0.05).mean() <= 0.1


def test_shipped_bank_speaks_sense():
    asset_path("minilm")
    from affectlens.models.shipped.words import WordsModel

    bank, model = ConceptBank.load(weights_path("concepts-words")), WordsModel()
    assert words_held("What a great day!", bank.names)["positive words"]
    at = bank.names.index("positive words")

    def cosine(text, label):
        read = read_layers(model.net, [model.tokens(text).ids], [bank.layer], [model.labels.index(label)], forward=text_logits)
        return bank.sensitivity(read[bank.layer].gradients[0, 0], np.array([at]))

    found, p = cosine("That is a really lovely day", "happiness")
    assert found[0] > 0 and p[0] <= 0.05
    assert cosine("That is a really lovely day", "anger")[0][0] < 0


def test_a_bank_asks_about_some_concepts(tmp_path, rng):
    vectors = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    null = rng.normal(size=(39, 6))
    null /= np.linalg.norm(null, axis=1, keepdims=True)
    bank = ConceptBank(("a", "b", "c"), vectors[:3], null, {"layer": "dense", "corpus": "made"})
    gradient = 2 * vectors[1] + vectors[2]
    cosines, p = bank.sensitivity(gradient, np.array([1, 2]))
    np.testing.assert_allclose(cosines, np.array([2, 1]) / np.sqrt(5))
    by_chance = np.abs(null @ gradient / np.linalg.norm(gradient))
    raw = np.array([(1 + (by_chance >= c).sum()) / 40 for c in cosines])
    np.testing.assert_allclose(p, holm(raw))
    assert bank.sensitivity(-gradient[None])[0].tolist() == pytest.approx([0, -2 / np.sqrt(5), -1 / np.sqrt(5)], abs=1e-9)
    none, sure = bank.sensitivity(np.zeros(6), np.array([0]))
    assert none.tolist() == [0] and sure.tolist() == [1] and bank.layer == "dense"
    bank.save(tmp_path / "b.safetensors")
    again = ConceptBank.load(tmp_path / "b.safetensors")
    assert again.names == bank.names and again.about == bank.about
    np.testing.assert_allclose(np.linalg.norm(again.null, axis=1), 1)
