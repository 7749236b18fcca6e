"""Queries give what pandas gives on what both know, and nothing in them runs."""

import random

import numpy as np
import pandas as pd
import pytest

from affectlens.core.errors import UsageError
from affectlens.core.untrusted.query import QUESTIONS, answer

ROWS = pd.DataFrame(
    {
        "words": [1, 2, 30, -4, 0, 7],
        "start": [0.5, np.nan, 3.0, 2.25, -1.0, 7.0],
        "turn of talk": [5, 4, 3, 2, 1, 0],
        "text": ["ab", "c", None, "Ab|c", "", "a.b"],
        "speaker": ["Joey", "Ross", "Joey", "Rachel", "Ross", "Ross"],
        "first": [True, False, True, True, False, False],
    }
)  # fmt: skip
NUMBERS = ("words", "start", "`turn of talk`", "words + start", "2 * words", "-start", "start / 2", "words - `turn of talk`",
           "text.str.len()", "(words)", "3", "2.5", "-1")  # fmt: skip
TEXTS = ("speaker", "text", "'Ross'", '"ab"', "speaker.str.lower()", "text.str.upper()", "text.str.strip()")


def _comparison(draw: random.Random) -> str:
    kind = draw.randrange(7)
    if kind == 0:
        return f"{draw.choice(NUMBERS)} {draw.choice(['<', '<=', '>', '>=', '==', '!='])} {draw.choice(NUMBERS[:9])}"
    if kind == 1:
        return f"{draw.choice(TEXTS[:2])} {draw.choice(['==', '!='])} {draw.choice(TEXTS)}"
    if kind == 2:
        return f"{draw.choice(['speaker', 'text'])} {draw.choice(['in', 'not in', '==', '!='])} ['Ross', 'ab']"
    if kind == 3:
        return f"words {draw.choice(['in', 'not in'])} [1, 30, {draw.randrange(9)}]"
    if kind == 4:
        return f"{draw.randrange(3)} < {draw.choice(NUMBERS[:5])} <= {draw.randrange(2, 9)}"
    if kind == 5:
        return draw.choice(["first", "text.isna()", "start.notna()", "words.isin([1, 2])", "start.between(1, 4)"])
    return draw.choice(
        [r"text.str.contains('b')", r"text.str.contains('\\|')", "text.str.startswith('a')", "text.str.endswith('c')"]
    )


def _query(draw: random.Random, depth: int = 0) -> str:
    if depth > 2 or draw.random() < 0.3:
        text = _comparison(draw)
        return f"({text})" if draw.random() < 0.4 else text
    if draw.random() < 0.25:
        return f"not ({_query(draw, depth + 1)})" if draw.random() < 0.5 else f"~({_query(draw, depth + 1)})"
    return f"{_query(draw, depth + 1)} {draw.choice(['and', 'or', '&', '|'])} {_query(draw, depth + 1)}"


@pytest.mark.parametrize("seed", range(20))
def test_random_queries_give_what_pandas_gives(seed):
    draw = random.Random(seed)
    told = 0
    for _ in range(12):
        query = _query(draw)
        try:
            expected = np.asarray(ROWS.eval(query, engine="python"), float)
        except Exception:
            continue  # pandas itself cannot
        told += 1
        given = np.asarray(answer(query, ROWS), float)
        assert np.array_equal(np.broadcast_to(given, expected.shape), expected, equal_nan=True), query
    assert told > 3


def test_every_question_gives_what_pandas_gives():
    arguments = {"isin": "[1, 2]", "between": "1, 4", "str.contains": "'b'", "str.startswith": "'a'", "str.endswith": "'c'",
                 "str.count": "'b'"}  # fmt: skip
    for question in QUESTIONS:
        query = f"{'text' if question.startswith('str') else 'start'}.{question}({arguments.get(question, '')})"
        pd.testing.assert_series_equal(answer(query, ROWS), ROWS.eval(query, engine="python"), check_dtype=False)


@pytest.mark.parametrize(
    "query",
    [
        "@pd.io.common.os.system('touch {canary}')", "__import__('os').system('touch {canary}')",
        "words.to_csv('{canary}')", "words.to_pickle('{canary}')", "text.str.replace('a', 'b')", "words.__class__",
        "().__class__.__bases__[0].__subclasses__()", "words.apply(print)", "words.map(lambda v: v)", "[w for w in words]",
        "lambda: 1", "words if first else words", "f'{{words}}'", "words[0]", "words := 2", "words = 2", "words; words",
        "words ** 99 ** 99", "'a' * 1000000000", "[1] * 1000000000", "words << 9999", "1j * words", "text.str", "text.str.len",
        "text.str.len(x=1)", "text.str.contains('(a+)+$')", "text.str.contains('.')", "text.str.count('a|b')", "words < [1]",
        "words in words", "[1] in words", "text + text", "words and first", "not words", "words > 1e999 if 1 else 2", "*words",
        "b'x' == text", "... == words", "None == words", "words > 99999999999999999999", "not " * 400 + "first", "(" * 300,
        "-" * 1500 + "words", "words > 1 " * 900, "`words", "'", "", "\\", "words == \x00", "words >\n1", "nothing > 1", "{words}",
        "yield words", "await words", "words @ words", "words is 1", "print(words)", "`words`.str.len.__self__",
    ],
)  # fmt: skip
def test_what_is_no_query_is_an_error_and_nothing_runs(query, tmp_path):
    canary = tmp_path / "canary"
    with pytest.raises(UsageError, match=r"^query "):
        answer(query.replace("{canary}", str(canary)), ROWS)
    assert not canary.exists()


def test_names_in_backticks_are_columns_also_inside_texts():
    assert answer("`turn of talk` > 3 and speaker != '`'", ROWS).tolist() == [True, True, False, False, False, False]
    with pytest.raises(UsageError, match="'no such' is no column"):
        answer("`no such` > 1", ROWS)
