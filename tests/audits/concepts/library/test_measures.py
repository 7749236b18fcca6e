"""What each concept of the library looks at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.concepts.library.base import (
    concepts,
    find,
    from_folder,
    from_keys,
    from_query,
    supported,
    values,
    words_held,
)
from affectlens.audits.concepts.library.dialogue import with_cues
from affectlens.audits.concepts.library.face import markers, with_action_units, with_video
from affectlens.audits.concepts.library.voice import with_voice
from affectlens.core.errors import UsageError
from affectlens.features.utterances import VIDEO_NAMES
from affectlens.perception.voice.egemaps import NAMES
from tests.audits.concepts.cases import rows_of

VOICE = {
    "high pitch": "F0semitoneFrom27.5Hz_sma3nz_amean", "lively pitch": "F0semitoneFrom27.5Hz_sma3nz_pctlrange0-2",
    "rising pitch": "F0semitoneFrom27.5Hz_sma3nz_meanRisingSlope", "loud": "loudness_sma3_amean", "fast": "loudnessPeaksPerSec",
    "pressed": "alphaRatioV_sma3nz_amean", "pauses": "MeanUnvoicedSegmentLength",
}  # fmt: skip


@pytest.mark.parametrize("name", [*VOICE, "breathy", "trembling"])
def test_each_concept_of_the_voice_looks_at_its_measure(name):
    """Nine values 0 to 8 of one speaker: deviations from the median 4 in units of 1.4826 · 2, so that 7 is above one and 6 is not."""
    x = np.full((9, len(NAMES)), 5.0)
    if name == "breathy":
        x[:, NAMES.index("HNRdBACF_sma3nz_amean")] = 8 - np.arange(9)
    elif name == "trembling":
        x[:, NAMES.index("jitterLocal_sma3nz_amean")] = np.arange(9)
        x[:, NAMES.index("shimmerLocaldB_sma3nz_amean")] = 3 * np.arange(9)
    else:
        x[:, NAMES.index(VOICE[name])] = np.arange(9)
    out = values(concepts()[name], with_voice(rows_of(9), x, NAMES))
    assert out.tolist() == [0] * 7 + [1, 1]


def test_a_row_of_zeros_was_not_measured_and_small_values_were():
    x = np.zeros((2, len(NAMES)))
    x[1, 0] = 1e-3
    made = with_voice(rows_of(2), x, NAMES)
    assert made[f"voice_{NAMES[0]}"].isna().tolist() == [True, False] and made[f"voice_{NAMES[0]}"][1] == 1e-3


FACE = {"smile": "face_smile", "brow lowered": "face_brow_down", "brow raised": "face_brow_up", "gaze away": "face_gaze_away",
        "head down": "face_head_down", "head shake": "face_head_shake", "mouth open": "face_jaw_open"}  # fmt: skip


@pytest.mark.parametrize("name", list(FACE))
def test_each_concept_of_the_face_looks_at_its_measure(name):
    rows = rows_of(9).assign(**{FACE[name]: np.arange(9.0)})
    assert values(concepts()[name], rows).tolist() == [0] * 7 + [1, 1]


def test_columns_of_a_face_from_video_and_units():
    x = np.full((2, len(VIDEO_NAMES)), 0.5)
    for i, name in enumerate(("mouthSmileLeft mean", "mouthSmileRight mean", "jawOpen mean", "pitch mean", "yaw deviation")):
        x[0, VIDEO_NAMES.index(name)] = 10 * (i + 1)
    x[1] = 0
    made = with_video(rows_of(2), x, VIDEO_NAMES)
    assert (
        made.face_smile[0] == 15
        and made.face_jaw_open[0] == 30
        and made.face_head_down[0] == 40
        and made.face_head_shake[0] == 50
    )
    assert (
        made.face_brow_down[0] == made.face_brow_up[0] == made.face_gaze_away[0] == 0.5
        and made.loc[1, list(FACE.values())].isna().all()
    )
    units = pd.DataFrame({"key": ["u1"], "AU01": [1.0], "AU02_r": [3.0], "AU25": [4.0], "pose_Rx": [0.2], "pose_Ry_std": [0.4]})
    faces = with_action_units(rows_of(2), units)
    assert faces.loc[1, ["face_brow_up", "face_jaw_open", "face_head_down", "face_head_shake"]].tolist() == [2, 4, 0.2, 0.4]
    assert faces.loc[0, "face_brow_up":].isna().all() and "face_smile" not in faces
    still = markers(pd.DataFrame({"RBRO1_z": [2.0, 4.0], "MOU1_z": [1.0, 1.0]}), pd.DataFrame({"yaw": [1.0]}))
    assert still == {"face_brow_up": 3, "face_brow_down": -3, "face_smile": 1}


@pytest.mark.parametrize(
    ("name", "column", "on"),
    [("pleasant words", "norm_valence", [0, 0, 0, 0, 1]), ("unpleasant words", "norm_valence", [1, 0, 0, 0, 0]),
     ("arousing words", "norm_arousal", [0, 0, 0, 0, 1]), ("dominant words", "norm_dominance", [0, 0, 0, 0, 1]),
     ("submissive words", "norm_dominance", [1, 0, 0, 0, 0])],
)  # fmt: skip
def test_quarters_of_norms(name, column, on):
    """Of five values the quarters begin at the second and at the fourth, which they do not hold."""
    rows = rows_of(6).assign(**{column: [1.0, 2, 3, 4, 5, np.nan]})
    out = values(concepts()[name], rows)
    assert out[:5].tolist() == on and np.isnan(out[5])


@pytest.mark.parametrize(("name", "column", "given"), [("partner was pleasant", "norm_valence", [5.0, 1, 2, 3, 4]),
                                                      ("partner was unpleasant", "norm_valence", [1.0, 5, 4, 3, 2]),
                                                      ("partner expressed negative", "read_negative", [0.51, 0.5, 0.4, 0, 0])])  # fmt: skip
def test_what_the_partner_said_last(name, column, given):
    out = values(concepts()[name], rows_of(5, list("ababa")).assign(**{column: given}))
    assert np.isnan(out[0]) and out[1:].tolist() == [1, 0, 0, 0]


def test_cues_of_arousal_are_the_voice_before_the_words():
    rows = rows_of(2).assign(norm_arousal=[1.0, 2])
    assert with_cues(rows).arousal_cue.tolist() == [1, 2] and "arousal_cue" not in with_cues(rows_of(2))
    assert with_cues(rows.assign(voice_loudness_sma3_amean=[5.0, 6])).arousal_cue.tolist() == [5, 6]


def test_topics_need_three_words_of_their_own():
    def shift(*texts):
        return values(concepts()["topic shift"], rows_of(len(texts), texts=list(texts)))

    assert shift("cats chase dogs", "ships sail far").tolist()[1] == 1 and np.isnan(
        shift("cats chase dogs", "ships sail far")[0]
    )
    assert np.isnan(shift("cats chase dogs", "ships sail"))[1]  # two words are too few to tell
    assert np.isnan(shift("oh well", "ships sail far"))[1]  # nothing was said that could be kept
    assert shift("cats", "ships sail far", "cats chase dogs")[2] == 0  # two utterances before


def test_concepts_are_found_by_name_and_group_and_checked():
    assert [c.name for c in find(["smile", "smile", "negation"])] == ["smile", "negation"]
    groups = [c.group for c in concepts().values()]
    assert groups == sorted(groups, key=("voice", "words", "face", "dialogue", "user").index)
    rows = rows_of(3, texts=["no", "", "yes"])
    with pytest.raises(UsageError, match="':' has no place in a query"):
        values(from_query("long", "key.iloc[:2] == 'u0'"), rows)
    short = replace(concepts()["negation"], name="short", needs=(), predicate=lambda rows: np.ones(2))
    with pytest.raises(UsageError, match=r"concept 'short' gave \(2,\) values for 3 utterances"):
        values(short, rows)
    for lacking in (rows.drop(columns="text"), rows.assign(text=""), rows.assign(text=np.nan)):
        with pytest.raises(UsageError, match="concept 'negation' needs text, which this corpus does not have"):
            values(concepts()["negation"], lacking)
    targets, why = supported(rows, find(["negation", "loud"]))
    assert list(targets) == ["negation"] and list(why) == ["loud"]
    assert words_held("I do not know", ("negation", "question")) == {"negation": True, "question": False}


def test_examples_from_files_and_folders(tmp_path):
    rows = rows_of(3)
    (tmp_path / "waving.txt").write_text("u0\nu2\n")
    made = from_folder(tmp_path / "waving.txt")
    assert made.name == "waving" and values(made, rows).tolist() == [1, 0, 1] and made.group == "user"
    (tmp_path / "folder" / "u1").mkdir(parents=True)
    (tmp_path / "folder" / "u2.wav").write_text("")
    assert values(from_folder(tmp_path / "folder"), rows).tolist() == [0, 0, 1]  # a folder in it is no example
    with pytest.raises(UsageError, match="neither a folder of examples nor a file"):
        from_folder(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="here: none of 2 names is the key of an utterance, such as 'u0'"):
        values(from_keys("c", {"x", "y"}, "here"), rows)
