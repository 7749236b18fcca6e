"""The audit of concepts put together of its parts."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from benchmarks.planted_dialogues import dialogues, wrapped

from affectlens.audits.concepts import audit as audit_module
from affectlens.audits.concepts.audit import ConceptAuditor, _Pool, _unit
from affectlens.audits.concepts.cav.space import directions
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.core.errors import UsageError
from affectlens.dispatch import Running, Shard, ShareDoneError, running
from affectlens.learning.trainers.bclstm import predict, scale_of
from tests.audits.concepts.cases import small_net


def auditor(count=12, **settings):
    data, targets = dialogues(0, count)
    options = {"draws": 9, "bootstraps": 0, "layers": ("dense",)} | settings
    return ConceptAuditor(wrapped(small_net(), scale_of(data)), data, targets, ConceptSettings(**options))


def test_what_the_audit_looks_at():
    one = auditor()
    told = []
    pool, why = one._pool(lambda *what: told.append(what))
    assert why == {} and told == [("reading layers", 0, 1), ("reading layers", 1, 1)]
    labels = one.data.labels
    assert {c: len(rows) for c, rows in pool.rows_of.items()} == {"no": (labels == 0).sum(), "yes": (labels == 1).sum()}
    np.testing.assert_array_equal(pool.inputs, [*np.flatnonzero(labels == 0), *np.flatnonzero(labels == 1)])
    reading = pool.readings["dense"]
    gradients = np.concatenate([reading.gradients[labels == c, c] for c in (0, 1)])
    np.testing.assert_allclose(pool.spaces["dense"].norms, np.linalg.norm(gradients, axis=1), rtol=1e-5)
    assert pool.rows_of["yes"].tolist() == [*range((labels == 0).sum(), 96)]
    np.testing.assert_array_equal(pool.predicted, predict(one.model.net, pool.packed).argmax(axis=1))
    assert pool.accuracy == pytest.approx((pool.predicted == labels).mean()) and (pool.labels == labels).all()


@pytest.mark.parametrize("order", [(1,), (2, 3, 1), (7, 1, 5, 3, 2, 6, 4)])
def test_shares_in_any_order_give_the_result_of_the_audit_that_was_never_divided(order, tmp_path):
    def made(out):
        data, targets = dialogues(0, 40)
        options = {"draws": 9, "bootstraps": 0, "layers": ("dense", "branches.text.dense"), "pool": 300}
        return ConceptAuditor(wrapped(small_net(), scale_of(data)), data, targets, ConceptSettings(**options), out)

    whole = made(None).run()
    for number in order:
        with running(Running(shard=Shard(number, len(order)))):
            if len(order) > 1:
                with pytest.raises(ShareDoneError):
                    made(tmp_path).run()
    one = made(tmp_path)
    assert one.plan().left == 0
    found = one.compute()
    for name in ("tests", "support", "pairs", "agreement", "cosines", "completeness", "examples"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(whole, name), check_exact=True)
    for layer, vectors in whole.directions.items():
        np.testing.assert_array_equal(found.directions[layer], vectors)
    assert found.provenance.data == whole.provenance.data and found.findings() == whole.findings()


def test_a_share_that_is_missing_is_looked_at_by_the_run_that_puts_them_together(tmp_path):
    data, targets = dialogues(0, 40)
    settings = ConceptSettings(draws=9, bootstraps=0, layers=("dense",))
    model = wrapped(small_net(), scale_of(data))
    with running(Running(shard=Shard(2, 3))), pytest.raises(ShareDoneError):
        ConceptAuditor(model, data, targets, settings, tmp_path).run()
    one = ConceptAuditor(model, data, targets, settings, tmp_path)
    assert one.plan().done == 16 and one.plan().left == 24
    found = one.run()
    pd.testing.assert_frame_equal(found.tests, ConceptAuditor(model, data, targets, settings).run().tests, check_exact=True)


def test_where_there_is_no_label_the_answer_stands_for_it():
    one = auditor()
    pool, _ = one._pool(lambda *what: None)
    rows = pool.data.rows.assign(label="")
    unlabelled = replace(pool, data=replace(pool.data, rows=rows))
    assert unlabelled.accuracy is None and (unlabelled.labels == pool.predicted).all()
    assert isinstance(unlabelled, _Pool)
    some = replace(
        pool, data=replace(pool.data, rows=pool.data.rows.assign(label=np.where(np.arange(96) < 40, pool.data.rows.label, "")))
    )
    assert some.accuracy == pytest.approx((pool.predicted == pool.data.labels)[:40].mean())
    np.testing.assert_array_equal(some.labels, np.where(np.arange(96) < 40, pool.data.labels, pool.predicted))
    two = auditor()
    two.data = replace(two.data, rows=two.data.rows.assign(label=""))
    bare, _ = two._pool(lambda *what: None)
    assert {c: len(r) for c, r in bare.rows_of.items()} == {
        c: n for c, n in (("no", (bare.predicted == 0).sum()), ("yes", (bare.predicted == 1).sum())) if n >= 3
    }  # fmt: skip


def test_classes_of_two_utterances_are_not_looked_at():
    one = auditor()
    for count, kept in ((2, ["no"]), (3, ["no", "yes"])):
        labels = np.where(np.arange(96) < count, "yes", "no")
        one.data = replace(one.data, rows=one.data.rows.assign(label=labels))
        assert list(one._pool(lambda *what: None)[0].rows_of) == kept


def test_directions_are_checked_against_pseudo_concepts(monkeypatch):
    asked = {}
    one = auditor()
    pool, _ = one._pool(lambda *what: None)

    def accuracy(space, y, dealt, *, method, groups):
        asked.update(controls=len(dealt), method=method, groups=groups)
        return SimpleNamespace(held_out=np.array([0.9, 0.5]), control=np.array([0.51, 0.52]), p_value=np.array([0.02, 0.6]))

    def complete(space, activations, vectors, pseudo, run, truth):
        asked.update(spans=pseudo.shape, truth=truth, states=run(activations))
        return SimpleNamespace(share=0.7, control=0.1, p_value=0.05, rank=2)

    monkeypatch.setattr(audit_module, "held_out_accuracy", accuracy)
    monkeypatch.setattr(audit_module, "completeness", complete)
    tests, told = SimpleNamespace(layers={"dense": SimpleNamespace(directions="vectors")}), []
    rows, whole = one._checks(pool, tests, lambda *what: told.append(what))
    assert rows.to_dict("records") == [
        {"layer": "dense", "concept": "concept", "accuracy": 0.9, "control": 0.51, "accuracy_p_value": 0.02},
        {"layer": "dense", "concept": "decoy", "accuracy": 0.5, "control": 0.52, "accuracy_p_value": 0.6},
    ]
    assert whole.to_dict("records") == [
        {"layer": "dense", "completeness": 0.7, "pseudo_concepts": 0.1, "p_value": 0.05, "directions": 2, "width": 3}
    ]
    assert told == [("accuracy and completeness", 1, 1)] and asked["controls"] == 49 and asked["spans"] == (19, 2, 3)
    assert asked["method"] == "pattern" and (asked["groups"] == pool.data.dialogues).all()
    np.testing.assert_array_equal(asked["truth"], pool.predicted)
    np.testing.assert_allclose(asked["states"].argmax(axis=1), pool.predicted)  # the layer's own states give the same answers


def test_the_result_is_put_together_of_its_parts():
    """Two layers: tests meet the accuracy of their layer and concept, examples are placed along the last layer's directions."""
    one = auditor(layers=("branches.text.dense", "dense"))
    one.meanings, one.unsupported, one.facts = {"decoy": "decides nothing"}, {"loud": "needs voice"}, {"split": "test"}
    few = np.zeros(96)
    few[0] = 1
    one.targets["few"] = few
    told = []
    made = one.compute(lambda *what: told.append(what))
    assert len(made.tests) == 2 * 2 * 2 and set(made.unsupported) == {"loud", "few"} and made.best_layer in one.layers
    pool, _ = one._pool(lambda *what: None)
    rows, whole = one._checks(pool, SimpleNamespace(layers={
        layer: SimpleNamespace(directions=directions(space, np.array(list(pool.targets.values())))) for layer, space in pool.spaces.items()}),
        lambda *what: None)  # fmt: skip
    meant = made.tests.set_index(["layer", "concept"]).accuracy
    for row in rows.to_dict("records"):
        assert (meant[row["layer"], row["concept"]] == row["accuracy"]).all()
    pd.testing.assert_frame_equal(made.completeness, whole)
    last = pool.spaces["dense"]
    value = (last.points @ directions(last, pool.targets["decoy"]).T)[:, 0]
    first = made.examples[(made.examples.concept == "decoy") & (made.examples.kind == "example")].iloc[0]
    examples = np.flatnonzero(pool.targets["decoy"] > 0.5)
    assert first.key == pool.data.rows.key.iloc[examples[value[examples].argmax()]]
    assert first.typicality == pytest.approx(value[examples].max() / value.std())
    for layer, vectors in made.directions.items():
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1)
        assert vectors.shape == (2, pool.readings[layer].activations.shape[1])
    assert made.support.meaning.tolist() == ["", "decides nothing"] and len(made.agreement) == 2 and len(made.cosines) == 2
    data = made.provenance.data
    assert (data["items_examined"], data["dialogues_examined"], data["split"]) == (96, 12, "test")
    assert (
        data["classes"] == {c: len(r) for c, r in pool.rows_of.items()} and made.provenance.model["accuracy"] == pool.accuracy
    )
    assert {what for what, *_ in told} == {"reading layers", "layers", "accuracy and completeness"}


