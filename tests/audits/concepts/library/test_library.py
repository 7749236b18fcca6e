"""Concepts on sentences and turns whose answer is plain, and that no predicate sees a label."""

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.concepts.library.base import (
    LABELS,
    Concept,
    against_speaker,
    concepts,
    find,
    from_folder,
    from_query,
    supported,
    values,
)
from affectlens.audits.concepts.library.dialogue import previous, with_cues
from affectlens.audits.concepts.library.face import markers, with_action_units, with_video
from affectlens.audits.concepts.library.voice import with_voice
from affectlens.audits.concepts.library.words import with_norms
from affectlens.audits.concepts.pool import pooled_rows
from affectlens.audits.concepts.tables import association, pair_table
from affectlens.core.errors import UsageError
from affectlens.features.utterances import VIDEO_NAMES
from affectlens.perception.voice.egemaps import NAMES


def _rows(texts, speakers=None, dialogue=None, start=None, end=None):
    n = len(texts)
    return pd.DataFrame(
        {
            "key": [f"u{i}" for i in range(n)], "dialogue": dialogue or ["d"] * n, "turn": range(n), "text": texts,
            "speaker": speakers or ["a", "b"] * (n // 2) + ["a"] * (n % 2),
            "start": start or [float("nan")] * n, "end": end or [float("nan")] * n, "label": ["anger"] * n,
        }
    )  # fmt: skip


def _on(name, rows):
    return list(values(concepts()[name], rows))


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("negation", "I don’t know", "I know"), ("first person", "That's mine", "That's yours"),
        ("second person", "You did", "He did"), ("question", "What now", "Now what I do"), ("question", "Really?", "Really"),
        ("exclamation", "No!", "No"), ("profanity", "What the hell", "Hello shell"),
        ("positive words", "That is great", "That is not great"), ("hedging", "Maybe later", "Later"),
        ("intensifier", "so good", "good"), ("few words", "oh my god", "oh my dear god"),
    ],
)  # fmt: skip
def test_words(name, yes, no):
    out = _on(name, _rows([yes, no, ""]))
    assert out[:2] == [1, 0] and np.isnan(out[2])


def test_norms(tmp_path):
    (tmp_path / "n.csv").write_text(
        "joy,8,1,9,7,1,9,6,1,9,0\ntable,5,1,9,3,1,9,5,1,9,0\nwar,2,1,9,6,1,9,3,1,9,0\nrain,4,1,9,4,1,9,4,1,9,0\n"
    )
    rows = with_norms(_rows(["such joy", "a table", "war", "rain", "xyz"]), tmp_path / "n.csv")
    np.testing.assert_allclose(rows.norm_valence, [8, 5, 2, 4, np.nan])
    assert _on("pleasant words", rows)[:4] == [1, 0, 0, 0] and np.isnan(_on("pleasant words", rows)[4])
    assert _on("unpleasant words", rows)[:4] == [0, 0, 1, 0]
    assert _on("partner was pleasant", rows)[1] == 1 and _on("partner was unpleasant", rows)[3] == 1
    (tmp_path / "h.csv").write_text(",Word,V.Mean.Sum,A.Mean.Sum,D.Mean.Sum\n1,joy,8,7,6\n")
    assert with_norms(_rows(["joy"]), tmp_path / "h.csv").norm_dominance[0] == 6
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="2 columns"):
        with_norms(_rows(["joy"]), tmp_path / "b.csv")


def test_turns():
    rows = _rows(["we talk of cats and dogs", "cats are fine animals", "ships sail over oceans", "yes"], list("abba"),
                 start=[0.0, 1.5, 4.2, 7.0], end=[2.0, 4.0, 5.0, 8.0])  # fmt: skip
    assert _on("overlap", rows)[1] == 1 and _on("interruption", rows)[1] == 1
    assert np.isnan(_on("overlap", rows)[2])  # the same speaker goes on
    assert _on("long silence before", rows)[3] == 1
    assert _on("answers another", rows)[1:] == [1, 0, 1]
    assert _on("opening", rows) == [1, 0, 0, 0]
    assert _on("topic shift", rows)[1:3] == [0, 1]
    two = _rows(["a", "b"], dialogue=["x", "y"], start=[0.0, 0.1], end=[1.0, 1.0])
    assert np.isnan(_on("overlap", two)[1])  # another dialogue
    loud = with_cues(_rows(["a"] * 4).assign(norm_arousal=[1.0, 2, 3, 2.5]))
    assert _on("escalation", loud)[2:] == [1, 0] and np.isnan(_on("escalation", loud)[0])


