"""What is constant, unknown, alone or empty is never significant: every public test of statistics and audits in one sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.concepts.bank import ConceptBank
from affectlens.audits.concepts.cav.accuracy import held_out_accuracy
from affectlens.audits.concepts.cav.completeness import completeness
from affectlens.audits.concepts.cav.null import max_t, two_sided
from affectlens.audits.concepts.cav.space import Space
from affectlens.audits.concepts.cav.tcav import test_concepts as concept_tests
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.audits.features.tables import over_people
from affectlens.audits.latent.clusters import Clustering
from affectlens.audits.latent.clusters import agreement as cluster_agreement
from affectlens.audits.latent.directions import associations
from affectlens.audits.latent.shift import discrepancy
from affectlens.audits.objects.effects import effect_table
from affectlens.audits.objects.statistics import agreement, combine
from affectlens.audits.properties.dependence import dependence_test
from affectlens.audits.properties.groups import matched_pairs
from affectlens.context.usual import Context, differs
from affectlens.core.errors import UsageError
from affectlens.explainers.faithfulness import faithfulness
from affectlens.explainers.interventions.dose import dose_response
from affectlens.stats.independence.permutation import exchange_test
from affectlens.stats.multiple import benjamini_hochberg, holm, mean_of_units
from affectlens.stats.randomization import column_p, exact_test, permutation_p, randomization_test, sign_flip_test

N = 40
NAN = float("nan")
KINDS = ("constant", "unknown", "one row", "one group")


def inputs(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Values, and a group of each row, of which nothing can be learned."""
    rng = np.random.default_rng(0)
    groups = np.repeat(["a", "b"], N // 2)
    if kind == "constant":
        return np.full(N, 0.3), groups
    if kind == "unknown":
        return np.full(N, NAN), groups
    if kind == "one row":
        return rng.normal(size=1), groups[:1]
    return rng.normal(size=N), np.full(N, "a")


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def of_concepts(values: np.ndarray, groups: np.ndarray) -> Iterable[float]:
    x = rng().normal(size=(N, 3)) if len(values) == N and len(set(values)) == N else np.full((N, 3), values[0])
    space = Space(x, np.ones((4, 3)) / np.sqrt(3), np.ones(4), np.zeros((N, N)), x)
    target = np.tile([1.0, 0.0], N // 2)
    settings = ConceptSettings(draws=199, bootstraps=0)
    out = concept_tests({"layer": space}, {"c": target}, {"full": np.arange(4), "empty": np.arange(0)}, settings).frame
    within = out[[c for c in out if c.endswith("p_value") or c.startswith("p_")]].to_numpy(float).ravel()
    orders = np.array([rng().permutation(N) for _ in range(199)])
    return [*within, *held_out_accuracy(space, target[None], orders).p_value]


def of_objects(values: np.ndarray, groups: np.ndarray) -> Iterable[float]:
    n = len(values)
    plane = np.ones((10, 10), np.float16).tobytes()
    places = [np.full(40, v, np.float32).tobytes() for v in np.broadcast_to(values, n)]
    rows = pd.DataFrame({
        "image": [f"i{k}" for k in range(n)], "emotion": groups, "object": "cup", "score": 1.0, "relevance": values, "area": 0.25,
        "mean": 0.5, "importance": 0.5, "moved": values, "placed": places, "map": plane, "mask": plane,
    })  # fmt: skip
    table = combine(rows, rows[["image", "emotion"]], rng())
    agreed = agreement({"a": table, "b": table}, rng())
    columns = [c for c in table if c.startswith("p_")]
    return [*table[columns].to_numpy(float).ravel(), *agreed.p_value]


def of_effects(values: np.ndarray, groups: np.ndarray) -> Iterable[float]:
    single = pd.DataFrame({"image": np.arange(len(values)), "emotion": groups, "change": "remove", "object": "cup",
                           "before": values, "after": values, "control": values})  # fmt: skip
    table = effect_table(single, rng())
    return [*table.p_value, *table.p_holm]


def of_clusters(values: np.ndarray, groups: np.ndarray) -> Iterable[float]:
    z = np.tile(values[:, None], (1, 2))
    labels = Clustering("k-means", np.zeros(len(values), dtype=np.int64), NAN, "")
    people = np.arange(len(values)).astype(str)
    table = cluster_agreement([labels], z, {"f": groups}, people, rng())
    return [*table.p_value, *table.p_holm, discrepancy(z, groups, people, rng())[2]]


def of_people(values: np.ndarray, groups: np.ndarray) -> Iterable[float]:
    speakers = np.repeat(["s", "t"], (len(values) + 1) // 2)[: len(values)]
    of_scores = associations(values[:, None], np.tile(values[:, None], (1, 2)) * 0 + 1, ["a", "b"], speakers)
    still = np.where(np.isfinite(values), 0.0, NAN)  # a rise of the loss of nothing
    return [*over_people(still[:, None], groups, rng(), 199)[3], *of_scores.p_value, *of_scores.p_bh]


def of_properties(values: np.ndarray, groups: np.ndarray) -> Iterable[float]:
    x, index = pd.Series(values), np.arange(len(values))
    y, z, person = pd.Series(np.sin(index) * (groups == "a") * 0 + 1.0), pd.Series(groups), pd.Series(index // 4).astype(str)
    out = []
    for a, b in ((x, y), (y, x)):
        for who in (None, person):
            with suppress(UsageError):
                out.append(dependence_test(a, "continuous", b, z, who, rng()).pvalue)
    others = np.zeros((len(values), 1))
    with suppress(ValueError):  # nothing is complete: there are no thirds
        out.append(matched_pairs(np.ones(len(values)), index * 0, np.nan_to_num(values), others, rng())["p_value"])
    return out


def of_doses(values: np.ndarray, groups: np.ndarray) -> Iterable[float]:
    def predict(items: list[float]) -> np.ndarray:
        return np.column_stack([items, items])

    table = dose_response("d", "u", list(values), (0.0, 1.0), lambda v, dose: v, predict, ["a", "b"], rng()).curve
    return [*table.p_value, *table.p_holm]


def of_statistics(values: np.ndarray, groups: np.ndarray) -> Iterable[float]:
    x, y = values[:, None], np.ones((len(values), 1))
    still = values - values  # zero, or unknown
    out = [sign_flip_test(still, rng(), side=side).pvalue for side in ("greater", "less", "two")]
    out += [mean_of_units(still)[3], permutation_p(NAN, still), exact_test(NAN, still).pvalue]
    out += [randomization_test(NAN, lambda k: np.zeros(k)).pvalue, *column_p(np.full(2, NAN), np.zeros((99, 2)))]
    out += [randomization_test(1.0, lambda k: np.full(k, NAN)).pvalue, permutation_p(1.0, np.full(99, NAN))]
    out += [*two_sided(np.array([NAN, 0.0]), np.zeros((199, 2)))[0], *max_t(np.full((200, 2), NAN))]
    if np.isfinite(values).all():
        out.append(exchange_test(x, y, np.zeros(len(values), dtype=np.int64), rng()).test.pvalue)
    return [*out, *holm(np.full(3, NAN)), *benjamini_hochberg(np.full(3, NAN))]


def of_inputs(values: np.ndarray, groups: np.ndarray) -> Iterable[float]:
    value = float(values[0]) if np.isnan(values[0]) else 1.0
    bank = ConceptBank(("a",), np.array([[1.0, 0.0]]), np.tile([0.0, 1.0], (199, 1)), {"layer": "l"})
    said = bank.sensitivity(np.zeros(2) if np.isfinite(value) else np.full(2, NAN))[1]
    flat = faithfulness(np.ones(6), lambda kept: np.full(len(kept), value), rng(), random=99)
    space = Space(np.eye(4), np.eye(4), np.ones(4), np.eye(4), np.eye(4))
    whole = completeness(
        space, np.eye(4), np.eye(4)[:1], np.zeros((0, 1, 4)), lambda s: np.zeros((len(s), 2)), np.zeros(4, dtype=int)
    )
    return [*said, flat.deletion_p, flat.insertion_p, whole.p_value]


def of_contexts(values: np.ndarray, groups: np.ndarray) -> Iterable[float]:
    units = pd.DataFrame(
        {"p_joy": 0.5, "p_fear": 0.5, "fingerprint": np.arange(30).astype(str), "place": "office", "hour": 9.0}
    )
    here = np.array([0.5, 0.5]) if np.isfinite(values[0]) else np.full(2, NAN)
    return [differs(here, units, Context("office"), ("joy", "fear"), rng()).p]


TESTS: dict[str, Callable[[np.ndarray, np.ndarray], Iterable[float]]] = {
    function.__name__: function
    for function in (of_statistics, of_properties, of_doses, of_objects, of_effects, of_clusters, of_people, of_concepts,
                     of_inputs, of_contexts)
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TESTS)
def test_nothing_is_significant(name, kind):
    p = np.array([*TESTS[name](*inputs(kind))], dtype=float)
    assert not (p <= 0.05).any(), p
