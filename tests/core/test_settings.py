"""Settings: written once, checked when they are made, plain when they are kept."""

import json
from dataclasses import FrozenInstanceError, dataclass, fields
from pathlib import Path

import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.core.settings import Settings, flag_of, kinds_of, nearest, plain, setting, with_fields


@dataclass(frozen=True)
class Example(Settings):
    name: str = setting(help="a name")
    methods: tuple[str, ...] = setting(("mean",), "how", choices=lambda: ["mean", "median"])
    scheme: str = setting("one", "which", choices=("one", "two"))
    rate: float = setting(1.0, "a second", least=0.5, most=4, flag="per-second")
    count: int = setting(3, "how many", least=1)
    share: float = setting(0.5, "of all", most=1)
    out: Path | None = setting(None, "where")
    seed: int | None = setting(None, "of draws")
    even: int = setting(2, "an even number", check=lambda v: "" if v % 2 == 0 else "an even number was expected")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"methods": ("mean", "medain")}, r"^--methods mean,medain: one of mean, median was expected; did you mean median\?$"),
        ({"scheme": "three"}, r"^--scheme 'three': one of one, two was expected"),
        ({"rate": 0.4}, r"^--per-second 0.4: a number from 0.5 to 4 was expected$"),
        ({"rate": 4.1}, "from 0.5 to 4"),
        ({"rate": float("nan")}, "from 0.5 to 4"),
        ({"rate": "fast"}, "--per-second 'fast': a number was expected"),
        ({"rate": True}, "a number was expected"),
        ({"count": 0}, "of at least 1"),
        ({"count": 2.5}, "a whole number was expected"),
        ({"count": "2"}, "a whole number was expected"),
        ({"share": 1.5}, "of at most 1"),
        ({"seed": "x"}, "--seed 'x': a whole number was expected"),
        ({"name": 3}, "--name 3: a text was expected"),
        ({"methods": "mean"}, "several were expected"),
        ({"even": 3}, r"--even 3: an even number was expected"),
    ],
)
def test_a_wrong_value_is_named_with_its_option(given, says):
    with pytest.raises(UsageError, match=says):
        Example(**{"name": "a"} | given)


def test_bounds_are_allowed_and_other_numbers_count_too():
    made = Example("a", rate=0.5, count=np.int64(1), share=1, seed=None, methods=["median"], even=np.int32(4))
    assert made.methods == ("median",)  # a list is as good as a tuple
    assert json.loads(json.dumps(made.to_dict()))["count"] == 1
    assert Example("a", rate=4).rate == 4 and Example("a", share=-3.0).share == -3
    assert Example("a", count=2.0).count == 2


def test_settings_do_not_change_and_are_plain_when_kept():
    made = Example("a", out=Path("x/y"))
    with pytest.raises(FrozenInstanceError):
        made.name = "b"
    kept = made.to_dict()
    assert kept["out"] == "x/y" and kept["methods"] == ["mean"] and json.loads(json.dumps(kept)) == kept
    assert plain({1: (Path("a"), {"b": ()})}) == {"1": ["a", {"b": []}]}


def test_a_changeable_default_is_no_default():
    for wrong in ([], {}, set()):
        with pytest.raises(TypeError, match="immutable"):
            setting(wrong)
    with pytest.raises(TypeError):
        Example()  # a setting without a default has to be given


def test_kinds_and_flags_for_the_command_line():
    kinds = kinds_of(Example)
    assert kinds["methods"] == (str, True, False) and kinds["out"] == (Path, False, True)
    assert kinds["rate"] == (float, False, False) and kinds["seed"] == (int, False, True)
    flags = {f.name: flag_of(f) for f in fields(Example)}
    assert flags["rate"] == "--per-second" and flags["name"] == "--name" and flags["methods"] == "--methods"


def test_single_settings_are_replaced():
    assert with_fields(Example, None, {"name": "a"}) == Example("a")
    assert with_fields(Example, Example("a", count=5), {"name": "b"}) == Example("b", count=5)
    with pytest.raises(UsageError, match="did you mean count"):
        with_fields(Example, None, {"name": "a", "counts": 2})
    with pytest.raises(UsageError, match="of at least 1"):
        with_fields(Example, Example("a"), {"count": 0})


def test_near_words():
    assert nearest("medain", ["mean", "median"]) == "; did you mean median?" and nearest("xyz", ["mean"]) == ""
