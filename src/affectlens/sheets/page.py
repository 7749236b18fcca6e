"""The sheet for people: a page and a text, from what ``sheet.json`` holds and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from affectlens.core.listing import rest
from affectlens.figures.html import environment
from affectlens.sheets.facts import KINDS

BLANK = "______________________________"
ROWS = 120  # facts of one kind on the page


def number_of(fact: Mapping[str, Any]) -> str:
    """A fact's number with its interval and the items behind it; empty where it has none.

    Returns
    -------
    str
        For people.

    Examples
    --------
    >>> number_of({"value": 0.684, "low": 0.668, "high": 0.699, "n": 3589})
    '0.684 (0.668 to 0.699), n = 3589'
    """
    parts = []
    if fact.get("value") is not None:
        parts.append(f"{fact['value']:.3f}")
        if fact.get("low") is not None and fact.get("high") is not None:
            parts[0] += f" ({fact['low']:.3f} to {fact['high']:.3f})"
    if fact.get("n") is not None:
        parts.append(f"n = {fact['n']}")
    return ", ".join(parts)


def sections(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Facts by kind, as pages list them, each with the sentence about what is left out."""
    for kind, title in KINDS.items():
        facts = [fact for fact in content["facts"] if fact["kind"] == kind]
        rows = [(fact["text"], number_of(fact), fact["run"], fact["source"]) for fact in facts[:ROWS]]
        yield {"kind": kind, "title": title, "rows": rows, "rest": rest(ROWS, len(facts), "facts", "sheet.json")}


def parts(content: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Questions by the part of the sheet in which they stand."""
    out: dict[str, list[dict[str, Any]]] = {}
    for question in content["questions"]:
        out.setdefault(question["part"], []).append(question)
    return out


def served(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Duties with how many facts of which kind may serve each."""
    counts = {kind: sum(fact["kind"] == kind for fact in content["facts"]) for kind in KINDS}
    counts |= {"identity": len(content["runs"]), "data": len(content["runs"]), "chain": len(content["runs"])}
    titles = KINDS | {"identity": "Identity", "data": "Data", "chain": "Chain of digests"}
    out = []
    for duty in content["duties"]:
        there = [(kind, f"{titles[kind]} ({counts[kind]})") for kind in duty["facts"] if counts[kind]]
        missing = [titles[kind] for kind in duty["facts"] if not counts[kind]]
        out.append(dict(duty) | {"there": there, "missing": missing})
    return out


def html(content: Mapping[str, Any]) -> str:
    """The page.

    Returns
    -------
    str
        Self-contained, with the lines to be filled in by hand.
    """
    return str(
        environment().get_template("sheet.html").render(
            content=content, parts=parts(content), sections=list(sections(content)), duties=served(content), blank=BLANK,
            title="Evidence sheet",
        )
    )  # fmt: skip


def markdown(content: Mapping[str, Any]) -> str:
    """The same as plain text with Markdown's marks.

    Returns
    -------
    str
        Lines.
    """
    lines = ["# Evidence sheet", "", f"It decides {content['decides']}.", ""]
    for part, questions in parts(content).items():
        if part != "Signature":
            lines += _asked(part, questions)
    lines += ["## Identity", ""]
    for run in content["runs"]:
        lines += [f"- {run['kind']}: `{run['folder']}`; {run['chain']['state']}; head {run['chain']['head'] or 'none'}"]
        lines += [f"  - model {_identity(model)}" for model in run["models"]]
        lines += [f"  - data {_identity(data)}" for data in run["data"]]
    tool = content["tool"]
    lines += [
        f"- tool: {tool['name']} {tool['versions'].get('affectlens', '')}, sha256 of its code {tool['sha256_of_code']}",
        "",
    ]
    for section in sections(content):
        lines += [f"## {section['title']}", ""]
        lines += [f"- {text}{f': {number}' if number else ''}" for text, number, _, _ in section["rows"]] or ["No fact."]
        lines += [section["rest"]] if section["rest"] else []
        lines.append("")
    lines += ["## Grounds for special categories", ""]
    lines += [f"- {entry['property']}: {entry['what']}" for entry in content["special"]] or ["None of the measured properties."]
    lines += ["", "## Duties and the facts that may serve them", ""]
    for duty in served(content):
        there = ", ".join(text for _, text in duty["there"]) or "none"
        lacking = f"; no facts of: {', '.join(duty['missing'])}" if duty["missing"] else ""
        said = f"- **{duty['article']}** ({duty['addressee']}): {duty['asks']}. Facts: {there}{lacking}."
        lines.append(f"{said} Open: {duty['open']}. {BLANK}")
    law = content["law"]
    lines += ["", f"## Dates of application, as of {law['as_of']}", ""]
    lines += [f"- {entry['date']}: {entry['what']} ({entry['source']})" for entry in law["dates"]]
    lines += ["", law["unverified"], "", *(f"- {source}" for source in law["sources"]), ""]
    lines += _asked("Signature", parts(content).get("Signature", []))
    return "\n".join(lines) + "\n"


def _asked(part: str, questions: list[dict[str, Any]]) -> list[str]:
    lines = [f"## {part}", ""]
    for question in questions:
        source = f" ({question['law']})" if question["law"] else ""
        lines.append(f"- {question['text']}{source}: {question['answer'] or BLANK}")
    return [*lines, ""]


def _identity(known: Mapping[str, Any]) -> str:
    return "; ".join(f"{key} {value}" for key, value in known.items() if value not in ("", None))
