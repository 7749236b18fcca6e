"""The page of a property audit: findings in plain words, tables, curves, samples, methods, limits, evidence sheet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from PIL import Image

from affectlens.audits.properties.audit import ALPHA, DECISION, PropertyAudit
from affectlens.explainers.interventions.dose import DoseResponse
from affectlens.features.properties.registry import property_named
from affectlens.figures.charts import finish
from affectlens.figures.page import Figure, Section, write_page


def findings(audit: PropertyAudit, most: int = 8) -> list[str]:
    """The strongest dependences in plain words, with effect, interval, p and n; or that none was found, and what could have
    been."""
    tests = audit.tests
    held = tests[(tests["p (Holm)"] <= ALPHA) & (tests.output != DECISION)]
    count, total = audit.share
    out = [
        f"{count} of {total} tests (properties × outputs, n = {audit.n}) are significant after Holm's correction, given "
        f"{audit.given}. With this many items a correlation of {tests['smallest found'].median():.2f} is found four times in "
        f"five: "
        "significance alone says little, the sizes below say more."
    ]
    kinds: dict[str, str] = audit.settings.get("kinds", {})  # type: ignore[assignment]
    strongest = held.assign(size=held.effect.abs()).sort_values("size", ascending=False).drop_duplicates("property")
    for r in strongest.head(most).to_dict("records"):
        p = _known(r["property"])
        sign = _sentence(r, p["says"], kinds.get(r["property"], ""))
        out.append(
            f"{sign}: {r['kind']} {r['effect']:+.2f} ({r['low']:+.2f} to {r['high']:+.2f}), p = {r['p (Holm)']:.2g} corrected, "
            f"n = {r['n']}." + (f" Careful: {p['weak']}." if p["weak"] else "")
        )
    silent = [n for n in dict.fromkeys(tests.property) if not (tests[tests.property == n]["p (Holm)"] <= ALPHA).any()]
    if silent:
        out.append(f"No dependence was found on {', '.join(silent)}; weaker ones than above could hide there.")
    return out


def _sentence(r: dict[str, Any], says: str, kind: str) -> str:
    if kind == "categorical":
        return f"{r['output'].capitalize()} differs between values of {r['property']}"
    if r["kind"] != "correlation":
        return f"{r['property'].capitalize()} and {r['output']} are related"
    return f"The more {r['property']}{f' ({says})' if says else ''}, the {'more' if r['effect'] > 0 else 'less'} {r['output']}"


def _known(name: str) -> dict[str, str]:
    try:
        p = property_named(name)
    except Exception:
        return {"says": "", "weak": "", "unit": ""}
    return {"says": p.says, "weak": p.weak, "unit": p.unit}


def write_property_report(
    audit: PropertyAudit, doses: list[DoseResponse], folder: Path, title: str, about: str, missed: dict[str, str],
    notes: tuple[str, ...] = (),
) -> Path:  # fmt: skip
    """Write ``audit.html``, csv tables, ``audit.json``, ``model-card.md`` and ``evidence-sheet.md`` below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    said = findings(audit)
    moved = [_dose_words(d) for d in doses]
    sections = [
        Section("What was found", (*said, *moved, *notes)),
        Section("Dependence of every output on every property", (
            "Colour is the effect: the correlation of what the label leaves of both, or for the decision the strength from 0 "
            "to 1. A dot "
            "marks p ≤ .05 after Holm's correction over all tests.",), (Figure(_heat(audit.tests), "dependence", ""),),
            _shown(audit.tests), "All tests"),
    ]  # fmt: skip
    if len(audit.curves):
        sections.append(Section("How p falls with the number of items", (
            "The same dependence at fewer items. What is significant only on the right is weak.",),
            (Figure(_curves(audit.curves), "p-against-n", ""),)))  # fmt: skip
    if len(audit.groups):
        sections.append(Section("How well it does in groups", (
            "Accuracy with Wilson's intervals; groups of fewer than 20 have no score.",),
            (Figure(_groups(audit.groups), "groups", ""),), audit.groups, "All groups"))  # fmt: skip
        gaps = audit.gaps.assign(size=audit.gaps.gap.abs()).sort_values("size", ascending=False).drop(columns="size")
        text = "The largest difference between groups of a property."
        sections.append(Section("Gaps of true and false positives", (text,), (), gaps.head(40), "The forty largest"))
    if len(audit.crossed):
        text = "Scores where groups of the two properties with the strongest effects meet."
        sections.append(Section("Intersections", (text,), (), audit.crossed))
    if len(audit.pairs):
        sections.append(Section("Matched pairs", (
            "Items high in a property against items low in it with the same label that are nearest in the other properties: "
            "difference of "
            "being right, sign-flip test.",), (), audit.pairs))  # fmt: skip
    for d in doses:
        sections.append(_dose_section(d, folder))
    if missed or audit.excluded:
        rows = [{"what": k, "why": v} for k, v in [*audit.excluded.items(), *list(missed.items())[:200]]]
        text = f"{len(audit.excluded)} properties and {len(missed)} items or measurements."
        sections.append(Section("What was left out", (text,), (), pd.DataFrame(rows), "List"))
    sections += [_methods(audit), _limits()]
    _files(audit, doses, folder, title, said + moved)
    return write_page(folder, title, about, sections)


