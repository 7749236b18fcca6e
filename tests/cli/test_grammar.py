"""One grammar: settings become options, files of options, old spellings, near names, completion; commands only call."""

import inspect
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

import affectlens
from affectlens.assets.store import fetch, locate
from affectlens.audits.compare.settings import CompareSettings
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.audits.features.settings import FeatureSettings
from affectlens.audits.latent.settings import LatentSettings
from affectlens.audits.objects.settings import ObjectSettings
from affectlens.audits.properties.settings import PropertySettings
from affectlens.cli.options import read
from affectlens.core.errors import UsageError
from affectlens.core.options import Options
from affectlens.core.settings import Settings, setting
from affectlens.corpora.survey import survey
from affectlens.features.utterances import transcribe
from affectlens.learning.recipes.registry import TRAININGS
from affectlens.measures.settings import MeasureSettings
from affectlens.pipeline.merging import merge
from affectlens.workbench.settings import ViewSettings
from affectlens.workbench.start import view
from tests.cli.tree import VERBS, options, parsed

COMMON = {"config", "plugin", "quiet", "verbose", "limits", "allow_code", "help"}
# What only a terminal needs: whom to ask, what to list, which of two functions; and what only Python needs.
TERMINAL = {"explain": {"force"}, "evaluate": {"ablate"}, "audit concepts": {"list_"}}
PYTHON = {"options", "engine", "progress", "on_result", "settings", "fields", "changed", "say"}
FUNCTIONS = {
    "explain": (affectlens.explain, Options), "recognize": (affectlens.recognize, Options), "evaluate": (affectlens.evaluate, None),
    "usual": (affectlens.usual, None), "verify": (affectlens.verify, None), "sheet": (affectlens.sheet, None), "licences": (affectlens.licences, None),
    "export": (affectlens.export, None), "measure": (affectlens.measure, MeasureSettings), "study init": (affectlens.study.init, None),
    "study check": (affectlens.study.check, None), "study run": (affectlens.study.run, None),
    "study report": (affectlens.study.report, None), "doctor": (affectlens.doctor, None), "view": (view, ViewSettings),
    "audit objects": (affectlens.audit.objects, ObjectSettings), "audit properties": (affectlens.audit.properties, PropertySettings),
    "audit concepts": (affectlens.audit.concepts, ConceptSettings), "audit latent": (affectlens.audit.latent, LatentSettings),
    "audit features": (affectlens.audit.features, FeatureSettings), "audit compare": (affectlens.audit.compare, CompareSettings),
    **{f"train {one.name}": (getattr(affectlens.train, one.name), one.settings) for one in TRAININGS.values()},
    "runs merge": (merge, None), "corpus check": (survey, None), "corpus transcribe": (transcribe, None), "assets pull": (fetch, None),
    "assets path": (locate, None),
}  # fmt: skip
# Verbs that print what several functions give, and take nothing that these do not.
PRINTED = {
    "assets ls": "manifest() and state() of each", "assets licences": "manifest() and the cards' licences",
    "assets verify": "state() of each", "corpus ls": "corpora()", "corpus read": "open_corpus(…).table(split), export()",
    "import": "import_annotations(…).to_frame(), export()",
    "models ls": "model_names() and their weights", "models card": "card_path(name)",
    "runs status": "ledger_of(out).counts()", "runs retry": "ledger_of(out).retry()", "runs clean": "ledger_of(out).clean()",
}  # fmt: skip
SAME = {"fmt": "format", "pictures": "corpus", "corpora": "corpus"}
OWN = {"audit latent", "audit features"}  # they train networks of their own, so that no model can be named
# A second file of an asset is of no use to a terminal, which is told where the folder is.
ONLY_PYTHON = {"assets path": {"file"}}


def parameters(function):
    """Names of a function's parameters as the command line calls them."""
    return {SAME.get(name, name) for name in inspect.signature(function).parameters} - PYTHON


def test_every_verb_has_a_function_or_prints_what_several_give():
    assert set(FUNCTIONS) | set(PRINTED) == set(VERBS) and not set(FUNCTIONS) & set(PRINTED)


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_command_has_the_parameters_of_its_function(verb):
    function, settings = FUNCTIONS[verb]
    given = {SAME.get(one.name, one.name) for one in VERBS[verb].params} - COMMON - {"data"} - TERMINAL.get(verb, set())
    taken = parameters(function) - ONLY_PYTHON.get(verb, set()) - ({"model"} if verb in OWN else set())
    assert given == taken | ({field.name for field in fields(settings)} if settings else set())


def test_the_ablation_has_the_options_of_its_function():
    assert parameters(affectlens.ablate) <= {SAME.get(one.name, one.name) for one in VERBS["evaluate"].params}


