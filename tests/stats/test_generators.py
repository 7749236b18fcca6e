"""A source of random numbers is a whole number or a generator, in every public function that takes one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import affectlens
from affectlens.core.errors import UsageError
from affectlens.stats.exchanges import drawn_exchanges
from affectlens.stats.independence import p_against_n, test, vote
from affectlens.stats.multiple import permute_units, permute_within
from affectlens.stats.randomization import sign_flip_test
from affectlens.stats.resample import bootstrap

PACKAGE = Path(affectlens.__file__).parent
# The parts of a test, which are called by its public functions alone: by then the source is a generator.
PARTS = PACKAGE / "stats" / "independence"
NUMBERS = np.random.default_rng(1).normal(size=(3, 60))
LABELS = np.arange(60) % 3


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions and methods without an underscore before their names or their class's; those inside functions are not public."""
    inside = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))]
    for place in inside:
        yield from (node for node in place.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"))


def taken() -> Iterator[tuple[str, str, str]]:
    """Public functions with a parameter rng: where they are, how it is annotated, and their source."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "generators.py" or (path.is_relative_to(PARTS) and path.name != "api.py"):
            continue
        for function in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
            given = function.args
            for one in (*given.posonlyargs, *given.args, *given.kwonlyargs):
                if one.arg == "rng":
                    where = f"{path.relative_to(PACKAGE)}: {function.name}"
                    yield where, ast.unparse(one.annotation) if one.annotation else "", ast.unparse(function)


def test_every_public_function_takes_a_number_or_a_generator():
    functions = list(taken())
    assert len(functions) > 50
    assert [where for where, annotation, _ in functions if annotation != "Rng"] == []
    assert [where for where, _, source in functions if "generator(rng)" not in source and "seed_of(rng)" not in source] == []


def whole(table):
    """The numbers of an answer, so that two can be compared."""
    return table.to_numpy(float).tolist()


CASES = {
    "bootstrap": lambda rng: bootstrap(lambda rows: float(NUMBERS[0][rows].mean()), 60, rng, draws=50).low,
    "drawn_exchanges": lambda rng: drawn_exchanges([np.arange(30), np.arange(30, 60)], 60, 5, rng).tolist(),
    "p_against_n": lambda rng: whole(p_against_n(*NUMBERS, rng=rng, sizes=(40,), repeats=2)),
    "permute_units": lambda rng: permute_units(LABELS % 3, LABELS.astype(str), rng).tolist(),
    "permute_within": lambda rng: permute_within(LABELS, rng).tolist(),
    "sign_flip_test": lambda rng: sign_flip_test(NUMBERS[0] + 0.3, rng).pvalue,
    "test": lambda rng: test(NUMBERS[0], NUMBERS[1], LABELS.astype(str), rng=rng).pvalue,
    "vote": lambda rng: list(vote(*NUMBERS, rng=rng).each.values()),
}


@pytest.mark.parametrize("name", CASES)
def test_a_number_and_a_generator_of_it_draw_alike(name):
    drawn = [CASES[name](rng) for rng in (3, np.int64(3), np.random.default_rng(3))]
    assert drawn[0] == drawn[1] == drawn[2]
    assert any(CASES[name](other) != drawn[0] for other in range(4, 12))
    with pytest.raises(UsageError, match=r"rng '3'; a whole number of at least 0 or a numpy\.random\.Generator was expected"):
        CASES[name]("3")
