"""Every result that a public function gives back: a table, a chart, and a folder to save to and load from, equal after it."""

import inspect
import json
import typing
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectlens.core.errors import UsageError
from affectlens.core.registry import import_below
from affectlens.core.results import SavedResult
from affectlens.core.results.saved import MANIFESTS

for _room in ("audits", "corpora", "evaluation", "explainers", "pipeline", "sheets", "stats", "training"):
    import_below(f"affectlens.{_room}")


def all_below(cls):
    return [c for below in cls.__subclasses__() for c in (below, *all_below(below))]


def of_package(cls):
    return cls.__module__.startswith("affectlens.")


def classes():
    """All result classes of the package, by name, also the two that keep a layout of their own."""
    from affectlens.evaluation.result import Evaluation
    from affectlens.pipeline.results import Result

    listed = {c.__name__: c for c in all_below(SavedResult) if of_package(c) and is_dataclass(c)}
    return listed | {"Evaluation": Evaluation, "Result": Result}


CLASSES = classes()
# What no value made up from types can stand for: a table with the columns that its chart draws, a file that is there.
TABLES = {
    "curve": {"dose": [0.0, 1.0], "class": ["a", "a"], "change": [0.0, 0.1], "low": [0.0, 0.0], "high": [0.0, 0.2]},
    "counts": {"split": ["train"], "label": ["joy"], "n": [3], "unreadable": [0]},
    "moved": {"dose": [1.0], "property": ["p"], "moved_by": [0.1], "lost": [0], "meant": [True], "over": [False]},
}


def value_of(hint, name):
    """A value of a type, told by its annotation: frames, arrays, texts, numbers, and what holds these."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is pd.DataFrame:
        return pd.DataFrame(TABLES.get(name, {"name": ["a", "b"], "value": [0.5, float("nan")], "n": [1, 2]}))
    if hint is np.ndarray:
        return np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4) / 7
    if origin is dict or (isinstance(origin, type) and issubclass(origin, dict)):
        single = {"first / of: all": value_of(args[1] if len(args) == 2 else int, name)}
        return single if origin is dict else origin(single)
    if origin in (tuple, list, set, frozenset):
        several = [value_of(a, name) for a in args if a is not Ellipsis]
        return origin(several)
    if args and type(None) in args:
        return value_of(next(a for a in args if a is not type(None)), name)
    if isinstance(hint, type) and is_dataclass(hint):
        return made(hint)
    simple = {str: f"text of {name}", int: 3, float: 0.25, bool: True, Path: Path("some") / "place"}
    return simple.get(hint, {"any": [1, "b", None]} if hint in (dict, typing.Any) else f"text of {name}")


def made(cls):
    hints = typing.get_type_hints(cls)
    return cls(**{f.name: value_of(hints[f.name], f.name) for f in fields(cls) if f.init})


def equal(one, other):
    """Whether two values are the same, frames and arrays in types and values too."""
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
        return True
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if is_dataclass(one) and not isinstance(one, type):
        return type(one) is type(other) and all(equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, dict):
        return type(one) is type(other) and list(one) == list(other) and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, tuple | list):
        return type(one) is type(other) and len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and one == other


GENERIC = {name: cls for name, cls in CLASSES.items() if issubclass(cls, SavedResult)}
OWN = {"Averages"}  # it draws its chart while it is saved, so its table has to be one


@pytest.mark.parametrize("name", sorted(set(GENERIC) - OWN))
def test_a_result_comes_back_as_it_was(tmp_path, name):
    result = made(GENERIC[name])
    again = GENERIC[name].load(result.save(tmp_path / "new" / "folder"))
    assert equal(result, again)
    shorter = {f.name: f.default if f.default is not MISSING else f.default_factory() for f in fields(result)
               if f.default is not MISSING or f.default_factory is not MISSING}  # fmt: skip
    result = replace(result, **shorter)
    again = GENERIC[name].load(result.save(tmp_path / "new" / "folder"))  # over the older one
    assert equal(result, again)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_class_has_the_four_methods_and_says_so(name):
    cls = CLASSES[name]
    for method in ("to_frame", "plot", "save", "load"):
        assert callable(getattr(cls, method)) and getattr(cls, method).__doc__, method
    assert cls.__doc__


def test_every_class_has_a_kind_of_its_own():
    kinds = [cls.kind for cls in GENERIC.values()]
    assert all(kinds) and len(set(kinds)) == len(kinds)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder of every class."""
    from tests.core.results.cases import averages, evaluation, report

    folder, own = tmp_path_factory.mktemp("results"), {"Averages": averages, "Evaluation": evaluation, "Result": report}
    return {name: (own[name]() if name in own else made(cls)).save(folder / name) for name, cls in CLASSES.items()}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_folder_of_another_class_is_refused_with_a_reason(saved, name):
    for other, folder in saved.items():
        if other == name:
            CLASSES[name].load(folder)
            continue
        with pytest.raises(UsageError) as refused:
            CLASSES[name].load(folder)
        assert str(folder) in str(refused.value)
        if name in GENERIC and other == "Result":
            assert "holds the report of a recording" in str(refused.value)
        elif name in GENERIC and other in GENERIC:
            assert repr(GENERIC[other].kind) in str(refused.value) and repr(GENERIC[name].kind) in str(refused.value)
        else:
            assert "no " in str(refused.value) or "holds an audit" in str(refused.value)


