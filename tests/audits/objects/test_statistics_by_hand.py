"""Statistics of objects from rows by hand: against exact permutations, reference libraries and sums on paper."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, spearmanr, ttest_ind

from affectlens.audits.objects import statistics as module
from affectlens.audits.objects.settings import PRESETS, Thresholds
from affectlens.audits.objects.statistics import above, agreement, associations, combine, own, shown
from affectlens.explainers.overlap import SMALL
from affectlens.stats.resolution import Resolution


def rows_of(shares, emotion="joy", thing="cup", areas=0.25, moved=0.0, places=None, seed=0):
    """One row a picture with that share of relevance; maps and masks are random."""
    rng = np.random.default_rng(seed)
    n = len(shares)
    drawn = places if places is not None else np.zeros((n, 40))
    return pd.DataFrame({
        "image": [f"i{k}" for k in range(n)], "emotion": emotion, "object": thing, "score": 0.9, "relevance": np.asarray(shares, float),
        "area": areas, "mean": 0.5, "importance": 0.6, "moved": moved, "placed": [d.astype(np.float32).tobytes() for d in drawn],
        "map": [rng.random((SMALL, SMALL)).astype(np.float16).tobytes() for _ in range(n)],
        "mask": [rng.random((SMALL, SMALL)).astype(np.float16).tobytes() for _ in range(n)],
    })  # fmt: skip


def images_of(n, emotion="joy", probability=None):
    made = pd.DataFrame({"image": [f"i{k}" for k in range(n)], "emotion": emotion})
    return made if probability is None else made.assign(probability=probability)


def test_what_reaches_a_threshold_passes_it():
    rows = rows_of([0.1] * 4).assign(score=[0.3, 0.29, 0.5, 0.5], importance=[0.5, 0.9, 0.49, 0.5])
    kept, sure = above(rows, images_of(4, probability=[0.5, 0.9, 0.9, 0.4]), Thresholds(0.3, 0.5, 0.5))
    assert kept.image.tolist() == ["i0"] and sure.image.tolist() == ["i0", "i1", "i2"]
    assert PRESETS["emocam"] == Thresholds(0.3, 0.0, pytest.approx(1 / 3)) and PRESETS["none"] == Thresholds(0, 0, 0)
    every, images = above(rows, images_of(4), Thresholds(sure=0.9))  # nothing is known of the answers
    assert len(every) == len(images) == 4


def test_five_pictures_are_tested_and_four_are_not(rng):
    for count in (4, 5):
        rows = rows_of([0.5] * count)
        (row,) = combine(rows, images_of(8), rng, Resolution(most=9)).itertuples()
        assert (row.images, row.dice) == (count, pytest.approx(2 * count / (count + 8)))
        assert np.isnan(row.lift) == np.isnan(row.p_value) == np.isnan(row.p_exchanged) == (count == 4)
    assert row.lift == pytest.approx(2) and (row.share, row.area, row.mean, row.importance) == (0.5, 0.25, 0.5, 0.6)


def test_every_emotion_has_a_row_for_every_object(rng):
    rows = pd.concat([rows_of([0.5] * 6), rows_of([0.2] * 2, thing="dog")])
    images = images_of(10, ["joy"] * 6 + ["fear"] * 4)
    found = combine(rows, images, rng, Resolution(most=9))
    assert list(zip(found.object, found.emotion, found.images, strict=True)) == [
        ("cup", "fear", 0), ("cup", "joy", 6), ("dog", "fear", 0), ("dog", "joy", 2)
    ]  # fmt: skip
    cup = found.set_index(["object", "emotion"]).loc["cup"]
    np.testing.assert_allclose(cup.p_presence, 2 / 210)  # all six of the ten are the joyful ones
    assert cup.jaccard["joy"] == 1 and cup.jaccard["fear"] == 0
    assert (found.p_presence_bh >= found.p_presence).all() and found.p_bh.notna().sum() == 1


def test_the_lift_is_a_ratio_of_sums_with_an_interval_of_pictures():
    shares, areas = np.array([0.6, 0.2, 0.3, 0.5, 0.4]), np.array([0.1, 0.2, 0.3, 0.2, 0.1])
    found = module._lift(rows_of(shares, areas=areas), np.random.default_rng(1), Resolution(most=99))
    assert found["lift"] == pytest.approx(2.0 / 0.9) and found["area"] == pytest.approx(0.18)
    picks = np.random.default_rng(1).integers(0, 5, (500, 5))
    ends = np.quantile(shares[picks].sum(1) / areas[picks].sum(1), [0.025, 0.975])
    assert (found["low"], found["high"]) == tuple(pytest.approx(v) for v in ends)


def test_what_an_object_holds_is_compared_with_its_form_at_other_places():
    """Each picture's form lies at one of three places, its own among them: the null has 3^5 equally likely means."""
    moved = np.full(5, 0.1)
    shares = np.array([0.22, 0.12, 0.2, 0.15, 0.1])
    places = np.tile([0.0, 0.15], (5, 1)) + 0.013 * np.arange(5)[:, None]
    options = np.concatenate([shares[:, None], places], axis=1) - moved[:, None]
    means = np.array([options[np.arange(5), list(pick)].mean() for pick in np.ndindex(*[3] * 5)])
    exact = (np.abs(means) >= abs(options[:, 0].mean()) - 1e-9).mean()
    rng, rows = np.random.default_rng(0), rows_of(shares, moved=moved, places=places)
    p = [module._lift(rows, rng, Resolution())["p_value"] for _ in range(20)]  # each to within 22 %
    assert np.mean(p) == pytest.approx(exact, rel=0.15) and 0.1 < exact < 0.2
    less = module._lift(rows_of([0.0] * 5, moved=0.3, places=np.full((5, 40), 0.3)), rng, Resolution(most=999))
    assert less["p_value"] < 0.01  # two-sided


