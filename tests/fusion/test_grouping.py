"""Which findings make one segment, by hand: windows of the face, utterances and what gathers around them."""

from __future__ import annotations

import pytest

from affectlens.core.schema import SCENE, Row
from affectlens.fusion.grouping import segments
from affectlens.modalities.base import Finding
from tests.fusion.clips import finding


def seen(modality, start, end, person=0):
    """A finding some time into a recording, so that starts and ends cannot be mixed up."""
    return finding(modality, 100 + start, 100 + end, person, fear=0.6)


def test_what_shares_half_of_the_shorter_ones_time_gathers_around_an_utterance():
    findings = [
        seen("voice", 0, 3),  # all of it within the first utterance
        seen("gait", 3, 9),  # a quarter of the first utterance: not enough
        seen("words", 0, 4),
        seen("words", 10, 12),
        seen("voice", 11, 13),  # half of the second utterance: enough
        seen("posture", 5, 6),  # with the gait
        seen("posture", 20, 21),
    ]
    assert segments(findings) == [[2, 0], [3, 4], [1, 5], [6]]


def test_the_utterance_with_the_larger_part_is_joined():
    words = [seen("words", 0, 4), seen("words", 4, 9)]
    assert segments([*words, seen("voice", 2, 8)]) == [[0], [1, 2]]
    assert segments([*words, seen("voice", 0, 6)]) == [[0, 2], [1]]
    assert segments([seen("words", 0, 1), seen("voice", 0.5, 5)]) == [[0, 1]]  # half of the utterance, which is the shorter
    assert segments([seen("words", 0, 1), seen("voice", 0.6, 5)]) == [[0], [1]]


def test_an_utterance_takes_all_its_turns_of_voice_but_no_other_utterance():
    assert segments([seen("words", 0, 4), seen("voice", 0, 2), seen("voice", 2, 4)]) == [[0, 1, 2]]
    assert segments([seen("words", 0, 4), seen("words", 1, 3)]) == [[0], [1]]


def test_what_only_touches_or_has_no_length_stays_alone():
    assert segments([seen("words", 0, 4), seen("voice", 4, 8)]) == [[0], [1]]
    assert segments([seen("words", 2, 2), seen("voice", 2, 2)]) == [[0], [1]]
    assert segments([seen("words", 0, 4), seen("voice", 2, 2)]) == [[0], [1]]


def test_what_covers_a_window_is_in_no_other_segment():
    faces = [seen("face", 0, 1), seen("face", 1, 2)]
    findings = [*faces, seen("words", 0, 1.25), seen("voice", 0.8, 1.2), seen("gait", 1.9, 5), seen("posture", 2, 3)]
    # The utterance covers a quarter of the second window; the voice no quarter of any; the gait a tenth.
    assert segments(findings) == [[0, 2], [1, 2], [3], [4, 5]]


@pytest.mark.parametrize("alone", [True, False])
def test_what_the_recording_lacks_is_a_segment_only_where_there_is_nobody(alone):
    lack = Finding(Row("talk.mp4", 0, 10, SCENE, "words", "missing", "nobody speaks"))
    heard = seen("voice", 0, 1, SCENE)
    findings = [lack, heard] if alone else [lack, heard, seen("face", 0, 1)]
    assert segments(findings) == ([[0], [1]] if alone else [[1], [2]])


def test_people_do_not_share_segments():
    assert segments([seen("face", 0, 1, 1), seen("face", 0, 1, 0), seen("words", 0, 1, 1)]) == [[1], [0, 2]]
