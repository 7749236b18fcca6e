"""Nothing that a person reads is cut in silence: whoever cuts a list says how many more there are and where they stand."""

import ast
from pathlib import Path

import pytest

import affectlens

ROOT = Path(affectlens.__file__).parent
SHOWS = [
    *ROOT.glob("report/*.py"), *ROOT.glob("figures/*.py"), *ROOT.glob("cli/*.py"), *ROOT.glob("fusion/*evidence.py"),
    *ROOT.glob("modalities/*/evidence.py"), *ROOT.glob("modalities/*.py"), *ROOT.glob("audits/*/page.py"),
    *ROOT.glob("audits/*/figures.py"), *ROOT.glob("audits/*/findings.py"), *ROOT.glob("audits/*/pool.py"),
    *ROOT.glob("audits/*/pictures.py"), ROOT / "pipeline" / "results.py", ROOT / "evaluation" / "predictions.py",
]  # fmt: skip
SAYS = {"rest", "some", "_with_rest", "_largest", "_rest"}  # what tells the reader how much more there is
REASONS = {  # what is cut without such a sentence, and why that hides nothing
    "report/narrative.py plainly": "sentences are chosen; the page lists all evidence",
    "report/write.py _listed": "the page says how many of all are shown",
    "report/write.py _moments": "views are chosen for the strip at the top; the page shows all of them below",
    "report/write.py render": "the page says how many of all are shown",
    "report/write.py _view": "the page says that it is the three most probable classes",
    "modalities/gait/evidence.py sentences": "sentences are chosen; the page lists all measurements",
    "modalities/words/evidence.py sentences": "sentences are chosen; the page lists all words",
    "modalities/scene/evidence.py sentences": "sentences are chosen; the page lists all things, looks and pairs",
    "modalities/listening.py speakers": "the person who was seen speaking most often, which is no list",
    "audits/latent/page.py agreement_chart": "colours, not rows",
    "audits/latent/page.py traversal_chart": "the caption says how many are drawn",
    "audits/objects/pictures.py _labels": "an error names columns as examples",
    "fusion/usual_evidence.py page": "the page says how many more people there are",
    "cli/audit.py carry_out": "says how many more notes are on the page",
    "cli/train.py _show": "says how many more rows are in the folder",
    "pipeline/results.py _person_line": "the rest is summed as others",
    "pipeline/results.py _cut": "an ellipsis marks it",
    "audits/features/page.py feature_chart": "the caption says how many there are",
    "audits/features/page.py corpus_chart": "the caption says how many there are",
    "audits/features/findings.py findings": "the page has all of them; these are named as examples",
    "audits/latent/page.py association_chart": "the caption says how many are drawn",
    "audits/latent/page.py _association_panel": "the caption says how many are drawn",
    "audits/objects/figures.py lifts": "the caption says how many there are",
    "audits/objects/figures.py ranked": "the caption says how many are drawn",
    "audits/objects/figures.py effects": "the caption says how many there are",
    "audits/properties/figures.py groups": "the caption says how many there are",
}


def cutting(tree):
    """Functions that keep the first of something, without those of a picture's shape or of a text."""
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            sliced = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)
            if sliced and node.slice.lower is None and node.slice.upper is not None and node.slice.step is None:
                pixels = isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
                letter = isinstance(node.slice.upper, ast.Constant) and node.slice.upper.value in (0, 1)
                negative = isinstance(node.slice.upper, ast.UnaryOp)
                if not (pixels or letter or negative):
                    yield function
            method = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            if method in ("head", "nlargest", "nsmallest") or (method == "most_common" and node.args):
                yield function


def test_whoever_cuts_a_list_says_so():
    silent, cut = [], set()
    for file in SHOWS:
        for function in cutting(ast.parse(file.read_text(encoding="utf-8"))):
            name = f"{file.relative_to(ROOT).as_posix()} {function.name}"
            cut.add(name)
            called = {
                node.func.id for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            }
            if not called & SAYS and name not in REASONS:
                silent.append(name)
    assert not silent, "cut without saying how many more there are; see affectlens.core.listing"
    assert not [name for name in REASONS if name not in cut], "reasons for what is not cut any more"


@pytest.mark.parametrize("name", ["words", "voice", "gait", "posture", "other"])
def test_page_says_how_many_rows_it_leaves_out(name):
    from affectlens.figures.html import environment

    template = {"words": "words.html", "voice": "voice.html", "other": "plain.html"}.get(name, "body.html")
    said = "The first 200 of 321 segments are shown; all are in table.csv."
    page = environment().get_template(template).render(rest=said, rows=[], words=[], voice=[], name=name, legend="", about="")
    assert said in page
