"""State of the code at one or more git revisions, side by side: the table of docs/architecture.md.

Usage: python scripts/house.py REV [REV ...] [--coverage FILE ...] [--mutation FILE ...] [--no-mypy]

``--coverage`` (a .coverage file) and ``--mutation`` (mutation.json of ``python -m benchmarks.mutation``) take one file a
revision in the same order, ``-`` where there is none. A revision ``.`` is the working tree as it is.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

PACKAGE = "affectlens"
WINDOW = 6  # equal lines in a row that count as a duplicate
COMPLEX = 15  # cyclomatic complexity from which a function counts
MYPY = """[mypy]
strict = true
ignore_missing_imports = true
[mypy-transformers.*]
follow_imports = skip
"""


def main() -> int:
    """Print one table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("revisions", nargs="+", metavar="REV")
    parser.add_argument("--coverage", nargs="*", default=[], metavar="FILE")
    parser.add_argument("--mutation", nargs="*", default=[], metavar="FILE")
    parser.add_argument("--no-mypy", action="store_true")
    options = parser.parse_args()
    columns = []
    for i, revision in enumerate(options.revisions):
        with tempfile.TemporaryDirectory() as folder:
            root = unpack(revision, Path(folder))
            rows = measure(root, with_types=not options.no_mypy)
        rows["branch coverage"] = coverage_of(pick(options.coverage, i))
        rows["mutation score"] = mutation_of(pick(options.mutation, i))
        columns.append(rows)
    print("| | " + " | ".join(options.revisions) + " |")
    print("|---|" + "---|" * len(columns))
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(c[name] for c in columns) + " |")
    return 0


def pick(files: list[str], i: int) -> Path | None:
    """The i-th file, or None where none was given."""
    return Path(files[i]) if i < len(files) and files[i] != "-" else None


