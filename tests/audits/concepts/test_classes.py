"""Classes of a corpus meet those of a model by name, never by number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from benchmarks.planted_dialogues import dialogues, wrapped

from affectlens.audits.concepts.audit import ConceptAuditor
from affectlens.audits.concepts.pool import in_classes_of
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.core.errors import UsageError
from affectlens.learning.trainers.bclstm import scale_of
from affectlens.models.nets.bclstm import BcLstmConfig, BcLstmNet


def test_labels_are_taken_by_name_and_what_the_model_does_not_know_is_said():
    data, _ = dialogues(0, 4)
    turned, notes = in_classes_of(data, ("yes", "no"))
    assert notes == () and turned.classes == ("yes", "no")
    np.testing.assert_array_equal(turned.labels, 1 - data.labels)
    rows = data.rows.copy()
    rows.loc[:2, "label"] = ["odd", "odd", "rare"]
    strange = replace(data, rows=rows, classes=("no", "yes", "odd", "rare"))
    found, (note,) = in_classes_of(strange, ("no", "yes"))
    assert (found.labels[:3] == -1).all() and (found.labels[3:] == data.labels[3:]).all()
    assert note.endswith("its answers stand for them: odd (2), rare (1)")
    unscored = replace(strange, classes=("no", "yes"))  # context that is not scored needs no word
    assert in_classes_of(unscored, ("no", "yes"))[1] == ()
    first = replace(
        data, rows=rows.assign(label=np.where(np.arange(len(rows)) < 3, "odd", data.rows.label)), classes=("odd", "no", "yes")
    )
    assert "odd (3)" in in_classes_of(first, ("no", "yes"))[1][0]  # the corpus's first class is none of the model's
    with pytest.raises(UsageError, match=r"no label of planted is a class of the model: .*, where joy, fear were expected"):
        in_classes_of(data, ("joy", "fear"))
    unlabelled = replace(data, rows=rows.assign(label=""))
    assert (in_classes_of(unlabelled, ("joy", "fear"))[0].labels == -1).all()


def test_a_corpus_that_orders_its_classes_otherwise_gives_the_same_audit():
    data, targets = dialogues(0, 12)
    torch.manual_seed(0)
    net = BcLstmNet(BcLstmConfig({"text": 20, "audio": 10}, 2, hidden=4, dense=4, anchor="text")).eval()
    model = wrapped(net, scale_of(data))
    settings = ConceptSettings(draws=9, bootstraps=0, layers=("dense",))
    one, other = (ConceptAuditor(model, d, targets, settings).run() for d in (data, replace(data, classes=("yes", "no"))))
    pd.testing.assert_frame_equal(one.tests, other.tests)
    pd.testing.assert_frame_equal(one.support, other.support)
    assert (
        one.provenance == other.provenance
        and one.provenance.data["classes"] == data.rows.label.value_counts()[["no", "yes"]].to_dict()
    )
