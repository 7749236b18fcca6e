"""One grammar: settings become options, files of options, old spellings, near names, completion; commands only call."""

import inspect
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

import affectlens
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.audits.features.settings import FeatureSettings
from affectlens.audits.latent.settings import LatentSettings
from affectlens.audits.objects.settings import ObjectSettings
from affectlens.audits.properties.settings import PropertySettings
from affectlens.cli.options import read
from affectlens.core.errors import UsageError
from affectlens.core.options import Options
from affectlens.core.settings import Settings, setting
from tests.cli.tree import VERBS, options

COMMON = {"config", "quiet", "help"}
# What only a terminal needs: whom to ask, what to list, how the process computes; and what only Python needs.
TERMINAL = {"explain": {"force"}, "evaluate": {"ablate"}, "audit concepts": {"list_"}}
PYTHON = {"options", "engine", "progress", "on_result", "settings", "fields", "changed"}
FUNCTIONS = {
    "explain": (affectlens.explain, Options), "recognize": (affectlens.recognize, Options), "evaluate": (affectlens.evaluate, None),
    "usual": (affectlens.usual, None), "doctor": (affectlens.doctor, None),
    "audit objects": (affectlens.audit.objects, ObjectSettings), "audit properties": (affectlens.audit.properties, PropertySettings),
    "audit concepts": (affectlens.audit.concepts, ConceptSettings), "audit latent": (affectlens.audit.latent, LatentSettings),
    "audit features": (affectlens.audit.features, FeatureSettings),
}  # fmt: skip
SAME = {"fmt": "format", "pictures": "corpus", "corpora": "corpus", "torch_threads": "threads"}


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_command_has_the_parameters_of_its_function(verb):
    function, settings = FUNCTIONS[verb]
    given = {SAME.get(p.name, p.name) for p in VERBS[verb].params} - COMMON - {"data"} - TERMINAL.get(verb, set())
    taken = {SAME.get(name, name) for name in inspect.signature(function).parameters} - PYTHON
    taken |= {f.name for f in fields(settings)} if settings else set()
    own = {"audit latent", "audit features"}  # they train networks of their own, so that no model can be named
    assert given == taken - ({"model"} if verb in own else set())


def test_every_verb_of_training_takes_its_recipe():
    from affectlens.cli.train import app

    assert {f"train {c.name}" for c in app.registered_commands} == {f"train {name}" for name in affectlens.train.__all__}


def test_options_that_all_verbs_share_mean_the_same():
    for verb, command in VERBS.items():
        known = options(command)
        assert {"--quiet", "--config"} <= set(known), verb
        for flag in ("--quiet", "--config", "--seed"):
            if flag in known:
                assert known[flag].help in ("Print results alone: no progress, no notes.", "Seed of everything random.") or (
                    flag == "--config" and "toml" in known[flag].help
                )


@dataclass(frozen=True)
class Made(Settings):
    names: tuple[str, ...] = setting(("a",), "Names.", choices=("a", "b", "c"))
    numbers: tuple[float, ...] = setting((), "Numbers.", least=0)
    paths: tuple[Path, ...] = setting((), "Paths.")
    queries: tuple[str, ...] = setting((), "Queries.", metavar="NAME=QUERY")
    rate: float = setting(1.0, "A rate.", least=0.5)
    on: bool = setting(True, "A switch.")


def test_typed_values_become_settings():
    assert read(Made, {}) == {}
    given = {"names": ["a,b", "c"], "numbers": ["1, 2.5"], "paths": ["x,y"], "queries": ["n=a, b"], "rate": 2.0, "on": False}
    assert read(Made, given) == {
        "names": ("a", "b", "c"), "numbers": (1.0, 2.5), "paths": (Path("x,y"),), "queries": ("n=a, b",), "rate": 2.0, "on": False,
    }  # fmt: skip
    for name, value, says in (
        ("names", ["d"], "one of a, b, c"), ("numbers", ["x"], "--numbers x: numbers were expected"),
        ("numbers", ["-1"], "at least 0"), ("rate", 0.1, "at least 0.5"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=says):
            read(Made, {name: value})


def test_a_file_of_options_and_the_command_line_wins(call, named, tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('[corpus.read]\nsplit = "dev"\nformat = "json"\n')
    read_ = ["corpus", "read", named["goemotions"], "--config", file]
    assert "devanger0" in call(*read_).out and call(*read_).out.startswith("[")
    assert "trainanger0" in call(*read_, "--split", "train").out
    assert call(*read_, "--format", "csv").out.startswith("key")
    for text, says in (
        ('[corpus.read]\nspilt = "dev"', "did you mean split"),
        ('[corpsu.read]\nsplit = "dev"', "did you mean corpus"),
        ('split = "dev"', "unknown verb 'split'"),
        ("[corpus.read", "c.toml"),
        ('[corpus.read]\nsplit = "no-split"', "no-split"),
    ):
        file.write_text(text)
        done = call(*read_)
        assert done.code == 2 and says in done.err, done.err
    file.write_text('[explain]\nmodalities = ["smell"]')
    assert "--modalities smell" in call("explain", "a.png", "--config", file).err
    file.write_text("[explain]\nrate = 0.0")
    assert "--rate 0.0" in call("explain", "a.png", "--config", file).err


def test_old_spellings_show_the_new_one(call):
    for words in (["evaluate", "face", "--corpus", "fer2013"], ["train", "face"], ["audit", "objects", "--corpus", "fer2013"]):
        done = call(*words, "--data", "fer.csv")
        assert done.code == 2 and "--corpus NAME=fer.csv" in done.err
    assert "NAME=PATH" in call("evaluate", "face", "--corpus", "fer2013").err


def test_near_names(call):
    assert "Did you mean 'train'" in call("trian").err
    assert "--rate" in call("explain", "a.png", "--ratee", "3").err
    assert "did you mean emodb" in call("evaluate", "speech", "--corpus", "emobd=/nowhere").err


def test_quiet_leaves_results_alone(call, named, tmp_path):
    loud = call("evaluate", "gait", "--corpus", named["bandai"], "--draws", 5)
    quiet = call("evaluate", "gait", "--corpus", named["bandai"], "--draws", 5, "--quiet")
    assert quiet.err.strip() == "" and loud.err.strip() != "" and quiet.out == loud.out
    assert "error" in call("evaluate", "gait", "--corpus", "bandai=/nowhere", "--quiet").err


def test_completion_knows_names():
    from affectlens.cli.options import assets, corpus_names, languages, models

    assert "emodb=" in corpus_names("emo") and models("fa") == ["face"] and "yunet" in assets("yu") and "pl" in languages("p")
    completions = options(VERBS["explain"])["--modalities"].shell_complete(None, "face,vo")
    assert [getattr(c, "value", c) for c in completions] == ["face,voice"]
