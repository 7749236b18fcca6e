"""The mutants of a small module: what is changed, and what is left alone."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.mutants import mutants

SOURCE = '''"""Doc 1."""
import os
LIMIT = 3
def f(x: int = 2, *, strict: bool = False) -> float:
    """Two 2."""
    if x > LIMIT and not strict:
        raise ValueError(f"at most {LIMIT + 1}")
    x += 1
    print("said", 5)
    return min(x * 0.5, g(x, 7)[1:x])
'''


def test_every_kind_of_change_is_made_once():
    made = [m.change for m in mutants(SOURCE, "/m.py")]
    assert len(made) == len(set(made)) or made.count("1 → 2") >= 1
    for change in (
        "3 → 4", "3 → 2", "2 → 3", "False → True", "x > LIMIT → x >= LIMIT", "x > LIMIT → x <= LIMIT", "not strict → strict",
        "x > LIMIT and (not strict) → x > LIMIT or not strict", "x += 1 → pass", "x += 1 → x -= 1", "x * 0.5 → x / 0.5", "0.5 → 0.25",
        "min(x * 0.5, g(x, 7)[1:x]) → max(x * 0.5, g(x, 7)[1:x])", "g(x, 7) → g(7, x)", "1:x → 1:x - 1",
    ):  # fmt: skip
        assert change in made, change
    assert any(c.startswith("raise ValueError") and c.endswith("→ pass") for c in made)


def test_words_types_and_imports_are_left_alone():
    for m in mutants(SOURCE, "/m.py"):
        assert "Doc" not in m.change and "LIMIT + 1 →" not in m.change and "said" not in m.change and m.line not in (2, 9)


def test_a_change_is_in_the_code_and_knows_its_function():
    by_change = {m.change: m for m in mutants(SOURCE, "/m.py")}
    space = {"g": lambda x, y: [0] * 9, "min": lambda a, b: a}
    exec(by_change["0.5 → 0.25"].code, space)
    assert space["f"](2) == 0.75 and by_change["0.5 → 0.25"].function == "f"
    assert by_change["3 → 4"].function == "" and by_change["2 → 3"].function == ""  # importing runs both
    nested = "class A:\n    def b(self):\n        def c():\n            return 1 + self.d\n        return c\n"
    (m,) = [m for m in mutants(nested, "/m.py") if "self.d →" in m.change]
    assert (m.within, m.function, m.line) == ("A.b.c", "A.b", 4)
