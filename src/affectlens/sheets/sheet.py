"""The evidence sheet: facts of runs beside the duties that they may serve, questions that people answer, a line to sign.

It gives facts and decides nothing: whether a use is allowed, whether a system is high-risk, whether a level is appropriate.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from affectlens.audits.result import versions
from affectlens.core.barrier import reading
from affectlens.core.disk.files import digest_of, write_json, write_text
from affectlens.core.errors import UsageError, unknown
from affectlens.core.results import SavedResult
from affectlens.core.untrusted.documents import json_of
from affectlens.sheets.facts import SPECIAL, TELLING, Fact, RunFacts, facts_of
from affectlens.sheets.law import Law, law

VERSION = 1
SHEET = "sheet.json"
QUESTIONS = "questions.toml"


@dataclass(frozen=True)
class EvidenceSheet(SavedResult):
    """An evidence sheet.

    Attributes
    ----------
    content : dict
        All of it as JSON types: ``tool``, ``runs``, ``facts``, ``questions`` with ``answer`` (empty where nobody answered),
        ``duties``, ``law``, ``special``. ``sheet.json``, ``sheet.html`` and ``sheet.md`` are written from it alone.
    facts_table : DataFrame
        The facts: kind, text, value, low, high, n, run, source.
    """

    kind: ClassVar[str] = "evidence sheet"
    primary: ClassVar[str] = "facts_table"

    content: dict[str, Any] = field(default_factory=dict)
    facts_table: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def blanks(self) -> list[str]:
        """Questions that nobody has answered."""
        return [question["id"] for question in self.content.get("questions", []) if not question["answer"]]

    def findings(self) -> list[str]:
        """What the sheet has and what it lacks."""
        runs = self.content.get("runs", [])
        return [
            f"{len(self.facts_table)} facts of {len(runs)} {'run' if len(runs) == 1 else 'runs'}; "
            f"{len(self.blanks)} of {len(self.content.get('questions', []))} questions are blank"
        ]

    def report(self, folder: str | Path) -> Path:
        """Write ``sheet.json``, ``sheet.html``, ``sheet.md`` and ``questions.toml`` to be filled in; gives the page."""
        from affectlens.sheets.page import html, markdown

        folder = Path(folder)
        write_json(folder / SHEET, self.content)
        write_text(folder / "sheet.md", markdown(self.content))
        write_text(folder / QUESTIONS, _questions_file(self.content))
        return write_text(folder / "sheet.html", html(self.content))


def sheet(
    runs: str | Path | Iterable[str | Path], *, answers: str | Path | None = None, out: str | Path | None = None
) -> EvidenceSheet:
    """An evidence sheet of finished runs: facts beside duties of Regulation (EU) 2024/1689, blanks kept blank.

    Parameters
    ----------
    runs : path or several
        Folders of audits, of ``evaluate --out`` and of ``explain --out``.
    answers : path, optional
        A toml or json file with answers by the question's name (``context.work = "no"``); ``questions.toml`` beside a sheet has
        all of them, to be filled in.
    out : path, optional
        Folder for ``sheet.json``, ``sheet.html``, ``sheet.md`` and ``questions.toml``.

    Returns
    -------
    EvidenceSheet

    Raises
    ------
    UsageError
        No run, a folder without one, or answers to questions that are not asked.

    Examples
    --------
    >>> found = sheet(["audit-properties/face-fer2013"], out="sheet")  # doctest: +SKIP
    >>> found.blanks  # doctest: +SKIP
    ['system.name', 'system.version', …]
    """
    folders = [Path(runs)] if isinstance(runs, str | Path) else [Path(run) for run in runs]
    if not folders:
        raise UsageError("no run given: the folder of a finished audit, evaluation or explanation was expected")
    table = law()
    given = _answers(answers, table)
    made = [facts_of(folder) for folder in folders]
    content = {
        "sheet": VERSION,
        "decides": "nothing: it gives facts, and people decide",
        "tool": _tool(),
        "runs": [{key: value for key, value in run.to_dict().items() if key != "facts"} for run in made],
        "facts": [asdict(fact) | {"run": run.folder} for run in made for fact in _all_facts(run)],
        "special": _special(made),
        "questions": [asdict(question) | {"answer": given.get(question.id, "")} for question in table.questions],
        "duties": [asdict(duty) for duty in table.duties],
        "law": {
            "as_of": table.as_of, "sources": list(table.sources), "unverified": table.unverified, "dates": list(table.dates),
        },
    }  # fmt: skip
    columns = ["kind", "text", "value", "low", "high", "n", "run", "source"]
    result = EvidenceSheet(content, pd.DataFrame(content["facts"], columns=columns))
    if out is not None:
        result.report(out)
    return result


def _tool() -> dict[str, Any]:
    """What computed the facts: versions, and a digest of this package's own code."""
    root = resources.files("affectlens")
    with resources.as_file(root) as folder:
        files = sorted(path for path in Path(folder).rglob("*.py"))
        code = digest_of(*(f"{path.relative_to(folder).as_posix()}\n{path.read_text(encoding='utf-8')}" for path in files))
    return {"name": "affectlens", "versions": versions(), "sha256_of_code": code}


def _all_facts(run: RunFacts) -> list[Fact]:
    """Facts of a run, and which populations no property of it tells of."""
    facts = list(run.facts)
    if run.kind in ("audit properties", "audit compare"):
        missing = [name for name in TELLING if name not in run.properties]
        if missing:
            facts.append(Fact("populations", f"nothing tells how many of each there are by {', '.join(missing)}: not measured"))
    return facts


def _special(runs: list[RunFacts]) -> list[dict[str, str]]:
    """Measured properties that may reveal special categories of personal data or protected characteristics."""
    measured = dict.fromkeys(name for run in runs for name in run.properties)
    return [{"property": name, "what": SPECIAL[name]} for name in measured if name in SPECIAL]


def _answers(path: str | Path | None, table: Law) -> dict[str, str]:
    """Answers by question."""
    if path is None:
        return {}
    file = Path(path)
    with reading(file, "a file of answers", UsageError):
        try:
            text = file.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise UsageError(f"--answers {file}: {error.strerror}") from error
        try:
            read = json_of(file) if file.suffix.lower() == ".json" else tomllib.loads(text)
        except ValueError as error:
            raise UsageError(f"--answers {file}: neither toml nor json ({error})") from error
    flat = _flat(read) if isinstance(read, Mapping) else {}
    known = [question.id for question in table.questions]
    for name in flat:
        if name not in known:
            raise UsageError(f"--answers {file}: {unknown('question', name, known)}")
    return {name: str(value).strip() for name, value in flat.items()}


def _flat(given: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            out |= _flat(value, f"{before}{name}.")
        else:
            out[f"{before}{name}"] = value
    return out


def _questions_file(content: Mapping[str, Any]) -> str:
    """Every question with its answer so far, as toml to be filled in and given back as ``--answers``."""
    lines = ["# Answer what you can, leave the rest blank, and give this file as --answers.", ""]
    for question in content["questions"]:
        source = f" ({question['law']})" if question["law"] else ""
        answer = str(question["answer"]).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        lines += [f"# {question['part']}: {question['text']}{source}", f'"{question["id"]}" = "{answer}"', ""]
    return "\n".join(lines)
