"""The contextual LSTM: padding and batches change nothing, context does; training is deterministic and honest."""

import numpy as np
import pytest
import torch
from benchmarks.planted_dialogues import dialogues

from affectlens.core.errors import UsageError
from affectlens.learning.recipes.bclstm import BcLstmRecipe
from affectlens.learning.trainers.bclstm import first_as_good, fit, pack, predict, scale_of
from affectlens.models.nets.bclstm import BcLstmConfig, BcLstmNet, Context, swapped
from affectlens.training.bclstm.carry_over import carry_over
from affectlens.training.bclstm.train import score


@pytest.fixture
def small():
    data, _ = dialogues(0, 12, turns=5)
    keep = np.ones(60, dtype=bool)
    keep[[4, 9, 13, 14, 57, 58, 59]] = False  # dialogues of different lengths
    return data.take(keep)


def _net(speakers=False, **more):
    torch.manual_seed(0)
    return BcLstmNet(BcLstmConfig({"text": 20, "audio": 10}, 2, hidden=8, dense=6, speakers=speakers, **more)).eval()


@pytest.mark.parametrize("speakers", [False, True])
def test_padding_and_batches_change_nothing(small, speakers):
    net = _net(speakers)
    whole = predict(net, pack(small, scale_of(small), 3.0))
    np.testing.assert_allclose(whole, predict(net, pack(small, scale_of(small), 3.0), batch=1), atol=1e-6)
    one = small.take(small.dialogues == "d002")
    rows = np.flatnonzero(small.dialogues == "d002")
    np.testing.assert_allclose(predict(net, pack(one, scale_of(small), 3.0)), whole[rows], atol=1e-6)


def test_context_reaches_neighbours_but_not_other_dialogues(small):
    net, scale = _net(), scale_of(small)
    moved = {modality: x.copy() for modality, x in small.features.items()}
    moved["text"][0] += 3
    from dataclasses import replace

    change = np.abs(predict(net, pack(replace(small, features=moved), scale, 9.0)) - predict(net, pack(small, scale, 9.0))).max(
        1
    )
    here = small.dialogues == small.dialogues[0]
    assert (change[here] > 1e-5).all() and (change[~here] < 1e-6).all()


def test_context_matches_torch_on_a_full_batch():
    torch.manual_seed(0)
    context = Context(4, 3, speakers=False).eval()
    x = torch.randn(2, 5, 4)
    np.testing.assert_allclose(context(x, torch.ones(2, 5, dtype=torch.bool)).detach(), context.lstm(x)[0].detach(), atol=1e-6)


def test_speaker_context_follows_the_speaker():
    torch.manual_seed(0)
    context = Context(4, 3, speakers=True).eval()
    x, mask = torch.randn(1, 4, 4), torch.ones(1, 4, dtype=torch.bool)
    speaker = torch.tensor([[0, 1, 0, 1]])
    own = (context(x, mask, speaker) - context.lstm(x)[0]).detach()
    np.testing.assert_allclose(own[:, [0, 2]], context.own(x[:, [0, 2]])[0].detach(), atol=1e-6)
    with pytest.raises(UsageError, match="speaker"):
        context(x, mask)


def test_one_modality_has_no_second_level():
    net = BcLstmNet(BcLstmConfig({"text": 4}, 2))
    assert not net.joined and not any(n.startswith("context") for n, _ in net.named_parameters())


def test_net_errors(small):
    net = _net()
    with pytest.raises(UsageError, match="no audio features"):
        net({"text": torch.zeros(1, 2, 20)}, torch.ones(1, 2, dtype=torch.bool))
    with pytest.raises(UsageError, match="7 wide"):
        net({"text": torch.zeros(1, 2, 7), "audio": torch.zeros(1, 2, 10)}, torch.ones(1, 2, dtype=torch.bool))
    with pytest.raises(UsageError, match="anchor"):
        BcLstmNet(BcLstmConfig({"text": 4}, 2, anchor="video"))
    with pytest.raises(UsageError, match="another width"):
        pack(small, {"text": (np.zeros(3), np.ones(3)), "audio": (np.zeros(10), np.ones(10))}, 3.0)


def test_swapping_is_at_the_rate_and_among_real_utterances():
    torch.manual_seed(0)
    x = torch.arange(1, 4001, dtype=torch.float32).view(40, 100, 1)
    mask = torch.ones(40, 100, dtype=torch.bool)
    mask[:, 90:] = False
    x[~mask] = 0
    out = swapped(x, mask, 0.3)
    assert (out[mask] != x[mask]).float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert (out[mask] > 0).all() and (out[~mask] == 0).all()