@pytest.mark.parametrize("verb", VERBS)
def test_quiet_and_config_are_the_same_everywhere(monkeypatch, tmp_path, verb):
    assert not parsed(monkeypatch, verb)["quiet"] and parsed(monkeypatch, verb, "-q")["quiet"]
    file = tmp_path / "c.toml"
    file.write_text(f"[{verb.replace(' ', '.')}]\nquiet = true\n")
    assert parsed(monkeypatch, verb, "--config", file)["quiet"]
    file.write_text(f"[{verb.replace(' ', '.')}]\nno_such_option = 1\n")
    with pytest.raises(UsageError, match="no_such_option"):
        parsed(monkeypatch, verb, "--config", file)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_plugins_from_the_command_line_alone(monkeypatch, tmp_path, verb):
    file = tmp_path / f"own_{verb.replace(' ', '_')}.py"
    file.write_text("import builtins\nbuiltins.plugin_was_here = getattr(builtins, 'plugin_was_here', 0) + 1\n")
    monkeypatch.setattr("builtins.plugin_was_here", 0, raising=False)
    assert parsed(monkeypatch, verb, "--plugin", file)["plugin"] == [str(file)]
    parsed(monkeypatch, verb, f"--plugin={file}")
    assert __import__("builtins").plugin_was_here == 1  # imported once
    config = tmp_path / "c.toml"
    config.write_text(f"[{verb.replace(' ', '.')}]\nplugin = 'other.py'\n")
    with pytest.raises(UsageError, match="plugin"):  # a file must not allow itself to run code
        parsed(monkeypatch, verb, "--config", config)


@pytest.mark.parametrize("verb", [verb for verb, command in VERBS.items() if "--seed" in options(command)])
def test_a_seed_is_the_same_everywhere(monkeypatch, tmp_path, verb):
    assert parsed(monkeypatch, verb)["seed"] == 0
    file = tmp_path / "c.toml"
    file.write_text(f"[{verb.replace(' ', '.')}]\nseed = 7\n")
    assert parsed(monkeypatch, verb, "--config", file)["seed"] == 7
    assert parsed(monkeypatch, verb, "--config", file, "--seed", 9)["seed"] == 9


@pytest.mark.parametrize("verb", [verb for verb, command in VERBS.items() if "--corpus" in options(command)])
def test_a_corpus_is_named_the_same_everywhere(monkeypatch, verb):
    given = parsed(monkeypatch, verb, "--corpus", "a=/x/y,z=1")["corpus"]
    assert given == "a=/x/y,z=1" or given[-1] == "a=/x/y,z=1"
    with pytest.raises(UsageError, match=r"--corpus NAME=/x"):
        parsed(monkeypatch, verb, "--data", "/x")


def test_two_things_that_evaluate_does_are_not_mixed(call, named):
    for more in (["--split", "test"], ["--weights", "w.safetensors"], ["--scores", "softmax"], ["--preprocess", "a:b"]):
        done = call("evaluate", "fusion", "--ablate", "--corpus", named["emodb"], *more)
        assert done.code == 2 and "leave --split, --weights, --scores, --preprocess and --people out" in done.err
    done = call("evaluate", "speech", "--ablate", "--corpus", named["emodb"])
    assert done.code == 2 and "model fusion" in done.err


def test_wrong_numbers_of_functions_name_the_option(named):
    for more, says in (({"seed": -5}, "--seed -5"), ({"draws": 0}, "--draws 0")):
        with pytest.raises(UsageError, match=says):
            affectlens.evaluate("gait", named["bandai"], **more)
        with pytest.raises(UsageError, match=says):
            affectlens.ablate([named["fer2013"], named["emodb"]], **more)
    with pytest.raises(UsageError, match="--threads 0"):
        affectlens.train.gait(named["bandai"], "nowhere", threads=0)
    with pytest.raises(UsageError, match="--seed -5"):
        affectlens.usual("nowhere.db", seed=-5)
    assert not Path("nowhere").exists()


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


@pytest.mark.parametrize("verb", [verb for verb, command in VERBS.items() if "--allow-code" in options(command)])
def test_a_file_of_options_neither_names_code_nor_allows_it(monkeypatch, tmp_path, verb):
    file = tmp_path / "c.toml"
    for text, says in (
        ('model = "evil:Model"', "names code"),
        ("allow_code = true", "allow_code"),
        ("allow-code = true", "allow-code"),
    ):
        if text.startswith("model") and "--model" not in options(VERBS[verb]):
            continue
        file.write_text(f"[{verb.replace(' ', '.')}]\n{text}\n")
        with pytest.raises(UsageError, match=says):
            parsed(monkeypatch, verb, "--config", file)
    if "--model" in options(VERBS[verb]):
        model = parsed(monkeypatch, verb, "--model", "mine:Model", "--allow-code")["model"]
        assert (model[-1] if isinstance(model, list) else model) == "mine:Model"  # of several it is one more


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
    assert [getattr(completion, "value", completion) for completion in completions] == ["face,voice"]