def test_an_audit_is_given_what_the_corpus_supports(monkeypatch):
    """What is missing of the features is measured; concepts that the corpus cannot support are named with their reason."""
    data, targets = dialogues(0, 3)
    model = wrapped(small_net(), scale_of(data))
    text_only = data.with_modalities(("text",))
    source = SimpleNamespace(dialogues=lambda split: text_only if split == "val" else None, info=SimpleNamespace(licence="CC0"))
    wanted = [SimpleNamespace(name="concept", meaning="decides"), SimpleNamespace(name="loud", meaning="is loud")]
    asked = {}
    monkeypatch.setattr(audit_module, "open_dialogue_source", lambda corpus: source if corpus == "made" else None)
    monkeypatch.setattr(audit_module, "choose", lambda settings: wanted)
    monkeypatch.setattr(audit_module, "prepared", lambda *given, **more: asked.update(prepared=(given, more)) or data.rows)
    monkeypatch.setattr(
        audit_module, "supported", lambda rows, wanted: ({"concept": targets["concept"]}, {"loud": "needs voice"})
    )
    monkeypatch.setattr(
        audit_module, "measured", lambda data_, modalities, tell: asked.update(measured=(modalities, tell)) or data
    )

    class Auditor:
        def __init__(self, network, data, targets, settings, out, **more):
            asked.update(network=network, data=data, targets=targets, settings=settings, out=out, **more)

        def run(self, progress):
            return asked | {"progress": progress}

    monkeypatch.setattr(audit_module, "ConceptAuditor", Auditor)
    told = lambda *what: None  # noqa: E731
    found = audit_module.concepts(model, "made", progress=told, split="val", against=("concept:concept",), draws=7)
    assert found["network"] is model and found["data"].rows is data.rows and found["out"] is None and found["progress"] is told
    assert list(found["targets"]) == ["concept", "concept against concept"] and found["unsupported"] == {"loud": "needs voice"}
    assert found["meanings"] == {"concept": "decides", "loud": "is loud"} and found["facts"] == {
        "split": "val",
        "licence": "CC0",
    }
    assert found["measured"] == (("text", "audio"), told) and found["settings"].draws == 7 and found["cache"].name == "layers"
    assert found["prepared"][0] == (source, text_only, wanted) and found["prepared"][1] == {
        "notes": [],
        "norms": None,
        "units": None,
        "progress": told,
        "unread": {},
    }
    asked.clear()
    source.dialogues = lambda split: data
    assert "measured" not in audit_module.concepts(model, "made")
    monkeypatch.setattr(
        audit_module, "prepared", lambda *_, unread, **__: unread.update({"a.wav": "it holds no sound"}) or data.rows
    )
    assert audit_module.concepts(model, "made")["data"].unread == {"a.wav": "it holds no sound"}
    with pytest.raises(UsageError, match="give --model WEIGHTS"):
        audit_module.concepts(None, "made")
    with pytest.raises(UsageError, match="unknown layer 'dens'"):
        audit_module.concepts(model, "nothing", layers=("dens",))