def test_voice_is_against_the_speaker(rng):
    x = rng.normal(size=(20, len(NAMES))) * 0.1 + 5
    at = NAMES.index("F0semitoneFrom27.5Hz_sma3nz_amean")
    x[:10, at], x[10:, at] = np.linspace(20, 22, 10), np.linspace(40, 42, 10)
    x[3, at], x[15] = 26, 0
    rows = with_voice(_rows(["x"] * 20, ["low"] * 10 + ["high"] * 10), x, NAMES)
    out = _on("high pitch", rows)
    assert out[3] == 1 and np.isnan(out[15])
    assert np.nansum(out[10:]) <= 3  # a high voice is not high for its owner
    assert {"loud", "fast", "trembling", "breathy", "pauses", "rising pitch"} <= set(supported(rows)[0])


def test_face_from_three_sources():
    x = np.zeros((12, len(VIDEO_NAMES))) + 0.1
    x[:, VIDEO_NAMES.index("mouthSmileLeft mean")] = np.linspace(0.1, 0.12, 12)
    x[5, VIDEO_NAMES.index("mouthSmileLeft mean")] = 0.9
    x[7] = 0
    out = _on("smile", with_video(_rows(["x"] * 12, ["a"] * 12), x, VIDEO_NAMES))
    assert out[5] == 1 and np.isnan(out[7])
    units = pd.DataFrame({"key": [f"u{i}" for i in range(8)], "AU12_r": [0.1, 0.2, 0.15, 4, 0.1, 0.12, 0.2, 0.1]})
    assert _on("smile", with_action_units(_rows(["x"] * 8, ["a"] * 8), units))[3] == 1
    face = pd.DataFrame({"RC2_z": [1.0, 3.0], "CH1_z": [-50.0, -54.0]})
    head = pd.DataFrame({"pitch": [10.0, 20], "yaw": [-4.0, 4]})
    found = markers(face, head)
    assert found["face_smile"] == 2 and found["face_jaw_open"] == 52 and found["face_head_shake"] == 4
    with pytest.raises(UsageError, match="column key"):
        with_action_units(_rows(["x"]), pd.DataFrame({"AU12": [1]}))


def test_no_predicate_sees_a_label():
    seen = []
    spy = Concept("spy", "user", "", (), lambda rows: seen.append(set(rows.columns)) or np.zeros(len(rows)))
    values(spy, _rows(["a", "b"]).assign(valence=1, emotion="x"))
    assert not seen[0] & set(LABELS)
    rows = _rows(["I am not happy", "what a day", "so many words to say here"] * 4)
    other = rows.assign(label=["joy", "fear", "x"] * 4)
    for name, first in supported(rows)[0].items():
        np.testing.assert_array_equal(first, supported(other)[0][name])


def test_users_add_concepts(tmp_path):
    rows = _rows(["short", "a much longer sentence than that"])
    assert list(values(from_query("long", "text.str.len() > 10"), rows)) == [0, 1]
    with pytest.raises(UsageError, match="columns: key"):
        values(from_query("bad", "nothing > 1"), rows)
    with pytest.raises(UsageError, match="columns"):
        values(from_query("peek", "label == 'anger'"), rows)
    (tmp_path / "waving").mkdir()
    (tmp_path / "waving" / "u1.wav").write_bytes(b"")
    made = from_folder(tmp_path / "waving")
    assert made.name == "waving" and list(values(made, rows)) == [0, 1]
    (tmp_path / "none.txt").write_text("zzz")
    with pytest.raises(UsageError, match="none of 1"):
        values(from_folder(tmp_path / "none.txt"), rows)


