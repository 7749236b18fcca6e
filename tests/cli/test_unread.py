"""Inputs that could not be read, whatever the verb: the results are there, the inputs are listed, the exit code is 1."""

import dataclasses
import importlib
import typing
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from affectlens import train
from affectlens.audits.registry import AUDITS, Late
from affectlens.core.failures import Failure
from affectlens.evaluation.ablation import Ablation
from affectlens.evaluation.evaluate import evaluate
from affectlens.evaluation.result import Evaluation
from affectlens.learning.recipes.registry import TRAININGS
from affectlens.pipeline.results import Run
from affectlens.training.run import TrainingRun
from tests.cli.tree import NEEDS, VERBS, options

READING = {name for name, command in VERBS.items() if "--limit" in options(command)} - {
    "corpus read", "export", "import", "sheet", "study init",  # they read no items: what cannot be read is the error
}  # fmt: skip
ARGUMENTS = NEEDS | {"audit objects": ["--corpus", "folder={folder}", "--split", "all", "--model", "face"]}


def run_of(missed, **_):
    return Run(failed=[Failure(key, "reading", reason) for key, reason in missed.items()])


def evaluation_of(missed, **_):
    empty = pd.DataFrame({"group": [], "n": []})
    return Evaluation({}, pd.DataFrame(), empty, missed, 3, {"corpus": "fer2013", "split": "test"})


def training_of(missed, **_):
    return TrainingRun(
        Path("made.safetensors"), Path("made.md"), pd.DataFrame([{"score": "accuracy", "value": 0.5}]), {}, missed
    )


def ablation_of(missed, **_):
    scores = pd.DataFrame(columns=["fusion", "modules", "mean_recall", "low", "high", "calibration_error", "log_loss"])
    return Ablation(scores, pd.DataFrame(), True, missed)


def audit_of(missed, **_):
    return SimpleNamespace(findings=list, unread=missed, unread_table="missed")


def stub_of(verb):
    """Where the function behind a verb is, and what stands for its result."""
    group, _, name = verb.partition(" ")
    if group == "train":
        return TRAININGS.get(name).function.where, training_of
    if group == "audit":
        return AUDITS.get(name).function.where, audit_of
    return {
        "explain": ("affectlens.pipeline:explain", run_of),
        "recognize": ("affectlens.pipeline:recognize", run_of),
        "evaluate": ("affectlens.evaluation.evaluate:evaluate", evaluation_of),
        "evaluate --ablate": ("affectlens.pipeline.ablation:ablate", ablation_of),
        "corpus check": ("affectlens.corpora.survey:survey", lambda lost: SimpleNamespace(problems=lost, adds_up=True, lines=list)),
        "measure": ("affectlens.measures.measure:measure", lambda lost: SimpleNamespace(failures=lost, results=[], notes=[])),
        "study check": ("affectlens.study:check", lambda lost: SimpleNamespace(problems=lost, lines=[])),
        "study run": ("affectlens.study:run", lambda lost: SimpleNamespace(lost=lost, notes=[], findings=list)),
        "corpus transcribe": ("affectlens.features.utterances:transcribe", lambda lost: (Path("utterances.csv"), lost)),
    }[verb]  # fmt: skip


@pytest.fixture
def stubbed(monkeypatch, call, made, tmp_path):
    """Call a verb whose work is already done, with some inputs that came to nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("affectlens.assets.store.fetch", lambda *_: None)
    monkeypatch.setattr("affectlens.audit._fetch", lambda *_: None)

    def called(verb, count):
        lost = {f"lost-{number}.wav": "it holds no sound" for number in range(count)}
        where, result = stub_of(verb)
        module, _, name = where.partition(":")
        monkeypatch.setattr(importlib.import_module(module), name, lambda *_, **__: result(lost))
        words = ARGUMENTS.get(verb, ["fusion", "--ablate", "--corpus", "fer2013={fer2013}"])
        paths = {key.replace("-", "_"): str(path) for key, path in made.items()}
        given = [word.replace("feature-pickle}", "feature_pickle}").format(**paths) for word in words]
        return call(*verb.partition(" --")[0].split(), *given)

    return called


@pytest.mark.parametrize("verb", sorted(READING | {"evaluate --ablate"}))
def test_what_went_unread_is_listed_and_ends_in_1(stubbed, verb):
    whole = stubbed(verb, 0)
    assert whole.code == 0 and "failed" not in whole.err, whole.err
    one = stubbed(verb, 1)
    assert one.code == 1 and one.err.splitlines()[-2:] == ["1 input failed:", "  lost-0.wav: it holds no sound"], one.err
    assert one.out == whole.out or verb in ("corpus check", "study check")  # the results are there


@pytest.mark.parametrize("verb", ["train gait", "audit latent", "explain"])
def test_many_are_counted_and_the_file_with_all_of_them_is_named(stubbed, verb):
    lines = stubbed(verb, 25).err.splitlines()
    assert lines[-22] == "25 inputs failed:" and lines[-2] == "  lost-19.wav: it holds no sound"
    assert lines[-1].startswith("  and 5 more, see ") and lines[-1].endswith(".csv")


def test_notes_of_an_audit_are_counted_where_they_are_cut(stubbed, monkeypatch):
    result = SimpleNamespace(findings=list, unread={}, unread_table="missed", warnings=[f"warning {i}" for i in range(8)])
    monkeypatch.setitem(globals(), "audit_of", lambda *_: result)
    lines = stubbed("audit latent", 0).err.splitlines()
    assert lines[-2:] == ["note: warning 5", "note: 2 more are on the page"]


def test_without_a_file_all_are_listed(stubbed):
    assert len(stubbed("evaluate", 25).err.splitlines()) >= 26


def test_training_keeps_the_table_of_what_it_names_and_takes_an_old_one_away(stubbed):
    table = Path("runs") / "speech" / "unread.csv"
    assert f"see {table}" in stubbed("train speech", 25).err and len(pd.read_csv(table)) == 25
    stubbed("train speech", 0)
    assert not table.exists()


@pytest.mark.parametrize("name", AUDITS.names())
def test_every_audit_says_where_it_lists_what_it_could_not_read(name):
    function = AUDITS.get(name).function
    function = function.function if isinstance(function, Late) else function
    kind = typing.get_type_hints(function)["return"]
    assert kind.unread_table in {field.name for field in dataclasses.fields(kind)}


def test_a_corpus_with_a_broken_clip(call, tmp_path):
    from tests.audits.corpora import emodb

    corpus = emodb(tmp_path / "emodb", people=2, takes=1)
    (corpus / "wav" / "03a01Wa.wav").write_bytes(b"no sound")
    done = call("evaluate", "speech", "--corpus", f"emodb={corpus}", "--draws", 5, "--out", tmp_path / "scores")
    assert done.code == 1 and "1 input failed:" in done.err and "03a01Wa" in done.err and "accuracy" in done.out
    assert list(pd.read_csv(tmp_path / "scores" / "missed.csv").key) == list(
        evaluate("speech", f"emodb={corpus}", draws=5).missed
    )


def test_every_recipe_has_a_place():
    assert {name for group, _, name in (verb.partition(" ") for verb in READING) if group == "train"} == set(dir(train))