def test_training_learns_and_repeats(small):
    data, _ = dialogues(1, 40)
    test, _ = dialogues(2, 20)
    scale = scale_of(data)
    config = BcLstmConfig({"text": 20, "audio": 10}, 2, hidden=8, dense=8, anchor="text")
    recipe = BcLstmRecipe(epochs=8, patience=3, rate=1e-2)
    net, epochs = fit(pack(data, scale, 3.0), config, recipe)
    again, _ = fit(pack(data, scale, 3.0), config, recipe)
    logits = predict(net, pack(test, scale, 3.0))
    np.testing.assert_array_equal(logits, predict(again, pack(test, scale, 3.0)))
    assert 1 <= epochs <= 8
    assert (logits.argmax(1) == test.labels).mean() > 0.8


def test_first_as_good_by_hand():
    losses = np.array([[5.0, 5, 5, 5], [1.1, 1.0, 1.2, 0.9], [1.0, 1.1, 1.0, 1.0], [2, 2, 2, 2]])
    assert first_as_good(losses) == 1
    assert first_as_good(losses[[0, 2]]) == 1


def test_carry_over_sees_features_that_gave_the_answer_away(rng):
    data, _ = dialogues(3, 60)
    y = data.labels
    from dataclasses import replace

    told = np.column_stack([y * 2.0 - 1 + 0.1 * rng.normal(size=len(y))] + [rng.normal(size=len(y))] * 2)
    target = {"told": rng.normal(size=(500, 3)) * 0.5}
    found = carry_over(replace(data, features={"told": told.astype(np.float32)}), target)["told"]
    assert found.held_out > 0.97 and found.expected < 0.75 and found.swap > 0.5
    same = carry_over(replace(data, features={"told": told.astype(np.float32)}), {"told": told})["told"]
    assert same.swap <= 0.15
    with pytest.raises(UsageError, match="3 wide"):
        carry_over(replace(data, features={"told": told}), {"told": np.zeros((4, 2))})


def test_scores_by_hand():
    import pandas as pd

    frame = pd.DataFrame(
        {"fold": "test", "seed": [0] * 4 + [1] * 4, "epochs": 3, "key": list("abcd") * 2, "dialogue": list("xxyy") * 2,
         "truth": [0, 0, 1, 1] * 2, "answer": [0, 1, 1, 1, 0, 0, 1, 1]}
    )  # fmt: skip
    s = score(frame, ("no", "yes"), np.random.default_rng(0)).set_index("seed")
    assert s.accuracy["0"] == 0.75 and s.accuracy["1"] == 1 and s.accuracy["mean"] == 0.875
    assert s.accuracy["deviation"] == 0.125
    assert s["weighted_f1"]["0"] == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_mosi_text_beats_its_target(shared):
    from affectlens.corpora.dialogues.base import open_dialogues
    from affectlens.training.bclstm.train import config_of

    corpus = open_dialogues("mosi-features", shared / "utterance" / "mosi_bclstm.npz")
    train, test = (corpus.dialogues(s).with_modalities(("text",)) for s in ("train", "test"))
    config = config_of(train, carry_over(train, test.features), False)
    assert 0.3 < config.swap["text"] < 0.7
    scale = scale_of(train)
    net, _ = fit(pack(train, scale, 3.0), config, BcLstmRecipe(seed=3))
    assert (predict(net, pack(test, scale, 3.0)).argmax(1) == test.labels).mean() > 0.77


def test_an_utterance_is_standardised_and_clipped(bclstm_file):
    from affectlens.core.errors import ModelError
    from affectlens.corpora.base import Item
    from affectlens.models.open import open_model

    model = open_model("bclstm", weights=bclstm_file)
    features = {"text": np.array([1.0, -2.0, 9.0, 0.0]), "audio": np.array([1.0, 5.0, -99.0])}
    meta = {"dialogue": "d", "speaker": "s", "features": features}
    for item in (Item("k", features, ("positive",), meta=meta), Item("k", "a text", ("positive",), meta=meta)):
        read = model.read(item)
        np.testing.assert_array_equal(read["text"], [1, -2, 3, 0])
        np.testing.assert_array_equal(read["audio"], [0, 2, -3])
        assert read["dialogue"] == "d" and read["speaker"] == "s"
    with pytest.raises(ModelError, match=r"audio features \(2,\); \(3,\) were expected"):
        model.read(features | {"audio": np.zeros(2)})
    with pytest.raises(ModelError, match="features of audio, text were expected, a str"):
        model.read("a text")
