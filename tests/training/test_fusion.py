from dataclasses import replace

import numpy as np
import pytest

from affectlens.core.errors import CorpusError, UsageError
from affectlens.evaluation.ablation import ablate
from affectlens.features.banks import Fold, banks_as_arrays, banks_of_arrays, crossfit, held_out
from affectlens.learning.recipes.fusion import FusionRecipe
from affectlens.learning.trainers.fusion import Bank, Fusions, pair, subsets, train_fusion
from affectlens.models.base import Calibration
from affectlens.training.fusion.joint import joint_banks
from affectlens.training.fusion.train import banks_for
from tests.corpora.visual_trees import caer_s

QUICK = FusionRecipe(epochs=3, cases=512)


def bank(seed, signal, n=240, size=5, groups=24):
    """Features that tell the class by ``signal`` standard deviations, and answers that a fitted network would give."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 4
    deep = rng.normal(0, 1, (n, size)).astype(np.float32)
    deep[np.arange(n), y] += signal
    logits = signal * deep[:, :4]
    return Bank(deep, logits, y, np.array([f"g{i}" for i in rng.integers(0, groups, n)], dtype=object), Calibration())


@pytest.fixture
def banks():
    return {"face": bank(0, 1.5), "voice": bank(1, 0.8), "gait": bank(2, 1.0)}


def test_pairs_share_their_label(banks, rng):
    y, rows = pair(banks, 4, 401, rng)
    assert np.bincount(y).tolist() == [101, 100, 100, 100]
    for name, at in rows.items():
        np.testing.assert_array_equal(banks[name].labels[at], y)


def test_posture_is_of_the_recording_whose_gait_was_drawn(rng):
    gait = bank(3, 1.0)
    groups = np.array([f"{c}{i // 4 % 5}" for i, c in enumerate(gait.labels)], dtype=object)
    pools = {"gait": Bank(gait.deep, gait.logits, gait.labels, groups, Calibration()),
             "posture": Bank(gait.deep, gait.logits, gait.labels, groups, Calibration())}  # fmt: skip
    _, rows = pair(pools, 4, 200, rng)
    assert (groups[rows["gait"]] == groups[rows["posture"]]).all()


def test_joint_cases_are_the_same_rows(banks, rng):
    _, rows = pair(banks, 4, 50, rng, joint=True)
    assert len({tuple(r) for r in rows.values()}) == 1


def test_pool_and_product_by_hand(banks):
    every = Fusions({}, banks, 4)
    rows = {name: np.array([3]) for name in banks}
    p = every.probabilities("product", ("face", "voice"), rows)[0]
    a, b = (np.exp(banks[n].answers[3]) for n in ("face", "voice"))
    np.testing.assert_allclose(p, a * b / (a * b).sum(), rtol=1e-5)
    q = every.probabilities("pool", ("face", "voice"), rows)[0]
    np.testing.assert_allclose(q, np.sqrt(a * b) / np.sqrt(a * b).sum(), rtol=1e-5)  # equal reliabilities


def test_same_seed_same_network(banks):
    one, two = (train_fusion(banks, 4, "early", QUICK) for _ in range(2))
    assert all((a == b).all() for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))


def test_ablation_of_planted_modules_ranks_them():
    def make(fold):
        return {name: (bank(10 + fold.part, s), bank(20 + fold.part, s)) for name, s in (("face", 1.6), ("voice", 0.5))}

    found = ablate(make, QUICK, folds=2, draws=20)
    recall = found.scores[found.scores.fusion == "early"].set_index("modules").mean_recall
    assert recall["face"] > recall["voice"] + 0.1 and recall["face + voice"] > recall["voice"]
    assert (found.scores.low <= found.scores.high).all() and len(found.scores) == 4 * 3
    assert found.against.p_value.between(1 / 21, 1).all()


def test_crossfit_reads_items_with_networks_that_did_not_see_them():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (120, 3))
    groups = np.repeat(np.arange(12), 10).astype(object)
    labels = np.arange(120) % 4
    seen = []

    def fit(rows):
        turn = np.linalg.qr(rng.normal(0, 1, (3, 3)))[0]
        seen.append(set(groups[rows]))
        return turn, set(rows)

    def read(network, rows):
        turn, learned = network
        if learned:
            assert not (set(rows) & learned) or set(rows) <= learned
        return x[rows] @ turn, np.eye(4)[labels[rows]]

    made = crossfit(labels, groups, groups, fit, read, (np.eye(3), set()), 0)
    # Every network turns its features in its own way; the map brings them back to the reference.
    np.testing.assert_allclose(made.deep, x, atol=0.15)
    assert len(seen) == 3 and all(len(s) == 8 for s in seen)


def test_folds_keep_groups_whole_and_hold_everybody_once(banks):
    b = banks["face"]
    masks = np.array([held_out(b.labels, b.groups, Fold(k, 3)) for k in range(3)])
    assert (masks.sum(0) == 1).all()
    for mask in masks:
        assert not set(b.groups[mask]) & set(b.groups[~mask])
    assert not held_out(b.labels, b.groups, Fold(None, 3)).any()


def test_banks_come_back_from_arrays(banks):
    calibrated = replace(banks["face"], calibration=Calibration(1.5, 0.8, 0.9, 0.3, (0.1, 0.2, 0.3, 0.4)))
    pairs = {"face": (calibrated, banks["voice"]), "gait": (banks["gait"], None)}
    back = banks_of_arrays(banks_as_arrays(pairs))
    assert list(back) == ["face", "gait"] and back["gait"][1] is None
    for (a, b), (c, d) in zip(pairs.values(), back.values(), strict=True):
        for one, other in ((a, c), (b, d)):
            if one is not None:
                assert other.calibration == one.calibration
                for field in ("deep", "logits", "labels", "groups"):
                    np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


def test_subsets_come_small_ones_first():
    assert subsets(("a", "b")) == [("a",), ("b",), ("a", "b")]


def test_corpora_that_cannot_be_fused_are_refused(tmp_path, shared):
    tree = caer_s(tmp_path / "caer")
    faces = shared / "face" / "fer2013.parquet"
    with pytest.raises(UsageError, match="alone"):
        banks_for({"caer-s": tree, "fer2013": faces})
    with pytest.raises(UsageError, match="at least two modules"):
        banks_for({"fer2013": faces})


def test_joint_corpora_give_the_same_rows_to_every_module(tmp_path):
    tree = caer_s(tmp_path / "caer")
    from affectlens.corpora.base import open_corpus
    from tests.corpora.visual_trees import picture

    for name in ("Anger", "Happy", "Neutral", "Sad"):
        for i in range(12):
            picture(tree / "train" / name / f"{i:04}.png", 100 + i)

    class Modules:
        """Stands for networks over pictures, which have nothing to see in a grey one."""

        def __init__(self):
            self.rng = np.random.default_rng(0)

        def __call__(self, item):
            at = ("anger", "happiness", "neutral", "sadness").index(item.labels[0])
            return {m: self.rng.normal(0, 1, 6) + np.eye(6)[at] * s
                    for m, s in (("face", 2.0), ("posture", 1.0), ("background", 0.5))}  # fmt: skip

    banks = joint_banks("caer-s", tree, Fold(0, 3), modules=Modules())
    (a, at), (b, bt) = banks["face"], banks["background"]
    np.testing.assert_array_equal(a.labels, b.labels)
    np.testing.assert_array_equal(at.groups, bt.groups)
    assert not set(a.groups) & set(at.groups)
    assert len(open_corpus("caer-s", tree).table("train")) == len(a.labels) + len(at.labels)
    with pytest.raises(CorpusError, match="at least 6 of every class"):
        joint_banks("caer-s", caer_s(tmp_path / "few"), Fold(0, 3), modules=Modules())