@pytest.mark.parametrize("name", sorted(GENERIC))
def test_another_version_and_half_a_folder_are_refused(saved, name, tmp_path):
    cls = GENERIC[name]
    manifest = saved[name] / cls.manifest
    whole = manifest.read_text()
    try:
        manifest.write_text(json.dumps(json.loads(whole) | {"schema_version": 99}))
        with pytest.raises(UsageError, match=f"has layout 99, this version of affectlens reads {cls.version}"):
            cls.load(saved[name])
        manifest.unlink()
        with pytest.raises(UsageError, match=f"no finished {cls.noun} in it"):
            cls.load(saved[name])
    finally:
        manifest.write_text(whole)
    with pytest.raises(UsageError, match="no finished"):
        cls.load(tmp_path / "nothing")


def test_a_folder_holds_one_result_alone(tmp_path):
    """What is saved over a result of another class takes its place."""
    audit, maps = GENERIC["PropertyAudit"], GENERIC["CamResult"]
    made(audit).save(tmp_path)
    made(maps).save(tmp_path)
    assert [m for m in MANIFESTS if (tmp_path / m).exists()] == ["saved.json"]
    maps.load(tmp_path)
    made(audit).save(tmp_path)
    with pytest.raises(UsageError, match="holds an audit of 'properties'; a result of 'class activation maps' was expected"):
        maps.load(tmp_path)


def test_public_functions_give_back_results_of_these_classes():
    """Of every verb in Python the annotated result is one of the classes."""
    import affectlens
    from affectlens import audit, train
    from affectlens.audits.registry import AUDITS, Late

    functions = [getattr(affectlens, name) for name in ("ablate", "doctor", "evaluate", "explain", "recognize", "usual")]
    entries = [AUDITS.get(name).function for name in AUDITS if AUDITS.get(name).function.__module__.startswith("affectlens")]
    functions += [entry.function if isinstance(entry, Late) else entry for entry in entries]
    functions += [getattr(train, name) for name in dir(train) if not name.startswith("_") and callable(getattr(train, name))]
    assert len(functions) > 12 and audit.__doc__
    for function in functions:
        given = inspect.unwrap(function).__annotations__.get("return")
        given = getattr(given, "__name__", given)
        assert given in CLASSES, f"{function.__module__}.{function.__qualname__} gives {given}"


# Charts and tables of those that have no page.


def test_maps_as_table_and_chart():
    from affectlens.explainers.cam import CamResult

    maps = np.random.default_rng(0).normal(size=(2, 3, 90, 60)).astype(np.float32)
    result = CamResult(maps, np.zeros((2, 3), np.float32), ("a", "b", "c"), "hirescam", "conv")
    frame = result.to_frame()
    assert len(frame) == maps.size and list(frame) == ["picture", "class", "row", "column", "relevance"]
    one = frame[(frame.picture == 1) & (frame["class"] == "c") & (frame.row == 4) & (frame.column == 7)]
    assert one.relevance.item() == maps[1, 2, 4, 7]
    assert len(result.plot().to_dict()["datasets"].popitem()[1]) <= 5000  # as many as altair draws
    with pytest.raises(UsageError, match="unknown chart 'map'; did you mean maps"):
        result.plot("map")


def test_tables_and_charts_of_single_explanations():
    from affectlens.explainers.faithfulness import Faithfulness, faithfulness
    from affectlens.explainers.words import WordAttribution

    weights = np.array([0.5, 0.3, 0.2])
    test = faithfulness(weights, lambda kept: kept @ weights, 0)
    again = faithfulness(weights, lambda kept: kept @ weights, np.random.default_rng(0))
    assert test == again and isinstance(test, Faithfulness)
    assert test.to_frame().set_index("test").area.to_dict() == {"deletion": test.deletion, "insertion": test.insertion}
    assert test.plot().to_dict()["mark"]["type"] == "bar"
    words = WordAttribution(("so", "so", "glad"), np.array([0.1, 0.0, 0.9]), np.array([0.2, 0.0, 1.0]), "joy", 0.01, 32)
    assert words.to_frame().word.tolist() == ["so", "so", "glad"]
    drawn = words.plot().to_dict()
    assert [row["shown"] for row in next(iter(drawn["datasets"].values()))] == ["1 so", "2 so", "3 glad"]


@pytest.mark.parametrize("name", ["DoseResponse", "Survey", "Checkup", "TrainingRun", "LayerReading"])
def test_charts_are_drawn_or_said_to_have_nothing(name):
    result = made(GENERIC[name])
    if name == "TrainingRun":
        with pytest.raises(UsageError, match="chart scores: this result has nothing to draw in it"):
            result.plot()
        scores = pd.DataFrame({"score": ["accuracy"], "value": [0.5], "low": [0.4], "high": [0.6]})
        result = replace(result, scores=scores)
    assert "$schema" in result.plot().to_dict()


def test_a_result_without_charts_says_what_it_has():
    class Bare(SavedResult):
        kind = "bare"

    with pytest.raises(UsageError, match=r"a result of 'bare' has no chart; to_frame\(\) gives its table"):
        Bare().plot()
