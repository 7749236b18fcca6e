"""The first sentences of a page, from findings made by hand: who, what, how sure, why, and what is not known."""

import re
from dataclasses import replace

import numpy as np
import pytest

from affectlens.context.summary import summarise
from affectlens.core.tables import rows_frame
from affectlens.fusion.evidence import ShareDetail
from affectlens.modalities.faithfulness import passed
from affectlens.report.glance import glance
from affectlens.report.write import render
from tests.fusion.clips import clip_of, finding
from tests.report.clauses import KINDS, generated
from tests.report.test_sections import text_of
from tests.report.test_write import FACTS, reported, seen


def glanced(rows, evidence=()):
    (summary,) = summarise(rows)
    return glance(summary, rows_frame(rows), evidence)


def fused(start, conflict=False, **shares):
    return replace(finding("fused", start, start + 1, **shares).row, conflict=conflict)


def share(modality, value):
    return clip_of().evidence(
        fused(0, fear=0.6), "share", value, subject=modality, method="m", detail=ShareDetail(0.5, "prior", "early")
    )


def faithfulness(subject, value, p_value, modality="face"):
    made = next(generated(np.random.default_rng(1), 1, [entry]) for entry in KINDS if entry[0] == "faithfulness")
    return replace(made, person=0, subject=subject, value=value, p_value=p_value, modality=modality)


def test_one_expression_throughout():
    told = glanced([fused(i, fear=0.9) for i in range(4)], [faithfulness("deletion", -0.1, 0.01)])
    assert (told.name, told.label, told.what) == ("person 0", "fear", "Expresses fear throughout (4 segments)")
    assert told.sure == "The models are sure (mean probability 0.90)" and told.unknown == ()


@pytest.mark.parametrize(
    ("probability", "word"), [(0.86, "sure"), (0.7, "fairly sure"), (0.5, "unsure"), (0.3, "hardly better than guessing")]
)
def test_how_sure_in_words(probability, word):
    assert (
        glanced([fused(i, fear=probability) for i in range(3)]).sure
        == f"The models are {word} (mean probability {probability:.2f})"
    )


def test_several_expressions_are_counted_and_few_segments_are_said():
    told = glanced([fused(0, fear=0.6), fused(1, fear=0.6), fused(2, anger=0.6), fused(3, anger=0.6), fused(4, sadness=0.6)])
    assert told.what == "Expresses most often anger (2 of 5 segments), also fear (2), sadness (1)"
    told = glanced([fused(0, fear=0.6), fused(1, fear=0.6)])
    assert told.sure.endswith("; there are few segments")
    many = [fused(i, **{label: 0.6}) for i, label in enumerate(("fear", "fear", "fear", "anger", "sadness", "disgust"))]
    assert glanced(many).what == "Expresses most often fear (3 of 6 segments), also anger (1), disgust (1) and 1 more"


def test_what_it_rests_on_and_what_speaks_against_it():
    rows = [fused(i, fear=0.6) for i in range(3)]
    assert glanced(rows).why == ""
    assert glanced(rows, [share("face", 1.0)]).why == "Rests on the face alone"
    shares = [share("face", 1.0), share("words", 0.5), share("words", 2.5), share("voice", -0.3)]
    assert glanced(rows, shares).why == "Rests most on the words; the voice speaks against it"
    others = [replace(row, person=1) for row in shares]
    assert glanced(rows, others).why == ""


def test_what_is_not_known():
    rows = [fused(0, conflict=True, fear=0.6), fused(1, fear=0.6), fused(2), fused(3, conflict=True, fear=0.6)]
    told = glanced(
        rows,
        [
            faithfulness("deletion", -0.1, 0.01),
            faithfulness("insertion", 0.1, 0.3),
            faithfulness("deletion", 0.2, 0.01, "words"),
        ],
    )
    assert told.unknown == (
        "1 of 4 segments could not be judged",
        "The modalities disagree at 0.0 s, 3.0 s",
        "Explanations that did not pass tests of their faithfulness: face (1 of 2), words (1 of 1)",
    )
    assert glanced([fused(0, fear=0.6)]).unknown == ("Whether the explanations are faithful was not tested",)


@pytest.mark.parametrize(
    ("subject", "value", "p_value", "shown"),
    [
        ("deletion", -0.1, 0.05, True),
        ("deletion", 0.1, 0.01, False),
        ("insertion", 0.1, 0.05, True),
        ("insertion", 0.1, 0.06, False),
    ],
)
def test_a_test_shows_in_its_own_direction_alone(subject, value, p_value, shown):
    assert passed(faithfulness(subject, value, p_value)) is shown


def test_nothing_that_could_be_read():
    told = glanced([fused(0), fused(1)])
    assert told.label == told.sure == told.why == "" and told.what == "Nothing could be read"
    assert told.unknown[0].startswith("2 segments not judged; the commonest reason: ")


def test_the_page_opens_with_it_and_keeps_the_numbers_a_click_deeper():
    page = render(
        reported(*[seen(i, 0.9 - i / 100, fear=0.6 + i / 100) for i in range(3)], finding("words", 0, 1, fear=0.9)), FACTS
    )
    first = page[: page.index('id="story-h"')]
    assert "At a glance" in first and "Expresses fear throughout" in text_of(first)
    assert page.index('id="glance-h"') < page.index('id="story-h"') < page.index('id="p1-h"')
    folded = page[page.index('<details id="sentences">') :]
    assert "log-odds" not in text_of(first) and "log-odds" in text_of(folded)
    for target in set(re.findall(r'href="#(view-[^"]+)"', first)):
        assert f'id="{target}"' in page