def unpack(revision: str, folder: Path) -> Path:
    """The files of a revision, in ``folder``."""
    if revision == ".":
        return Path.cwd()
    archive = subprocess.run(["git", "archive", revision], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def measure(root: Path, with_types: bool = True) -> dict[str, str]:
    """Rows of the table by name."""
    source = root / "src"
    files = sorted(source.rglob("*.py"))
    texts = {f: f.read_text(encoding="utf-8") for f in files}
    code = {f: sum(1 for _ in code_lines(t)) for f, t in texts.items()}
    folders = Counter(f.parent for f in files if f.name != "__init__.py")
    largest = max(folders, key=folders.__getitem__)
    longest = max(code, key=code.__getitem__)
    graph = imports({module_of(f, source): t for f, t in texts.items()})
    rooms = by_room(graph)
    tests = [t.read_text(encoding="utf-8") for t in (root / "tests").rglob("*.py")]
    worst, count = complexity(source)
    return {
        "modules": str(len(files)),
        "lines of code (without blanks, comments and docstrings)": f"{sum(code.values()):,}",
        "lines of code in tests": f"{sum(sum(1 for _ in code_lines(t)) for t in tests):,}",
        "files in the fullest folder": f"{folders[largest]} ({largest.relative_to(source / PACKAGE).as_posix()})",
        "longest file, lines of code": f"{code[longest]} ({longest.relative_to(source / PACKAGE).as_posix()})",
        "import circles of modules": circles(graph),
        "import circles of rooms": circles(rooms),
        f"duplicates: lines in {WINDOW} or more equal ones": f"{duplicated(texts)}",
        f"functions of complexity {COMPLEX} or more": f"{count} (highest {worst})" if count else "0",
        "mypy errors with all strict flags": types(root) if with_types else "not run",
    }


def code_lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and text of lines that hold code: no blanks, comments or docstrings."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                documented.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.strip()
        if plain and not plain.startswith("#") and number not in documented:
            yield number, plain


def module_of(file: Path, source: Path) -> str:
    """Dotted name of a file's module."""
    parts = file.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(texts: dict[str, str]) -> dict[str, set[str]]:
    """For every module the modules of the package that it imports, lazily or not, but not for type checkers alone."""
    graph: dict[str, set[str]] = {}
    for module, text in texts.items():
        graph[module] = set()
        for node in runtime_nodes(ast.parse(text)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                # What is imported from a package may be one of its modules.
                names = [f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in texts else node.module for a in node.names]
            else:
                continue
            graph[module].update(n for n in names if n in texts and n != module)
    return graph


def runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes below, without what stands under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from runtime_nodes(child)


def by_room(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The graph of the package's first-level folders and files."""
    out: dict[str, set[str]] = defaultdict(set)
    for module, targets in graph.items():
        room = module.split(".")[1] if "." in module else ""
        for target in targets:
            other = target.split(".")[1] if "." in target else ""
            if room and other and other != room:
                out[room].add(other)
    return dict(out)


def circles(graph: dict[str, set[str]]) -> str:
    """Strongly connected components with more than one member (Tarjan 1972): how many, and how many members."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[int] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph.get(node, ()):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            size = len(stack) - stack.index(node)
            del stack[-size:]
            if size > 1:
                found.append(size)

    sys.setrecursionlimit(10_000)
    for node in graph:
        if node not in index:
            visit(node)
    return f"{len(found)} ({sum(found)} members)" if found else "0"


def duplicated(texts: dict[Path, str]) -> int:
    """Lines of code that lie in a run of ``WINDOW`` lines which occurs elsewhere too; imports do not count."""
    places: dict[tuple[str, ...], list[tuple[Path, tuple[int, ...]]]] = defaultdict(list)
    for file, text in texts.items():
        lines = [(n, line) for n, line in code_lines(text) if not line.startswith(("import ", "from "))]
        for i in range(len(lines) - WINDOW + 1):
            numbers, words = zip(*lines[i : i + WINDOW], strict=True)
            places[words].append((file, numbers))
    twice: set[tuple[Path, int]] = set()
    for where in places.values():
        if len(where) > 1:
            twice.update((file, n) for file, numbers in where for n in numbers)
    return len(twice)


def complexity(source: Path) -> tuple[int, int]:
    """Highest McCabe complexity of a function, and how many reach ``COMPLEX``."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "C901", "--output-format", "json"]
    command += ["--config", f"lint.mccabe.max-complexity={COMPLEX - 1}", str(source)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    numbers = [int(f["message"].split("(")[-1].split(" ")[0]) for f in found]
    return max(numbers, default=0), len(numbers)


def types(root: Path) -> str:
    """How many errors mypy gives when nothing is switched off."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "mypy.ini"
        settings.write_text(MYPY)
        command = [sys.executable, "-m", "mypy", "--config-file", str(settings), "--cache-dir", str(Path(folder) / "cache")]
        environment = {"MYPYPATH": str(root / "src")}
        done = subprocess.run(
            [*command, str(root / "src" / PACKAGE)], capture_output=True, text=True, check=False, cwd=root, env=environment
        )
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()
    return "0" if last.startswith("Success") else last.removeprefix("Found ").split(" error")[0]


def coverage_of(file: Path | None) -> str:
    """Total of a .coverage file, with branches where they were measured."""
    if file is None or not file.exists():
        return "not measured"
    command = [sys.executable, "-m", "coverage", "report", f"--data-file={file}", "--format=total", "--precision=1", "-i"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{done.stdout.strip()} %" if done.returncode == 0 else f"unreadable: {done.stderr.strip()}"


def mutation_of(file: Path | None) -> str:
    """Share of mutants that the tests kill."""
    if file is None or not file.exists():
        return "not measured"
    result = json.loads(file.read_text(encoding="utf-8"))
    return f"{result['killed'] / max(result['of'], 1):.1%} ({result['killed']} of {result['of']})"


if __name__ == "__main__":
    sys.exit(main())
