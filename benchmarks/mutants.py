"""Small wrong changes to a module's syntax tree: what `python -m benchmarks.mutation` makes, one at a time."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

SMALLEST = 1e-4  # floats below it guard against division by zero or rounding: halving them changes nothing that can be seen

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_OPPOSITES = {
    "min": "max",
    "minimum": "maximum",
    "argmin": "argmax",
    "nanmin": "nanmax",
    "any": "all",
    "floor": "ceil",
    "amin": "amax",
    "clamp_min": "clamp_max",
}
_OPPOSITES |= {v: k for k, v in _OPPOSITES.items()}
# The order of these functions' two arguments does not matter, or a swap is no mistake that anyone makes.
_SYMMETRIC = {
    "min", "max", "minimum", "maximum", "isinstance", "hasattr", "getattr", "allclose", "cast", "gcd", "range", "zip",
    "transpose", "hypot", "array_equal", "spearmanr", "adjusted_rand_score", "adjusted_mutual_info_score",
}  # fmt: skip
_SPEECH = {"warn", "debug", "info", "warning", "error", "exception", "log", "print"}  # words for people
_UNTOUCHED_KEYWORDS = {"strict", "stacklevel", "encoding", "indent"}


@dataclass(frozen=True)
class Mutant:
    """One change: where it is, what it is, and the module's code with it."""

    line: int
    within: str  # qualified name of the function or class around it; empty at the module's level
    function: str  # outermost function whose code holds the change; empty where importing the module runs it
    change: str
    code: CodeType


@dataclass(frozen=True)
class _Site:
    """A field of a node whose value can be replaced by each of some others."""

    parent: ast.AST
    field: str
    index: int | None
    within: str
    function: str
    new: tuple[ast.AST, ...]

    @property
    def old(self) -> ast.AST:
        value = getattr(self.parent, self.field)
        return value if self.index is None else value[self.index]

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants(source: str, filename: str) -> Iterator[Mutant]:
    """Every mutant of a module in the order of its text.

    Parameters
    ----------
    source : str
        Text of the module.
    filename : str
        Absolute path that the compiled code names.
    """
    tree = ast.parse(source)
    for site in list(_sites(tree, "", "")):
        old = site.old
        for new in site.new:
            ast.copy_location(new, old)
            ast.fix_missing_locations(new)
            site.put(new)
            code = compile(tree, filename, "exec", dont_inherit=True)
            yield Mutant(getattr(old, "lineno", 0), site.within, site.function, _change(old, new), code)
        site.put(old)


def _change(old: ast.AST, new: ast.AST) -> str:
    return f"{_short(old)} → {_short(new)}"


def _short(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _sites(node: ast.AST, within: str, function: str) -> Iterator[_Site]:
    """Places below a node; ``within`` and ``function`` as in ``Mutant``."""
    for field, value in ast.iter_fields(node):
        if _is_left_alone(node, field):
            continue
        many = isinstance(value, list)
        for index, child in enumerate(value if many else [value]):
            if not isinstance(child, ast.AST) or _is_speech(child):
                continue
            in_body = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and field == "body"
            # Defaults and decorators run when the function is defined, its body when it is called.
            outer = (function or within) if in_body else function
            name = _name_within(child, within)
            new = tuple(_replacements(child, node, field))
            if new:
                yield _Site(node, field, index if many else None, within, outer, new)
            yield from _sites(child, name, outer)


def _name_within(node: ast.AST, within: str) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return f"{within}.{node.name}" if within else node.name
    return within


def _is_left_alone(node: ast.AST, field: str) -> bool:
    """Types, decorators, texts, and what an error says."""
    if field in ("annotation", "returns", "decorator_list", "bases"):
        return True
    if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Raise | ast.Global):
        return True
    if isinstance(node, ast.keyword) and node.arg in _UNTOUCHED_KEYWORDS:
        return True
    return isinstance(node, ast.Assert) and field == "msg"


def _is_speech(node: ast.AST) -> bool:
    """A docstring, a call that says something to people, what only type checkers read, or a list of exported names."""
    if isinstance(node, ast.Expr):
        if isinstance(node.value, ast.Constant):
            return True
        call = node.value
        return isinstance(call, ast.Call) and _called(call) in _SPEECH
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _replacements(node: ast.AST, parent: ast.AST, field: str) -> Iterator[ast.AST]:
    """What a node can wrongly become."""
    if isinstance(node, ast.stmt):
        yield from _statements(node, parent, field)
    elif isinstance(node, ast.Compare):
        yield from _comparisons(node)
    elif isinstance(node, ast.BinOp):
        other = _ARITHMETIC.get(type(node.op))
        if other is not None and not _is_text(node.left) and not _is_text(node.right):
            yield ast.BinOp(node.left, other(), node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Slice):
        yield from _slices(node)
    if (
        field == "test"
        and isinstance(parent, ast.If | ast.IfExp | ast.While)
        and not isinstance(node, ast.Compare | ast.UnaryOp)
    ):
        yield ast.UnaryOp(ast.Not(), node)


def _statements(node: ast.stmt, parent: ast.AST, field: str) -> Iterator[ast.AST]:
    called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    stored = isinstance(node, ast.Assign) and all(isinstance(t, ast.Attribute | ast.Subscript) for t in node.targets)
    left = isinstance(node, ast.Raise | ast.Break | ast.Continue | ast.AugAssign)
    early = isinstance(node, ast.Return) and isinstance(parent, ast.If | ast.For | ast.While | ast.Try)
    if called or stored or left or early:
        yield ast.Pass()
    if isinstance(node, ast.AugAssign):
        other = _ARITHMETIC.get(type(node.op))
        if other is not None and not _is_text(node.value):
            yield ast.AugAssign(node.target, other(), node.value)


def _comparisons(node: ast.Compare) -> Iterator[ast.AST]:
    for i, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            yield ast.Compare(node.left, [*node.ops[:i], other(), *node.ops[i + 1 :]], node.comparators)


def _constants(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, float) and (value == 0 or SMALLEST <= abs(value) < float("inf")):
        yield ast.Constant(value / 2 if value else 1.0)


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    name = _called(node)
    if name in _OPPOSITES:
        function = copy.copy(node.func)
        if isinstance(function, ast.Attribute):
            function.attr = _OPPOSITES[name]
        elif isinstance(function, ast.Name):
            function.id = _OPPOSITES[name]
        yield ast.Call(function, node.args, node.keywords)
    plain = len(node.args) == 2 and not any(isinstance(a, ast.Starred) for a in node.args)
    if plain and name not in _SYMMETRIC and ast.dump(node.args[0]) != ast.dump(node.args[1]):
        yield ast.Call(node.func, node.args[::-1], node.keywords)


def _slices(node: ast.Slice) -> Iterator[ast.AST]:
    """Off by one where the bound is no plain number (that is changed as a constant)."""
    for bound in ("lower", "upper"):
        value = getattr(node, bound)
        if value is None or isinstance(value, ast.Constant | ast.UnaryOp):
            continue
        changed = copy.copy(node)
        setattr(changed, bound, ast.BinOp(value, ast.Add() if bound == "lower" else ast.Sub(), ast.Constant(1)))
        yield changed


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
