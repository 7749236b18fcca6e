"""A corrected transcript: what stays keeps its times, what is new shares the time between its neighbours."""

import copy

import pytest

from affectlens.core.errors import UsageError
from affectlens.perception.words.corrected import corrected

SAID = [("I", 0.0, 0.2), ("really", 0.3, 0.6), ("hate", 0.7, 0.9), ("it", 1.0, 1.1)]


def heard(*utterances):
    return {
        "heard": 9.0, "voiced": [[0.0, 1.1]], "left out": {},
        "utterances": [
            {"words": [{"text": text, "start": start, "end": end, "probability": 0.8} for text, start, end in words], "language": "en",
             "language_probability": 0.9, "channel": 2, "translated": False}
            for words in utterances
        ],
    }  # fmt: skip


def words(state, place=0):
    return [(word["text"], word["start"], word["end"]) for word in state["utterances"][place]["words"]]


def test_one_word_is_another():
    state = heard(SAID)
    before = copy.deepcopy(state)
    new = corrected(state, [{"start": 0.0, "end": 1.1, "text": "I really love it"}])
    assert words(new) == [("I", 0.0, 0.2), ("really", 0.3, 0.6), ("love", 0.7, 0.9), ("it", 1.0, 1.1)]
    assert new["utterances"][0]["channel"] == 2 and new["utterances"][0]["words"][2]["probability"] == 1.0
    assert state == before and new["heard"] == 9.0


def test_more_words_share_the_time_of_those_that_they_stand_for():
    new = corrected(heard(SAID), [{"start": 0.0, "end": 1.1, "text": "I really do like it"}])
    assert words(new)[2:4] == [("do", 0.7, 0.767), ("like", 0.767, 0.9)]


def test_words_are_left_out_and_put_in():
    assert words(corrected(heard(SAID), [{"start": 0.0, "end": 1.1, "text": "I hate it"}])) == [SAID[0], *SAID[2:]]
    new = corrected(heard(SAID), [{"start": 0.0, "end": 1.1, "text": "I really hate hate it now"}])
    assert words(new)[0] == SAID[0] and words(new)[-1] == ("now", 1.1, 1.1) and len(words(new)) == 6


def test_an_utterance_goes_one_comes_and_they_stay_in_order():
    second = [("Stop", 5.0, 5.5)]
    gone = corrected(heard(SAID, second), [{"start": 0.0, "end": 1.2, "text": " "}])
    assert len(gone["utterances"]) == 1 and words(gone) == second
    more = corrected(heard(SAID, second), [{"start": 2.0, "end": 3.0, "text": "not at all"}])
    assert [words(more, place)[0][0] for place in range(3)] == ["I", "not", "Stop"]
    assert (
        words(more, 1) == [("not", 2.0, 2.375), ("at", 2.375, 2.625), ("all", 2.625, 3.0)]
        and more["utterances"][1]["channel"] is None
    )


def test_where_nothing_was_heard_words_can_be_given():
    new = corrected({}, [{"start": 1.0, "end": 2.0, "text": "hello"}])
    assert words(new) == [("hello", 1.0, 2.0)] and new["utterances"][0]["language"] == "en" and new["voiced"] == [[1.0, 2.0]]
    assert new["heard"] == 2.0 and new["left out"] == {}


@pytest.mark.parametrize("correction", [
    {"text": "x"}, {"start": 2.0, "end": 1.0, "text": "x"}, {"start": -1.0, "end": 1.0, "text": "x"}, {"start": 0.0, "end": 1.0, "text": 3},
    {"start": True, "end": 2.0, "text": "x"}, {"start": 0.0, "end": 1.0, "text": "x" * 5001}, {"start": "0", "end": 1.0, "text": "x"},
])  # fmt: skip
def test_corrections_that_cannot_be(correction):
    with pytest.raises(UsageError):
        corrected(heard(SAID), [correction])


def test_what_comes_out_is_what_the_words_modality_takes():
    from affectlens.modalities.words.spoken import SpokenWords

    taken = SpokenWords.__new__(SpokenWords)
    assert taken.restore(corrected(heard(SAID), [{"start": 0.0, "end": 1.1, "text": "I love it"}]))
    (utterance,) = taken._utterances
    assert utterance.text == "I love it" and utterance.end == 1.1 and utterance.language == "en"