def test_maps_are_exchanged_among_the_pictures():
    """Of five pictures all 120 deals of the maps; the statistic is the mean share of relevance in the masks less its mean."""
    rows = rows_of([0.5] * 5, seed=4)
    maps, masks = (np.stack([np.frombuffer(v, np.float16).astype(float) for v in rows[c]]) for c in ("map", "mask"))
    masks[2] *= 0.1
    maps[:2] += masks[:2]  # two of five maps follow the object
    for name, planes in (("map", maps), ("mask", masks)):
        rows[name] = [m.astype(np.float16).tobytes() for m in planes]
    maps, masks = (np.stack([np.frombuffer(v, np.float16).astype(float) for v in rows[c]]) for c in ("map", "mask"))
    share = np.array([[(m * k).sum() / m.sum() for k in masks] for m in maps])
    deals = np.array([np.mean([share[o[j], j] for j in range(5)]) for o in permutations(range(5))])
    centred = np.abs(deals - share.mean())
    exact = (centred >= abs(np.mean(np.diag(share)) - share.mean()) - 1e-12).mean()
    assert module._exchanged(rows, np.random.default_rng(0), Resolution()).pvalue == pytest.approx(exact) and 0.02 < exact < 0.3


def test_of_many_pictures_a_part_is_exchanged(monkeypatch, rng):
    monkeypatch.setattr(module, "_MOST", 6)
    looked = []
    planes = module._planes
    monkeypatch.setattr(module, "_planes", lambda column: looked.append(len(column)) or planes(column))
    module._exchanged(rows_of([0.5] * 6), rng, Resolution(most=9))
    module._exchanged(rows_of([0.5] * 9), rng, Resolution(most=9))
    assert looked == [6] * 4
    # All that are drawn of these are of one emotion or too few of the other.
    both = pd.concat([rows_of([0.5] * 20), rows_of([0.2] * 2, "fear")])
    assert all(np.isnan(module._against_others(both, "joy", np.random.default_rng(s), Resolution())[0]) for s in range(5))


def test_more_than_under_other_emotions():
    """A picture counts by the rank of its object's share among 40 places; all 462 ways to deal five of eleven pictures."""
    places = np.tile((np.arange(40) + 0.5) / 40, (11, 1))
    here, other = np.array([0.6, 0.5, 0.7, 0.55, 0.65]), np.array([0.2, 0.3, 0.25, 0.35, 0.4, 0.62])
    both = pd.concat([rows_of(here, places=places[:5]), rows_of(other, "fear", places=places[:6])])
    ranks = module.place_ranks(both)
    np.testing.assert_allclose(ranks, np.floor(np.concatenate([here, other]) * 40 + 1e-9) / 40, atol=0.026)
    difference, test = module._against_others(both, "joy", np.random.default_rng(0), Resolution())
    assert difference == pytest.approx(ranks[:5].mean() - ranks[5:].mean()) and difference > 0.2
    statistics = []
    for chosen in combinations(range(11), 5):
        inside = np.isin(np.arange(11), chosen)
        statistics.append(abs(ttest_ind(ranks[inside], ranks[~inside], equal_var=False).statistic))
    assert test.how == "exact" and test.pvalue == pytest.approx(np.mean(np.array(statistics) >= statistics[0] - 1e-9))
    back, same = module._against_others(both, "fear", np.random.default_rng(0), Resolution())
    assert back == pytest.approx(-difference) and same.pvalue == pytest.approx(test.pvalue) and 0.001 < test.pvalue < 0.05
    for few in (both[1:], both[:9]):  # four, and four others
        difference, test = module._against_others(few, "joy", np.random.default_rng(0), Resolution())
        assert np.isnan(difference) and np.isnan(test.pvalue)
    assert np.isfinite(module._against_others(both[:10], "joy", np.random.default_rng(0), Resolution())[0])