def _shown(tests: pd.DataFrame) -> pd.DataFrame:
    order = tests.assign(size=tests.effect.abs()).sort_values("size", ascending=False).drop(columns="size")
    return order[["property", "output", "kind", "effect", "low", "high", "p", "p (Holm)", "p (BH)", "n", "missing", "method"]]


def _heat(tests: pd.DataFrame) -> Any:
    frame = tests.assign(found=tests["p (Holm)"] <= ALPHA)
    order = frame.groupby("property").effect.apply(lambda e: e.abs().max()).sort_values(ascending=False).index.tolist()
    top = max(0.2, float(frame.effect.abs().max()))
    base = alt.Chart(frame).encode(
        x=alt.X("output:N", sort=list(dict.fromkeys(frame.output)), title=None, axis=alt.Axis(labelAngle=-35)),
        y=alt.Y("property:N", sort=order, title=None, axis=alt.Axis(labelLimit=260)),
    )
    cells = base.mark_rect().encode(
        color=alt.Color("effect:Q", title="effect", scale=alt.Scale(scheme="blueorange", domain=[-top, top], domainMid=0))
    )
    dots = base.transform_filter("datum.found").mark_circle(color="#222", size=26)
    return finish((cells + dots).properties(width=alt.Step(46), height=alt.Step(20)))


def _curves(curves: pd.DataFrame) -> Any:
    frame = curves.assign(what=curves.property + " → " + curves.output, p=curves.p.clip(lower=1e-12))
    line = alt.Chart(frame).mark_line(point=True).encode(
        x=alt.X("n:Q", scale=alt.Scale(type="log"), title="items"),
        y=alt.Y("p:Q", scale=alt.Scale(type="log"), title="median p"), color=alt.Color("what:N", title=None),
    )  # fmt: skip
    rule = alt.Chart(pd.DataFrame({"p": [0.05]})).mark_rule(strokeDash=[4, 3], color="#555").encode(y="p:Q")
    return finish((line + rule).properties(width=420, height=220))


def _groups(groups: pd.DataFrame) -> Any:
    frame = groups.dropna(subset=["accuracy"]) if "accuracy" in groups else groups.head(0)
    charts = []
    for name, mine in list(frame.groupby("property", sort=False))[:24]:
        base = alt.Chart(mine, title=alt.Title(str(name), anchor="start", fontSize=11)).encode(
            y=alt.Y("group:N", sort=None, title=None, axis=alt.Axis(labelLimit=150))
        )
        x = alt.Scale(
            domain=[max(0.0, float(frame["accuracy, low"].min()) - 0.03), min(1.0, float(frame["accuracy, high"].max()) + 0.03)]
        )
        bars = base.mark_rule(strokeWidth=2).encode(
            x=alt.X("accuracy\\, low:Q", scale=x, title="accuracy"), x2="accuracy\\, high:Q"
        )
        dots = base.mark_point(filled=True, size=45).encode(x=alt.X("accuracy:Q", scale=x))
        charts.append((bars + dots).properties(width=190, height=alt.Step(16)))
    return finish(alt.concat(*charts, columns=3))


def _dose_words(d: DoseResponse) -> str:
    held = d.curve[d.curve["p (Holm)"] <= ALPHA]
    flips = d.flips.loc[d.flips["changed decisions"].idxmax()]
    what = f"{d.name}: at {flips.dose:g} {d.unit} {flips['changed decisions']:.0%} of {d.n} decisions change"
    if len(held):
        top = held.loc[held.change.abs().idxmax()]
        what += (f"; {top['class']} moves most, by {100 * top.change:+.0f} points at {top.dose:g} ({100 * top.low:+.0f} to "
                 f"{100 * top.high:+.0f}, p = {top['p (Holm)']:.2g} corrected)")  # fmt: skip
    else:
        what += "; no class is shown to move"
    if d.clean is None:
        return what + "."
    others = list(dict.fromkeys(d.moved[~d.moved.meant & d.moved.over].property))
    return what + ("; nothing else that is measured moved." if not others else f"; it also moved {', '.join(others[:6])}.")