def test_facts_of_the_network_and_of_the_data():
    one = auditor()
    facts = one.model_facts()
    assert (facts["name"], facts["spec"], facts["corpus"], facts["licence"], facts["modalities"]) == (
        "bclstm",
        "",
        "planted",
        "",
        ["text", "audio"],
    )
    assert len(facts["sha256"]) == 64 and auditor().model_facts()["sha256"] == facts["sha256"]
    data = one.data_facts()
    assert data["corpus"] == "planted" and data["items"] == 96 and auditor().data_facts() == data
    assert auditor(11).data_facts()["sha256"] != data["sha256"]
    np.testing.assert_allclose(np.linalg.norm(_unit(np.array([[3.0, 4], [1, 0]])), axis=1), 1)
    assert (_unit(np.zeros((1, 2))) == 0).all()


CONTEXT = "branches.text.context"  # a layer of which the next one reads the whole dialogue


def test_the_step_goes_into_the_layers():
    own, everywhere = auditor()._pool(lambda *w: None)[0], auditor(step="all")._pool(lambda *w: None)[0]
    np.testing.assert_allclose(own.readings["dense"].activations, everywhere.readings["dense"].activations)
    context_own, context_all = (auditor(step=s, layers=(CONTEXT,))._pool(lambda *w: None)[0] for s in ("own", "all"))
    assert not np.allclose(context_own.readings[CONTEXT].gradients, context_all.readings[CONTEXT].gradients)