def test_ranks_among_places_by_hand():
    places = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.5, 0.5], [0.1, 0.1, 0.1, 0.9]])
    rows = rows_of([0.35, 0.5, 0.05], places=places)
    assert module.place_ranks(rows).tolist() == [0.75, 0.5, 0.0]


def test_the_statistic_is_welchs(rng):
    values, here = rng.normal(size=(3, 12)) * 2, np.arange(12) < 5
    expected = [abs(ttest_ind(v[here], v[~here], equal_var=False).statistic) for v in values]
    np.testing.assert_allclose(module._welch(values, here), expected)
    assert module._welch(np.ones((1, 12)), here) == 0
    dealt = module._dealt(np.arange(12.0), 5, rng)
    assert dealt.shape == (5, 12) and (np.sort(dealt, axis=1) == np.arange(12)).all() and len(np.unique(dealt, axis=0)) == 5


def test_associations_at_the_edges():
    assert associations(0, 0, 0, 10) == {
        "dice": 0,
        "jaccard": 0,
        "yule_q": pytest.approx((21 - 1) / (21 + 1)),
        "odds_ratio": 21,
    }
    assert associations(1, 1, 0, 10)["dice"] == 2 and associations(2, 3, 4, 10)["jaccard"] == pytest.approx(2 / 5)
    assert associations(1, 1, 1, 10)["dice"] == associations(1, 1, 1, 10)["jaccard"] == 1
    assert module._presence(0, 5, 5, 10) == pytest.approx(2 / 252) and module._presence(2, 4, 5, 10) == 1


def test_the_level_itself_is_significant_and_a_lift_of_one_is_none():
    table = pd.DataFrame({"p_bh": [0.05, 0.051, 0.01], "lift": [1.01, 2, 1.0], "p_others_bh": [0.05, 0.051, 0.01],
                          "over_others": [0.01, 1, 0.0]})  # fmt: skip
    assert shown(table).tolist() == own(table).tolist() == [True, False, False]


def lifts(values, what="lift"):
    emotions, objects = ["fear", "joy"], ["a", "b", "c", "d"]
    index = pd.MultiIndex.from_product([emotions, objects], names=["emotion", "object"])
    other = "dice" if what == "lift" else "lift"
    return pd.DataFrame({what: np.ravel(values), other: 1.0}, index=index).reset_index()


def test_methods_are_compared_in_pairs_and_by_exchanging_objects(rng):
    x, y = rng.random((2, 4)), rng.random((2, 4))
    tables = {"one": lifts(x), "two": lifts(y), "three": lifts(x + 1), "none": lifts(x)[:0]}
    found = agreement(tables, np.random.default_rng(3))
    assert list(zip(found.method, found.against, found.of, strict=True)) == [
        ("one", "two", "lift"), ("one", "three", "lift"), ("two", "three", "lift")
    ]  # fmt: skip
    assert found.spearman[0] == pytest.approx(spearmanr(x.ravel(), y.ravel())[0]) and found.spearman[1] == pytest.approx(1)
    orders = list(permutations(range(4)))
    null = [np.corrcoef(rankdata(x), rankdata(y[:, list(o)]))[0, 1] for o in orders]
    exact = np.mean(np.array(null) >= found.spearman[0] - 1e-9)
    assert found.p_value[0] == pytest.approx(exact) and found.p_value[1] == found.smallest_p[1] == pytest.approx(1 / 24)
    assert found.p_holm[1] == pytest.approx(min(1, 3 / 24))
    differ = agreement({"one": lifts(x, "dice"), "two": lifts(y, "dice")}, rng)
    assert set(differ.of) == {"dice"} and len(differ) == 1  # a constant lift has no ranks


def test_five_pairs_are_enough_to_agree_and_four_are_not(rng):
    x = np.arange(8.0).reshape(2, 4)
    five, four = x.copy(), x.copy()
    five[0, :3], four[:, 2:] = np.nan, np.nan
    assert module._mantel(x, four, rng, Resolution()) is None
    found = module._mantel(x, five, rng, Resolution())
    assert found.statistic == pytest.approx(1) and 0 < found.pvalue <= 1


def test_draws_with_too_few_pairs_say_nothing(rng):
    """Both lack the same three of eight pairs: of the 24 deals only two leave five, and one of them is the deal as it is."""
    x = np.array([[1.0, 2, 3, np.nan], [4, 5, np.nan, np.nan]])
    found = module._mantel(x, x, rng, Resolution())
    assert found.statistic == pytest.approx(1) and found.pvalue == 1 / 2 and found.draws == 2


def test_what_is_constant_agrees_with_nothing(rng):
    x = np.arange(8.0).reshape(2, 4)
    assert (
        module._mantel(x, np.ones((2, 4)), rng, Resolution()) is None
        and module._mantel(np.ones((2, 4)), x, rng, Resolution()) is None
    )
