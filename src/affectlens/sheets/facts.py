"""What runs and audits found, as facts of a sheet: each with its kind, its numbers and the file that it stands in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.disk.chain import CHAIN, check_chain
from affectlens.core.disk.files import digest_of
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.untrusted.documents import json_of

KINDS = {
    "accuracy": "Accuracy",
    "calibration": "Calibration",
    "coverage": "Coverage and abstention",
    "groups": "Groups",
    "dependence": "Dependence on properties",
    "robustness": "Robustness, by dose",
    "populations": "Populations that the data lack or hardly have",
    "limits": "Limits",
}
FEWEST = 20
# Properties that tell of whom the data are; those that may reveal a special category of personal data, and of which.
TELLING = ("age", "gender", "skin tone (ITA)", "glasses", "electrodes", "age (told)", "gender (told)", "language (told)")
SPECIAL = {
    "skin tone (ITA)": "may reveal racial or ethnic origin (special category)",
    "electrodes": "may reveal health (special category)",
    "hidden share": "may reveal health or religion (masks, scarves)",
    "asymmetry": "may reveal health (special category)",
    "asymmetry of mouth and cheeks": "may reveal health (special category)",
    "asymmetry of eyes and brows": "may reveal health (special category)",
    "glasses": "may reveal health (special category)",
    "age": "protected characteristic, no special category by itself",
    "gender": "protected characteristic, no special category by itself",
    "age (told)": "protected characteristic, no special category by itself",
    "gender (told)": "protected characteristic, no special category by itself",
    "language (told)": "may reveal ethnic origin (special category)",
    "African American English": "may reveal racial or ethnic origin (special category)",
    "Southern English": "may reveal origin",
    "British English": "may reveal origin",
}


@dataclass(frozen=True)
class Fact:
    """One thing that was measured.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    text : str
        In words.
    value, low, high : float or None
        The number with its interval of 95 %, where it has one.
    n : int or None
        Items that it is of.
    source : str
        The file in which it stands.
    """

    kind: str
    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    source: str = ""


@dataclass(frozen=True)
class RunFacts:
    """What one folder tells.

    Attributes
    ----------
    folder, kind : str
        Where it lies, and what was done there.
    models, data : list of dict
        What was looked at: names, sha256, licences.
    versions, settings : dict
        Of whatever computed it, and of the run.
    chain : dict
        Head of the chain of digests and whether all files are as it says.
    facts : list of Fact
        What was found.
    properties : list of str
        Properties that were measured.
    """

    folder: str
    kind: str
    models: list[dict[str, Any]]
    data: list[dict[str, Any]]
    versions: dict[str, Any]
    settings: dict[str, Any]
    chain: dict[str, Any]
    facts: list[Fact] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


def facts_of(folder: Path) -> RunFacts:
    """What a run or an audit found.

    Parameters
    ----------
    folder : Path
        Of an audit (properties and compare; of others identity and data), of ``evaluate --out``, or of ``explain --out``.

    Returns
    -------
    RunFacts

    Raises
    ------
    UsageError
        Nothing of these.
    """
    if (folder / "provenance.json").exists():
        facts = json_of(folder / "provenance.json")
        if isinstance(facts, dict) and "audit" in facts:
            return _audit(folder, facts)
    if (folder / "scores.json").exists():
        return _evaluation(folder)
    reports = sorted(folder.glob("*/provenance.json"))
    if reports:
        return _reports(folder, reports)
    raise UsageError(f"{folder}: no audit, evaluation or reports in it; the folder of --out of one of them was expected")


def _chain(folder: Path) -> dict[str, Any]:
    try:
        found = check_chain(folder)
    except UsageError:
        return {"head": "", "state": f"no {CHAIN}: changes of this run cannot be told"}
    count = len(found.changes)
    state = f"all {found.files} files are as they were when the run was finished" if not count else f"{count} changes since"
    return {"head": found.head, "state": state}


def _audit(folder: Path, facts: dict[str, Any]) -> RunFacts:
    kind, model = str(facts["audit"]), dict(facts.get("model") or {})
    several = model.get("models")
    models = (
        [{"name": name, **known} for name, known in several.items()] if isinstance(several, dict) else [model] if model else []
    )
    found: list[Fact] = []
    properties: list[str] = []
    reader = _READERS.get(kind)
    if reader is not None:
        properties = list(reader(folder, found))
    else:
        found.append(Fact("limits", f"What the audit of {kind} found stands on its page", source="audit.html"))
    return RunFacts(
        str(folder), f"audit {kind}", models, [dict(facts.get("data") or {})], dict(facts.get("versions") or {}),
        dict(facts.get("settings") or {}), _chain(folder), found, properties,
    )  # fmt: skip


def _properties(folder: Path, out: list[Fact]) -> Iterator[str]:
    from affectlens.audits.properties.page import LIMITS
    from affectlens.audits.properties.result import PropertyAudit
    from affectlens.audits.properties.settings import ALPHA

    audit = PropertyAudit.load(folder)
    if len(audit.groups) and "accuracy" in audit.groups:
        for row in audit.groups.to_dict("records"):
            out += _group("", row, "accuracy_low", "accuracy_high")
    for row in audit.tests[audit.tests.p_holm <= ALPHA].to_dict("records"):
        out.append(_dependence("the model", row))
    for name, response in audit.interventions.items():
        for row in response.flips.to_dict("records"):
            text = f"{name} at {row['dose']:g} {response.unit}: share of decisions that change"
            out.append(
                Fact(
                    "robustness", text, float(row["changed_decisions"]), n=response.n, source=f"interventions.{name}.flips.csv"
                )
            )
    out += [Fact("populations", f"{name}: {reason}", source="result.json") for name, reason in audit.excluded.items()]
    out += [Fact("limits", line, source="audit.html") for line in LIMITS]
    yield from audit.kinds


def _compare(folder: Path, out: list[Fact]) -> Iterator[str]:
    from affectlens.audits.compare.families import DEPENDENCE, GAP
    from affectlens.audits.compare.page import LIMITS
    from affectlens.audits.compare.result import Comparison

    audit = Comparison.load(folder)
    kinds = {"calibration_error": "calibration", "brier": "calibration"} | dict.fromkeys(
        ("answered", "coverage", "set_size", "accuracy_of_surest"), "coverage"
    )
    for row in audit.scores.to_dict("records"):
        text = f"{row['model']}: {str(row['measure']).replace('_', ' ')}"
        out.append(Fact(kinds.get(row["measure"], "accuracy"), text, *_numbers(row), int(row["n"]), "scores.csv"))
    for row in audit.groups.to_dict("records"):
        out += _group(f"{row['model']}: ", row, "low", "high")
    for row in audit.claims[audit.claims.family.isin([DEPENDENCE, GAP])].to_dict("records"):
        out.append(_dependence(str(row["model"]), row | {"output": row["measure"]}))
    for row in audit.responses.to_dict("records"):
        text = f"{row['model']}: {row['intervention']} at {row['dose']:g} {row['unit']}: share of decisions that change"
        value = float(row["changed_decisions"])
        out.append(Fact("robustness", text, value, float(row["low"]), float(row["high"]), int(row["n"]), "responses.csv"))
    out += [Fact("populations", f"{name}: {reason}", source="result.json") for name, reason in audit.excluded.items()]
    out += [Fact("limits", line, source="audit.html") for line in LIMITS]
    yield from audit.kinds


_READERS: dict[str, Callable[[Path, list[Fact]], Iterator[str]]] = {"properties": _properties, "compare": _compare}


def _group(whose: str, row: dict[str, Any], low: str, high: str) -> Iterator[Fact]:
    """Accuracy and calibration of one group; of few items that there are few."""
    where = f"{row['property']} {row['group']}"
    if int(row["n"]) < FEWEST or pd.isna(row.get("accuracy")):
        if int(row["n"]) < FEWEST:
            yield Fact("populations", f"{where}: {row['n']} items, too few for a score", n=int(row["n"]), source="groups.csv")
        return
    bounds = _numbers({"value": row["accuracy"], "low": row.get(low), "high": row.get(high)})
    yield Fact("groups", f"{whose}accuracy where {where}", *bounds, int(row["n"]), "groups.csv")
    if pd.notna(row.get("calibration_error", float("nan"))):
        error = float(row["calibration_error"])
        yield Fact("groups", f"{whose}calibration error where {where}", error, n=int(row["n"]), source="groups.csv")


def _dependence(model: str, row: dict[str, Any]) -> Fact:
    sure = f"{row['kind']}, p = {row['p_holm']:.2g} corrected"
    text = f"{row['output']} of {model} depends on {row['property']}, given the label ({sure})"
    return Fact("dependence", text, *_numbers(row | {"value": row["effect"]}), int(row["n"]), "tests.csv")


def _numbers(row: dict[str, Any]) -> tuple[float | None, float | None, float | None]:
    value, low, high = (row.get(name) for name in ("value", "low", "high"))
    known = [None if one is None or pd.isna(one) else float(one) for one in (value, low, high)]
    return known[0], known[1], known[2]


def _evaluation(folder: Path) -> RunFacts:
    from affectlens.evaluation.result import Evaluation

    made = Evaluation.load(folder)
    kinds = {"calibration_error": "calibration", "coverage": "coverage", "set_size": "coverage"}
    found = [
        Fact(kinds.get(name, "accuracy"), name.replace("_", " "), one.value, one.low, one.high, one.n, "scores.json")
        for name, one in made.scores.items()
    ]
    if made.missed:
        found.append(
            Fact("coverage", "items that could not be read; they count as errors", n=len(made.missed), source="missed.csv")
        )
    model = {"name": made.about.get("model", ""), "sha256": made.about.get("sha256", "")}
    data = {"corpus": made.about.get("corpus", ""), "split": made.about.get("split", ""), "items": made.n}
    found += [Fact("limits", note, source="scores.json") for note in made.notes]
    return RunFacts(str(folder), "evaluation", [model], [data], {}, {}, _chain(folder), found)


def _reports(folder: Path, reports: list[Path]) -> RunFacts:
    read: list[dict[str, Any]] = []
    for file in reports:
        try:
            facts = json_of(file)
        except AffectlensError:
            continue
        if isinstance(facts, dict) and "file" in facts:
            read.append(facts)
    if not read:
        raise UsageError(f"{folder}: no finished report in it")
    used = [dict(model) for facts in read for kind in ("models", "third_party") for model in facts.get(kind) or []]
    told = ("name", "sha256", "licence", "corpus")
    models = [
        {key: model[key] for key in told if key in model} for model in {str(one.get("name")): one for one in used}.values()
    ]
    digests = sorted(str(facts.get("sha256", "")) for facts in read)
    data = [{"corpus": "recordings", "items": len(read), "sha256": digest_of(digests)}]
    return RunFacts(str(folder), "reports", models, data, dict(read[0].get("versions") or {}), {}, _chain(folder))
