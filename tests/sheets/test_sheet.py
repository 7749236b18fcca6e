"""The evidence sheet: facts are those of the folders, blanks stay blank, one source for page, text and JSON."""

import json
import re
import tomllib

import numpy as np
import pandas as pd
import pytest

import affectlens
from affectlens import audit
from affectlens.core.disk.chain import write_chain
from affectlens.core.errors import UsageError
from affectlens.sheets.facts import KINDS
from affectlens.sheets.law import law
from tests.audits.compare.bench import Stripes, reader


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheet")
    corpus = Stripes(120)
    own = folder / "own.csv"
    pd.DataFrame({"key": corpus.keys, "gender": np.where(np.arange(120) < 15, "x", "y"), "ground": corpus.ground}).to_csv(
        own, index=False
    )
    result = audit.compare(
        [reader(10, 1, "sharp"), reader(60, 2, "dull")], corpus, out=folder / "out", table=own, only=("none",), interventions=("contrast",), sample=20, draws=20,
    )  # fmt: skip
    return result, folder / "out"


@pytest.fixture(scope="module")
def made(compared, tmp_path_factory):
    out = tmp_path_factory.mktemp("made")
    return affectlens.sheet(compared[1], out=out), out


def test_facts_are_those_of_the_audit(compared, made):
    result, _ = compared
    facts = made[0].facts_table
    accuracy = facts[facts.text == "sharp: accuracy"].iloc[0]
    row = result.scores[(result.scores.model == "sharp") & (result.scores.measure == "accuracy")].iloc[0]
    assert (accuracy.value, accuracy.low, accuracy.high, accuracy.n) == (row.value, row.low, row.high, row.n)
    assert set(facts.kind) <= set(KINDS) and len(facts[facts.kind == "robustness"]) == len(result.responses)
    few = facts[(facts.kind == "populations") & facts.text.str.startswith("gender x")]
    assert few.n.tolist() and (few.n == 15).all()
    assert facts[facts.kind == "populations"].text.str.contains("not measured").any()


def test_identity_names_every_hash(made):
    content = made[0].content
    (run,) = content["runs"]
    assert [model["name"] for model in run["models"]] == ["sharp", "dull"] and all(
        len(model["content"]) >= 40 for model in run["models"]
    )
    assert len(run["data"][0]["sha256"]) == 64 and len(content["tool"]["sha256_of_code"]) == 64
    assert len(run["chain"]["head"]) == 64 and "as they were" in run["chain"]["state"]
    assert [entry["property"] for entry in content["special"]] == ["gender"]


def test_nothing_is_answered_for_anybody(made):
    result, out = made
    assert result.blanks == [question.id for question in law().questions]
    page, text = (out / "sheet.html").read_text(encoding="utf-8"), (out / "sheet.md").read_text(encoding="utf-8")
    assert page.count("______") >= len(law().questions) + len(law().duties) and text.count("______") >= len(law().questions)
    assert "decides nothing" in page and "no legal advice" in page
    for word in ("compliant", "conforms", "is allowed", "not high-risk under"):
        assert word not in text.replace("whether a use is allowed", "").replace("claimed not to be high-risk under", "")


def test_page_text_and_json_are_of_one_source(made):
    _, out = made
    content = json.loads((out / "sheet.json").read_text(encoding="utf-8"))
    page, text = (out / "sheet.html").read_text(encoding="utf-8"), (out / "sheet.md").read_text(encoding="utf-8")
    for duty in content["duties"]:
        assert duty["article"] in page and duty["article"] in text
    for fact in content["facts"]:
        if fact["value"] is not None:
            assert f"{fact['value']:.3f}" in page and f"{fact['value']:.3f}" in text
    for date in content["law"]["dates"]:
        assert date["date"] in page and date["date"] in text
    links, names = set(re.findall(r'href="#([^"]+)"', page)), set(re.findall(r'id="([^"]+)"', page))
    assert links and links <= names


def test_answers_of_people_stand_where_they_were_asked(compared, made, tmp_path):
    _, out = made
    asked = tomllib.loads((out / "questions.toml").read_text(encoding="utf-8"))
    assert set(asked.values()) == {""} and list(asked) == [question.id for question in law().questions]
    (tmp_path / "a.toml").write_text('"context.work" = "no \\"never\\""\n[system]\nname = "Ärger & co"\n', encoding="utf-8")
    answered = affectlens.sheet([compared[1]], answers=tmp_path / "a.toml", out=tmp_path / "s")
    assert "context.work" not in answered.blanks and len(answered.blanks) == len(law().questions) - 2
    page = (tmp_path / "s" / "sheet.html").read_text(encoding="utf-8")
    assert "Ärger &amp; co" in page and "no &#34;never&#34;" in page
    again = tomllib.loads((tmp_path / "s" / "questions.toml").read_text(encoding="utf-8"))
    assert again["context.work"] == 'no "never"' and again["system.name"] == "Ärger & co"
    (tmp_path / "b.json").write_text('{"context.wrok": "no"}')
    with pytest.raises(UsageError, match="unknown question 'context.wrok'; did you mean context.work"):
        affectlens.sheet(compared[1], answers=tmp_path / "b.json")
    (tmp_path / "c.toml").write_text("no toml")
    with pytest.raises(UsageError, match="neither toml nor json"):
        affectlens.sheet(compared[1], answers=tmp_path / "c.toml")
    with pytest.raises(UsageError, match="No such file"):
        affectlens.sheet(compared[1], answers=tmp_path / "none.toml")


def test_a_changed_run_is_said_to_be_changed(tmp_path):
    from tests.core.results.cases import evaluation

    folder = evaluation().save(tmp_path / "e")
    found = affectlens.sheet(folder)
    assert "changes of this run cannot be told" in found.content["runs"][0]["chain"]["state"]
    assert (found.facts_table.kind == "accuracy").any()
    write_chain(folder)
    (folder / "groups.csv").write_text((folder / "groups.csv").read_text() + "\n")
    assert affectlens.sheet(folder).content["runs"][0]["chain"]["state"] == "1 changes since"
    with pytest.raises(UsageError, match="no audit, evaluation or reports"):
        affectlens.sheet(tmp_path)
    with pytest.raises(UsageError, match="no run given"):
        affectlens.sheet([])


def test_the_table_of_the_law_is_whole():
    table = law()
    provisions = " ".join(duty.article for duty in table.duties)
    for wanted in (
        "Article 10",
        "Article 11 and Annex IV",
        "Article 13",
        "Article 15",
        "Article 26",
        *(f"27(1)({x})" for x in "abcdef"),
        "50(3)",
    ):
        assert wanted in provisions
    asked = " ".join(question.law for question in table.questions)
    assert "Article 5(1)(f)" in asked and "Annex III, point 1(c)" in asked
    kinds = set(KINDS) | {"identity", "data", "chain"}
    assert all(set(duty.facts) <= kinds for duty in table.duties)
    assert len({question.id for question in table.questions}) == len(table.questions) and len(
        {duty.id for duty in table.duties}
    ) == len(table.duties)
    assert (
        [date["date"] for date in table.dates] == sorted(date["date"] for date in table.dates)
        and table.as_of
        and table.unverified
    )
