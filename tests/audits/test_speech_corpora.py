"""What the audits of speech share: a table of clips, how many are enough, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from affectlens.audits import speech_corpora as module
from affectlens.audits.speech_corpora import check_enough, kind_or_setting, left_out, open_table, table_facts
from affectlens.core.disk.files import digest_of
from affectlens.core.errors import CorpusError, UsageError
from affectlens.corpora.base import corpora
from tests.audits.corpora import table


def test_a_table_is_taken_as_it_is_and_corpora_are_measured(rng, monkeypatch, tmp_path):
    made = table(rng, people=2, each=4)
    assert open_table(made) is made
    asked = []
    monkeypatch.setattr(module, "speech_table", lambda given, progress: asked.append((given, progress)) or made)
    said = print
    assert open_table(f"emodb={tmp_path}", said) is made and asked == [({"emodb": tmp_path}, said)]


def test_a_kind_of_model_may_stand_in_the_models_place():
    assert kind_or_setting(None, {"seeds": 2}, "latent") == {"seeds": 2}
    assert kind_or_setting("mlp", {"seeds": 2, "kind": "svm"}, "latent") == {"seeds": 2, "kind": "mlp"}
    with pytest.raises(UsageError, match="the model is int; audit latent trains its own"):
        kind_or_setting(3, {}, "latent")


@pytest.mark.parametrize(
    ("clips", "people", "classes"), [(11, 3, 2), (12, 2, 2), (12, 3, 1)]
)  # fmt: skip
def test_one_fewer_than_enough_is_too_few(clips, people, classes):
    who, labels = np.arange(clips) % people, np.arange(clips) % classes
    says = (
        f"{clips} clips of {people} speakers and {classes} classes: a test needs at least 12 clips of 3 speakers and 2 classes"
    )
    with pytest.raises(CorpusError, match=says):
        check_enough(labels, who, 12, 3, "a test")


def test_as_many_as_are_asked_for_are_enough():
    check_enough(np.arange(12) % 2, np.arange(12) % 3, 12, 3, "a test")
    check_enough(np.arange(30) % 4, np.arange(30) % 7, 12, 3, "a test")


def test_what_provenance_says_of_clips(rng):
    made = replace(table(rng, ("emodb", "mine"), people=3, each=4), notes=("emodb: something",))
    facts = table_facts(made)
    licence = next(c.licence for c in corpora() if c.name == "emodb")
    assert facts.pop("sha256") == digest_of(made.features, made.rows.to_json())
    assert facts == {
        "corpus": "emodb, mine", "split": "four", "items": 24, "speakers": 6, "licence": f"emodb: {licence}",
        "notes": ["emodb: something"],
    }  # fmt: skip
    assert table_facts(replace(made, rows=made.rows.assign(seconds=3.0)))["sha256"] != table_facts(made)["sha256"]
    assert left_out(made).to_dict("records") == [{"key": "one/lost", "reason": "no sound in it"}]
    none = left_out(replace(made, missed={}))
    assert none.empty and list(none) == ["key", "reason"]