def _dose_section(d: DoseResponse, folder: Path) -> Section:
    chart = alt.Chart(d.curve).encode(x=alt.X("dose:Q", title=f"{d.name}, {d.unit}"), color=alt.Color("class:N", title=None))
    lines = chart.mark_line(point=True).encode(y=alt.Y("change:Q", title="change of probability"))
    bands = chart.mark_area(opacity=0.15).encode(y="low:Q", y2="high:Q")
    share = alt.Y("changed decisions:Q", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    flips = alt.Chart(d.flips).mark_line(point=True, color="#555").encode(x=alt.X("dose:Q", title=d.unit), y=share)
    text = [_dose_words(d)]
    name = d.name.replace(" ", "-")
    if len(d.samples) and isinstance(d.samples[0], np.ndarray) and d.samples[0].ndim in (2, 3):
        strip = np.concatenate([np.pad(s if s.ndim == 3 else np.repeat(s[..., None], 3, 2), ((0, 0), (0, 4), (0, 0)),
                                       constant_values=255) for s in d.samples], axis=1)  # fmt: skip
        Image.fromarray(strip).resize((strip.shape[1] * 2, strip.shape[0] * 2), Image.Resampling.BICUBIC).save(
            folder / f"samples-{name}.png"
        )
        text.append(f"One item at every dose: samples-{name}.png beside this page.")
    joined = alt.hconcat((bands + lines).properties(width=330, height=200), flips.properties(width=170, height=200))
    table = d.moved if len(d.moved) else None
    return Section(f"Intervention: {d.name}", tuple(text), (Figure(finish(joined), f"dose-{name}", ""),), table,
                   "What else moved")  # fmt: skip


def _methods(audit: PropertyAudit) -> Section:
    people = audit.settings["people"]
    of_people = (
        f"; {people} people: what is constant in people is exchanged whole, the rest compared within people" if people else ""
    )
    return Section("Methods", (
        f"Dependence of each class's log-odds, and of the decision, on each property given {audit.given}: exact permutation "
        "within strata, with features of both (their values and random waves, so that not only straight lines count)"
        f"{of_people}. {audit.settings['tested']} items were tested. Multiplicity: Holm for the family, Benjamini-Hochberg "
        "beside it. Effects: "
        "correlation of what the strata leave of normal scores, interval from influences. Workflow after Büchner et al. 2024 "
        "(arXiv 2404.07867) and Reimers et al. 2020; the property set is ours. Interventions: paired with the unchanged item, "
        "sign-flip "
        "test over items or people, Holm over doses and classes.",))  # fmt: skip


def _limits() -> Section:
    return Section("Limits: what tests of this kind cannot show", (
        "A dependence given the label says that the output moves with the property; it does not say that the model looks at "
        "it: "
        "something else that comes with the property can be the cause. Interventions speak of causes, of the changed input "
        "only.",
        "No dependence found is no proof of none: see the smallest effect that could have been found.",
        "Estimated properties (age, gender, skin tone) are guesses of other models with errors of their own, which differ "
        "between groups.",
        "Labels are what raters saw. If raters were biased, dependence given the label hides it.",))  # fmt: skip


def _files(audit: PropertyAudit, doses: list[DoseResponse], folder: Path, title: str, said: list[str]) -> None:
    for name in ("tests", "groups", "gaps", "pairs", "curves", "crossed"):
        getattr(audit, name).to_csv(folder / f"{name}.csv", index=False)
    for d in doses:
        d.curve.to_csv(folder / f"dose-{d.name.replace(' ', '-')}.csv", index=False)
    count, total = audit.share
    facts = {
        "title": title, "n": audit.n, "classes": list(audit.classes), "given": audit.given, "significant": count,
        "tests": total, "findings": said, "excluded": audit.excluded, "settings": audit.settings,
        "results": json.loads(audit.tests.to_json(orient="records")),
        "interventions": {d.name: json.loads(d.curve.to_json(orient="records")) for d in doses},
    }  # fmt: skip
    (folder / "audit.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    (folder / "model-card.md").write_text("\n".join(card_section(audit, said)), encoding="utf-8")
    (folder / "evidence-sheet.md").write_text("\n".join(_sheet(audit, title, said)), encoding="utf-8")


def card_section(audit: PropertyAudit, said: list[str]) -> list[str]:
    """What a model card should say of the audit."""
    return ["## Dependence on properties", "", *(f"- {s}" for s in said), ""]


def _sheet(audit: PropertyAudit, title: str, said: list[str]) -> list[str]:
    worst = audit.gaps.loc[audit.gaps.gap.abs().idxmax()] if len(audit.gaps) else None
    gap = (f"largest gap: {worst.rate} of {worst['class']}, {worst.gap:+.2f} ({worst.low:+.2f} to {worst.high:+.2f}) between "
           f"{worst.property} {worst.highest} and {worst.lowest}") if worst is not None else "no labels, so none"  # fmt: skip
    return [
        f"# Evidence sheet: {title}", "",
        "Facts that may serve where transparency and examination for bias are asked for (Regulation (EU) 2024/1689, Articles "
        "10, 13, 15 "
        "and 50). This sheet is no legal advice and decides nothing about conformity; note that Article 5 restricts inferring "
        "emotions "
        "at work and in education.", "",
        f"- Items examined: {audit.n}; classes: {', '.join(audit.classes)}; tests given {audit.given}",
        f"- Properties examined: {', '.join(dict.fromkeys(audit.tests.property))}",
        f"- Not examined: {'; '.join(f'{k} ({v})' for k, v in audit.excluded.items()) or 'none'}",
        f"- Differences of performance between groups: {gap}; all in groups.csv and gaps.csv", "", "## Findings", "",
        *(f"- {s}" for s in said), "", "## Limits", "", *(f"- {t}" for t in _limits().text), "",
    ]  # fmt: skip
