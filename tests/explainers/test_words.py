import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

from affectlens.explainers.words import MASK_ID, attribute_words, integrated_gradients, words_of
from tests.conftest import asset_path

TEXT = "I am so happy that you came, thank you!"


@pytest.fixture(scope="module")
def model():
    asset_path("minilm")
    from affectlens.models.base import load_model

    return load_model("words")


def test_gradients_equal_captum(model):
    ids = model.tokens(TEXT).ids
    ours, gap = integrated_gradients(model, ids, 3, steps=24)
    row = torch.tensor([ids])
    blank = row.clone()
    blank[0, 1:-1] = MASK_ID
    mask = torch.ones_like(row)
    peer = IntegratedGradients(lambda e: model.net.forward_embedded(e, mask.expand(len(e), -1)))
    theirs = peer.attribute(
        model.net.embed(row),
        baselines=model.net.embed(blank),
        target=3,
        n_steps=24,
        method="gausslegendre",
        internal_batch_size=8,
    )
    np.testing.assert_allclose(ours, theirs.sum(-1)[0].detach().numpy(), atol=1e-4)
    assert gap < 0.05


def test_words_get_the_sum_of_their_tokens(model):
    tokens = model.tokens(TEXT)
    words = words_of(tokens.spans, TEXT)
    assert [w for w, _ in words] == TEXT.split()
    assert sorted(i for _, members in words for i in members) == list(range(1, len(tokens.ids) - 1))
    found = attribute_words(model, TEXT, "happiness")
    assert len(found.gradients) == len(found.left_out) == len(TEXT.split())
    assert found.words[int(np.argmax(found.gradients))] in {"happy", "thank", "so", "you!"}


def test_emoji_point_back_to_the_text(model):
    text = "what 😂 yes"
    words = words_of(model.tokens(text).spans, text)
    assert [w for w, _ in words] == ["what", "😂", "yes"]
    assert len(dict(words)["😂"]) >= 3  # face with tears of joy


def test_parameters_are_left_alone(model):
    before = [p.grad for p in model.net.parameters()]
    attribute_words(model, TEXT, "anger")
    assert [p.grad for p in model.net.parameters()] == before


def test_weight_randomisation_changes_the_words(model):
    import copy

    ids = model.tokens(TEXT).ids
    before, _ = integrated_gradients(model, ids, 3)
    other = copy.copy(model)
    other.net = copy.deepcopy(model.net)
    torch.manual_seed(1)
    for p in other.net.parameters():
        if p.ndim > 1:
            torch.nn.init.normal_(p, std=0.05)
    after, _ = integrated_gradients(other, ids, 3)
    assert abs(np.corrcoef(before[1:-1], after[1:-1])[0, 1]) < 0.7