def test_support_and_errors():
    held, why = supported(_rows(["a b c d", "e"] * 5))
    assert "negation" in held and "needs voice_" in why["loud"] and "needs start" in why["overlap"]
    assert [c.group for c in find(["words"])] == ["words"] * len(find(["words"]))
    with pytest.raises(UsageError, match="negation"):
        find(["negatoin"])
    assert all(c.meaning and c.name for c in concepts().values())


def test_association_by_hand(rng):
    a = np.repeat([0.0, 1], 500)
    assert association(a, a) == pytest.approx(1, abs=1e-6)
    assert association(a, rng.permutation(a)) < 0.1
    assert association(a, np.zeros(1000)) == 0
    pairs = pair_table({"one": a, "same": a, "other": rng.permutation(a)})
    assert len(pairs) == 1 and pairs.association[0] == pytest.approx(1, abs=1e-6)


def test_pool_takes_whole_dialogues(rng):
    from benchmarks.planted_dialogues import dialogues

    data, _ = dialogues(0, 30)
    kept = data.take(pooled_rows(data, 100, rng))
    assert 100 <= len(kept) < 110
    assert all((data.dialogues == d).sum() == (kept.dialogues == d).sum() for d in set(kept.dialogues))


DROPPED = """
from affectlens.audits.concepts.library.base import concept

@concept("shouting", "words", "is all capitals", "text")
def _shouting(rows):
    return rows.text.str.isupper().to_numpy(float)
"""


def test_a_concept_dropped_in_as_one_file_is_known(tmp_path):
    """In a process of its own, so that the others do not know it."""
    import subprocess
    import sys

    (tmp_path / "shouting.py").write_text(DROPPED)
    code = """
import sys
import affectlens.audits.concepts.library as library
library.__path__.append(sys.argv[1])
from affectlens.audits.concepts.library.base import concepts
print(list(concepts()))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert "'shouting'" in done.stdout and "'negation'" in done.stdout, done.stderr


def test_a_name_taken_twice_is_warned_of(monkeypatch):
    from affectlens.audits.concepts.library import base

    monkeypatch.setattr(base.CONCEPTS, "_entries", dict(base.CONCEPTS._entries))
    concepts()
    with pytest.warns(UserWarning, match="negation"):
        base.concept("negation", "words", "another", "text")(lambda rows: np.zeros(len(rows)))
    with pytest.raises(UsageError, match="group of concepts"):
        base.concept("new", "wrds", "a group that is not there")


def test_against_the_speaker_by_hand():
    rows = _rows(["x"] * 8, ["a"] * 5 + ["b"] * 3)
    out = against_speaker(pd.Series([0.0, 1, 2, 3, 4, 10, 10, 14]), rows)
    np.testing.assert_allclose(out[:5], np.array([-2, -1, 0, 1, 2]) / 1.4826)
    # The other has three utterances, too few for a habit: against everybody, median 3.5 and median deviation 3.
    np.testing.assert_allclose(out[5:], np.array([6.5, 6.5, 10.5]) / (1.4826 * 3))


def test_long_turns_are_the_longest_tenth():
    out = _on("long turn", _rows([" ".join(["word"] * n) for n in range(1, 21)]))
    assert out == [0] * 18 + [1, 1]


def test_topics_are_remembered_for_three_utterances():
    texts = ["cats chase dogs", "ships sail far", "birds fly high", "cats chase mice"]
    assert _on("topic shift", _rows(texts))[3] == 0
    assert _on("topic shift", _rows([*texts[:3], "lamps shine bright", texts[3]]))[4] == 1


def test_the_partner_is_looked_for_in_this_dialogue_alone():
    rows = _rows(list("abcdef"), list("aaabba"), ["x", "x", "y", "y", "y", "x"][:6])
    assert previous(rows.iloc[:5]).tolist() == [-1, 0, -1, 2, 3]
    own = _rows(["a", "b", "c"], list("aab"))  # the last utterance is another's, and is no partner of the first
    assert previous(own, other=True).tolist() == [-1, -1, 1] and previous(own).tolist() == [-1, 0, 1]
    three = _rows(list("abcd"), list("abca"))
    assert previous(three, other=True).tolist() == [-1, 0, 1, 2]
    alone = _rows(["a", "b", "c"], list("aba"), ["x", "y", "y"])
    assert previous(alone, other=True).tolist() == [-1, -1, 1]


def test_markers_that_were_lost_do_not_count():
    face = pd.DataFrame({"RC2_z": [1.0, np.nan], "LC2_z": [np.nan, 5.0], "RBRO1_z": [np.nan, np.nan], "CH1_z": [-50.0, -54.0]})
    found = markers(face, pd.DataFrame({"pitch": [10.0, np.nan, 20], "yaw": [-4.0, 4, np.nan]}))
    assert found == {"face_smile": 3.0, "face_jaw_open": 52.0, "face_head_down": 15.0, "face_head_shake": 4.0}
    assert "face_head_down" not in markers(face, pd.DataFrame({"pitch": [], "yaw": []}))


def test_norms_are_means_over_the_words_that_have_one(tmp_path):
    (tmp_path / "n.csv").write_text("Joy,8,1,9,7,1,9,6,1,9,0\nwar,2,1,9,6,1,9,3,1,9,0\nodd,x,1,9,1,1,9,1,1,9,0\n")
    rows = with_norms(_rows(["joy and JOY and war", "odd joy", "nothing", ""]), tmp_path / "n.csv")
    np.testing.assert_allclose(rows.norm_valence, [6, 8, np.nan, np.nan])
    np.testing.assert_allclose(rows.norm_arousal[:1], [(7 + 7 + 6) / 3])
    np.testing.assert_allclose(rows.norm_dominance[:1], [(6 + 6 + 3) / 3])
    (tmp_path / "h.csv").write_text(",Word,V.Mean.Sum,A.Mean.Sum,D.Mean.Sum\n1,joy,8,7,6\n2,war,2,6,3\n")
    np.testing.assert_allclose(with_norms(_rows(["joy", "war"]), tmp_path / "h.csv").norm_valence, [8, 2])
    (tmp_path / "ten.csv").write_text("joy,8,1,9,7,1,9,6,1,9\n")
    assert (
        with_norms(_rows(["joy"]), tmp_path / "ten.csv").norm_dominance[0] == 6
    )  # word, and three times mean, deviation, count
    (tmp_path / "nine.csv").write_text("joy,8,1,9,7,1,9,6,1\n")
    with pytest.raises(UsageError, match="9 columns; expected Warriner"):
        with_norms(_rows(["joy"]), tmp_path / "nine.csv")
    with pytest.raises(UsageError, match="not a readable csv"):
        with_norms(_rows(["joy"]), tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("name", "gap", "on"),
    [("interruption", -0.21, 1), ("interruption", -0.19, 0), ("overlap", -0.01, 1), ("overlap", 0.01, 0),
     ("long silence before", 1.51, 1), ("long silence before", 1.49, 0), ("overlap", 30.5, None), ("overlap", -30.5, None), ("overlap", -30.0, None), ("overlap", -29.9, 1)],
)  # fmt: skip
def test_gaps_between_turns(name, gap, on):
    out = _on(name, _rows(["a", "b"], start=[100.0, 105.0 + gap], end=[105.0, 200.0]))
    assert np.isnan(out[0]) and (np.isnan(out[1]) if on is None else out[1] == on)


def test_rises_over_three_utterances_of_one_dialogue():
    rows = _rows(["x"] * 7, list("abababa"), ["d", "d", "d", "d", "e", "e", "e"]).assign(
        arousal_cue=[1.0, 2, 3, 3, 4, 5, np.nan]
    )
    out = _on("escalation", rows)
    assert out[2:4] == [1, 0] and np.isnan([*out[:2], *out[4:]]).all()


def test_deviations_of_values_that_hardly_vary():
    rows = _rows(["x"] * 6, ["a"] * 6)
    out = against_speaker(pd.Series([1.0, 1, 1, 1, 1, 7]), rows)  # the median deviation is none, so the deviation stands in
    np.testing.assert_allclose(out, np.array([0, 0, 0, 0, 0, 6]) / np.std([1, 1, 1, 1, 1, 7]), atol=1e-6)
    assert (against_speaker(pd.Series([2.0] * 6), rows) == 0).all()
