"""Which findings make one segment, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from affectlens.core.labels import EKMAN7, EMOTIC26
from affectlens.core.schema import SCENE, Row
from affectlens.fusion.pool import Fuser, Opinion, pool
from affectlens.fusion.segments import fuse_findings, summary_evidence
from affectlens.modalities.base import Finding
from tests.fusion.clips import clip_of, finding, probabilities


def fused_rows(*findings):
    return [f.row for f in fuse_findings(clip_of(explaining=False), list(findings))[1]]


@pytest.mark.parametrize(("end", "joins"), [(0.24, False), (0.25, True), (0.5, True), (0.74, True)])
def test_an_utterance_speaks_for_a_window_that_it_covers_by_a_quarter(end, joins):
    findings = [finding("face", 0, 1, happiness=0.8), finding("words", 0, end, anger=0.8)]
    weighted, fused = fuse_findings(clip_of(explaining=False), findings)
    assert len(fused) == (1 if joins else 2)
    assert weighted[1].row.weight == pytest.approx(0.5 if joins else 1.0)
    assert fused[0].row.label == ("happiness" if not joins else fused[0].row.label)
    if not joins:
        assert [f.row.label for f in fused] == ["happiness", "anger"]


def test_an_utterance_that_only_touches_a_window_of_no_length_stays_alone():
    assert len(fused_rows(finding("face", 0, 0, happiness=0.8), finding("words", 0, 1, anger=0.8))) == 2


def test_one_utterance_speaks_for_all_the_windows_that_it_covers():
    faces = [finding("face", i, i + 1, happiness=0.6, weight=w) for i, w in enumerate((0.5, 1.5))]
    weighted, fused = fuse_findings(clip_of(explaining=False), [*faces, finding("words", 0, 2, anger=0.6, weight=0.5)])
    assert [f.row.start for f in fused] == [0, 1]
    assert [f.row.weight for f in weighted] == pytest.approx([0.5, 0.75, (0.5 + 0.25) / 2])


def test_the_fused_row_is_the_pool_of_its_opinions():
    a, b = finding("face", 0, 1, happiness=0.7, weight=0.6), finding("words", 0, 1, anger=0.5, happiness=0.3, weight=0.2)
    (row,) = fused_rows(a, b)
    opinions = [Opinion(f.row.modality, np.array(f.row.probabilities), f.weight, ()) for f in (a, b)]
    np.testing.assert_allclose(row.probabilities, pool(opinions))
    assert (row.modality, row.weight, row.quality, row.status) == ("fused", 1.0, 1.0, "ok")


def test_people_are_fused_apart_and_what_the_recording_lacks_is_nobodys_segment():
    lack = finding("words", 0, 5, person=SCENE)
    rows = fused_rows(finding("face", 0, 1, 0, fear=0.6), finding("face", 0, 1, 1, anger=0.6), lack)
    assert [(r.person, r.label) for r in rows] == [(SCENE, ""), (0, "fear"), (1, "anger")]
    assert rows[0].status == "abstained" and rows[0].reason == "words: too dark"


def test_two_utterances_in_one_window_the_first_speaks():
    (row,) = fused_rows(finding("face", 0, 4, neutral=0.4), finding("words", 0, 2, anger=0.9), finding("words", 2, 4, fear=0.9))
    assert row.probabilities[EKMAN7.index("anger")] > row.probabilities[EKMAN7.index("fear")]


def test_utterances_in_one_turn_of_voice_speak_together_over_the_whole_turn():
    voice = finding("voice", 0, 6, neutral=0.5)
    one = finding("words", 0, 1, text="Well.", anger=0.9, weight=0.2)
    two = finding("words", 2, 5, text="I am glad.", happiness=0.9, weight=0.6)
    weighted, (fused,) = fuse_findings(clip_of(explaining=False), [one, two, voice])
    assert (fused.row.start, fused.row.end, fused.row.text) == (0, 6, "Well. I am glad.")
    mean = (np.array(one.row.probabilities) + 3 * np.array(two.row.probabilities)) / 4  # by their length
    opinions = [
        Opinion("words", mean, (0.2 + 3 * 0.6) / 4, ()),
        Opinion("voice", np.array(voice.row.probabilities), voice.weight, ()),
    ]
    np.testing.assert_allclose(fused.row.probabilities, pool(opinions))
    assert [f.row.weight for f in weighted] == pytest.approx([0.5, 0.5, 0.5])
    # One that cannot be judged leaves the other to speak, and the turn is the row all the same.
    (row,) = fused_rows(unread("words", "abstained", "not English", 0, 3), finding("words", 3.5, 5, anger=0.9), voice)
    assert (row.start, row.end, row.status) == (0, 6, "ok")


def test_turns_and_fused_rows_have_the_same_times_whatever_was_said_in_them():
    turns = [(0, 5), (5.2, 9), (9.1, 15), (20, 21)]
    said = [(0.1, 2), (3, 4.9), (5.4, 9.3), (8.9, 11), (11.5, 14), (14.2, 14.9)]
    findings = [finding("words", a, b, anger=0.6) for a, b in said] + [finding("voice", a, b, fear=0.6) for a, b in turns]
    assert [(r.start, r.end) for r in fused_rows(*findings)] == turns
    assert [(r.start, r.end) for r in fused_rows(*reversed(findings))] == turns


def test_without_a_fitted_threshold_the_set_is_what_any_is_open_to():
    agree = fused_rows(
        finding("face", 0, 1, conformal=("happiness", "neutral"), happiness=0.6),
        finding("words", 0, 1, conformal=("happiness", "anger"), happiness=0.6),
    )[0]
    assert not agree.conflict and set(agree.conformal) == {"happiness", "neutral", "anger"}
    clash = fused_rows(
        finding("face", 0, 1, conformal=("happiness", "neutral"), happiness=0.6),
        finding("words", 0, 1, conformal=("anger", "neutral"), anger=0.6),
    )[0]
    assert clash.conflict and set(clash.conformal) == {"happiness", "neutral", "anger"}
    apart = fused_rows(
        finding("face", 0, 1, conformal=("happiness",), anger=0.6),
        finding("words", 0, 1, conformal=("anger",), anger=0.6),
    )[0]
    assert not apart.conflict and set(apart.conformal) == {"happiness", "anger"}


def test_the_set_holds_its_own_label():
    """Two that are both open to a third class only agree on what neither says: the answer is in the set all the same."""
    (row,) = fused_rows(
        finding("face", 0, 1, conformal=("neutral",), anger=0.4, neutral=0.35),
        finding("words", 0, 1, conformal=("neutral",), anger=0.4, neutral=0.35),
    )
    assert row.label == "anger" and row.conformal == ("anger", "neutral")


def typical(found, p_value):
    return replace(found, row=replace(found.row, typical=p_value))


def test_a_module_out_of_its_depth_no_longer_decides():
    face = typical(finding("face", 0, 1, fear=0.6, weight=0.4), 0.6)
    voice = finding("voice", 0, 1, anger=0.97, weight=0.5)
    told, deep, unknown = (fused_rows(face, typical(voice, p))[0] for p in (0.5, 0.01, float("nan")))
    assert told.label == unknown.label == "anger" and told.probabilities == unknown.probabilities
    assert deep.label == "fear" and deep.probabilities == pytest.approx(face.row.probabilities)
    assert not deep.conflict and deep.conformal == ("fear",)
    weighted, _ = fuse_findings(clip_of(explaining=False), [face, typical(voice, 0.01)])
    assert weighted[0].row.weight == 1.0 and np.isnan(weighted[1].row.weight)


def test_the_weight_falls_with_typicality():
    face, voice = finding("face", 0, 1, fear=0.6, weight=0.4), finding("voice", 0, 1, anger=0.6, weight=0.4)
    shares = [fuse_findings(clip_of(explaining=False), [face, typical(voice, p)])[0][1].row.weight for p in (0.25, 0.15, 0.1)]
    assert shares == pytest.approx([0.5, 1 / 3, 0.2])


def test_where_all_are_out_of_their_depth_nothing_is_said_and_why():
    (row,) = fused_rows(typical(finding("face", 0, 1, fear=0.6), 0.02), typical(finding("voice", 0, 1, anger=0.6), 0.0))
    assert row.status == "abstained" and row.probabilities is None
    assert row.reason == "face: this is unlike all that it learnt from; voice: this is unlike all that it learnt from"


def test_classes_of_the_set_stand_in_the_order_of_their_probability():
    (row,) = fused_rows(finding("face", 0, 1, conformal=("anger", "fear", "neutral"), anger=0.2, fear=0.5, neutral=0.25))
    assert row.conformal == ("fear", "neutral", "anger")


def test_what_if_names_the_modality_that_matters_most():
    findings = [finding("face", 0, 1, happiness=0.95, weight=2.0), finding("words", 0, 1, happiness=0.2, weight=0.1),
                finding("posture", 0, 1, happiness=0.3, weight=0.1)]  # fmt: skip
    _, (fused,) = fuse_findings(clip_of(), findings)
    (what_if,) = [e for e in fused.evidence if e.kind == "what if"]
    assert what_if.subject == "face"
    rest = pool([Opinion(f.row.modality, np.array(f.row.probabilities), f.weight, ()) for f in findings[1:]])
    target = EKMAN7.index("happiness")
    assert what_if.value == pytest.approx(rest[target] - fused.row.confidence) and what_if.value < 0


def test_shares_conflict_and_their_numbers():
    findings = [finding("face", 0, 1, happiness=0.9, weight=0.6), finding("words", 0, 1, anger=0.9, weight=0.3)]
    _, (fused,) = fuse_findings(clip_of(), findings)
    shares = {e.subject: e for e in fused.evidence if e.kind == "share"}
    p = fused.row.confidence
    assert sum(e.value for e in shares.values()) == pytest.approx(np.log(p / (1 - p)) - np.log(1 / 6))
    assert shares["face"].detail.weight == pytest.approx(2 / 3, abs=1e-4)
    (conflict,) = [e for e in fused.evidence if e.kind == "conflict"]
    assert conflict.detail.says == {"face": "happiness", "words": "anger"} and fused.row.conflict


def test_without_explaining_there_is_no_evidence_and_the_same_row():
    findings = [finding("face", 0, 1, happiness=0.9), finding("words", 0, 1, anger=0.9)]
    plain = fuse_findings(clip_of(explaining=False), findings)[1][0]
    assert plain.evidence == () and plain.row == fuse_findings(clip_of(), findings)[1][0].row


def test_what_is_usual_takes_part_as_an_opinion():
    usual = Opinion("usual", np.array(probabilities(sadness=0.7)), 0.4, EKMAN7.labels)
    findings = [finding("face", 0, 1, happiness=0.5)]
    without, with_usual = (fuse_findings(clip_of(), findings, u)[1][0].row for u in (None, usual))
    at = EKMAN7.index("sadness")
    assert with_usual.probabilities[at] > without.probabilities[at]


def test_summaries_count_windows():
    rows = fused_rows(*[finding("face", i, i + 1, **({"fear": 0.8} if i < 3 else {"anger": 0.8})) for i in range(4)],
                      finding("face", 4, 5))  # fmt: skip
    summaries, evidence = summary_evidence(clip_of(), rows)
    (s,) = summaries
    assert (s.windows, s.readable, s.label, s.changes) == (5, 4, "fear", 1) and s.share.value == 0.75
    assert dict(s.shares) == {"fear": 0.75, "anger": 0.25}
    kinds = {e.kind: e for e in evidence}
    assert kinds["share of time"].value == 0.75 and kinds["share of time"].detail.readable == 4
    assert kinds["changes"].value == 1
    assert kinds["not read"].value == 1 and kinds["not read"].detail.reason == "face: too dark"


def unread(modality, status, reason, start=0, end=1, person=0):
    return Finding(Row("talk.mp4", start, end, person, modality, status, reason))


def test_a_segment_that_nobody_can_judge_says_why_in_full():
    (row,) = fused_rows(
        finding("face", 0, 1), unread("words", "missing", "nobody speaks"), unread("voice", "missing", "silence")
    )
    assert (row.status, row.reason) == ("abstained", "face: too dark; words: nobody speaks; voice: silence")
    assert (row.start, row.end, row.person, row.modality, row.probabilities) == (0, 1, 0, "fused", None)
    (row,) = fused_rows(unread("face", "failed", "broken"), unread("words", "missing", "nobody speaks"))
    assert row.status == "failed"
    (row,) = fused_rows(unread("face", "missing", "gone"), finding("words", 0, 1))
    assert row.status == "abstained"  # somebody could have been judged


def test_quality_text_and_times_of_a_fused_row():
    face, voice = finding("face", 2, 3, 4, fear=0.6), finding("voice", 1, 5, 4, fear=0.6)
    words = finding("words", 2, 3, 4, text="so it is", fear=0.6)
    rated = [replace(f, row=replace(f.row, quality=q)) for f, q in ((face, 0.4), (voice, 0.9), (words, 0.8))]
    (row,) = fused_rows(*rated)
    assert (row.file, row.start, row.end, row.person, row.text) == ("talk.mp4", 2, 3, 4, "so it is")
    assert row.quality == pytest.approx(0.7)
    (row,) = fused_rows(rated[0], finding("words", 2, 3, 4))  # who says nothing has no part in the quality
    assert row.quality == pytest.approx(0.4) and row.text == ""


def test_segments_come_in_order_of_time_and_then_of_people():
    rows = fused_rows(
        finding("face", 1, 2, 1, fear=0.6), finding("face", 0, 1, 1, fear=0.6), finding("face", 1, 2, 0, fear=0.6)
    )
    assert [(r.start, r.person) for r in rows] == [(0, 1), (1, 0), (1, 1)]


def test_one_opinion_is_the_answer_without_evidence():
    _, (fused,) = fuse_findings(clip_of(), [finding("face", 0, 1, fear=0.6)])
    assert fused.evidence == () and fused.row.confidence == pytest.approx(0.6) and not fused.row.conflict


def test_what_if_holds_the_answer_and_the_probabilities_before_and_after():
    findings = [finding("face", 0, 1, happiness=0.9, weight=3.0), finding("words", 0, 1, anger=0.6, happiness=0.2, weight=1.0)]
    _, (fused,) = fuse_findings(clip_of(), findings)
    (what_if,) = [e for e in fused.evidence if e.kind == "what if"]
    detail, before = what_if.detail, fused.row.confidence
    assert (what_if.subject, what_if.target, detail.answer) == ("face", "happiness", "anger")
    assert (detail.probability, detail.of_target, detail.before) == pytest.approx((0.6, 0.2, before), abs=1e-4)
    assert what_if.value == pytest.approx(0.2 - before)


def test_a_conflict_has_the_divergence_of_the_opinions():
    from scipy.spatial.distance import jensenshannon

    findings = [finding("face", 0, 1, happiness=0.9, weight=0.5), finding("words", 0, 1, anger=0.9, weight=0.5)]
    _, (fused,) = fuse_findings(clip_of(), findings)
    (conflict,) = [e for e in fused.evidence if e.kind == "conflict"]
    expected = jensenshannon(*(f.row.probabilities for f in findings), base=2) ** 2
    assert conflict.value == pytest.approx(expected) and conflict.unit == "bit"
    _, (agreed,) = fuse_findings(clip_of(), [findings[0], finding("words", 0, 1, happiness=0.5)])
    assert [e.kind for e in agreed.evidence] == ["share", "share", "what if"]


def test_what_is_lost_is_noted_once_with_its_mean_and_only_what_can_be_seen():
    clip = clip_of()
    lost = [finding("words", i, i + 1, scheme=EMOTIC26, pain=p, fear=0.9 - p, yearning=0.004) for i, p in enumerate((0.1, 0.3))]
    lost = [replace(f, row=replace(f.row, probabilities=only(f.row, "pain", "fear", "yearning"))) for f in lost]
    fuse_findings(clip, lost)
    (note,) = clip.problems.notes
    assert note.startswith(
        "words answers in the classes of emotic26; pain is none of the seven of the fused answer: on average "
    )
    assert note.endswith("of its probability in 2 segments takes no part")
    little = clip_of()
    f = finding("words", 0, 1, scheme=EMOTIC26, pain=0.004, fear=0.996)
    fuse_findings(little, [replace(f, row=replace(f.row, probabilities=only(f.row, "pain", "fear")))])
    assert little.problems.notes == []


def only(row, *kept):
    """The row's probabilities of some classes, scaled to be all."""
    p = np.array([v if c in kept else 0.0 for c, v in zip(row.scheme.labels, row.probabilities, strict=True)])
    return tuple(map(float, p / p.sum()))


def test_the_summary_spans_the_recording_and_names_the_commonest_reason():
    rows = fused_rows(
        *[finding("face", i, i + 1, 3, **({"fear": 0.8} if i < 2 else {"anger": 0.6})) for i in range(3)],
        unread("face", "failed", "broken", 3, 4, 3), finding("face", 4, 5, 3), finding("face", 5, 7, 3),
    )  # fmt: skip
    (summary,), evidence = summary_evidence(clip_of(), rows)
    by_kind = {e.kind: e for e in evidence}
    assert set(by_kind) == {"share of time", "changes", "not read"}
    assert all((e.start, e.end, e.person, e.level, e.modality) == (0, 7, 3, "situation", "fused") for e in evidence)
    share = by_kind["share of time"]
    assert (share.target, share.value, share.low, share.high) == (
        "fear", pytest.approx(2 / 3), summary.share.low, summary.share.high
    )  # fmt: skip
    assert share.detail.shares == {"fear": 0.6667, "anger": 0.3333} and share.detail.mean_probability == pytest.approx(0.8)
    assert (share.detail.windows, share.detail.readable) == (6, 3)
    assert by_kind["not read"].value == 3 and by_kind["not read"].detail.reason == "face: too dark"
    assert by_kind["not read"].detail.windows == 6 and by_kind["changes"].target == "fear"


def test_of_somebody_never_read_nothing_is_summed_up_and_of_somebody_always_read_nothing_is_missing():
    rows = fused_rows(finding("face", 0, 1, 0), finding("face", 0, 1, 1, fear=0.6), finding("face", 1, 2, 1, fear=0.6))
    summaries, evidence = summary_evidence(clip_of(), rows)
    assert [(s.person, s.readable) for s in summaries] == [(1, 2), (0, 0)]
    assert [(e.kind, e.person) for e in evidence] == [("share of time", 1)]


class Listening(Fuser):
    """Keeps the opinions that it is given."""

    def fuse(self, opinions):
        self.given = list(opinions)
        return super().fuse(opinions)


@pytest.mark.parametrize(("quality", "taken"), [(0.4, 0.4), (-0.5, 0.0), (1.5, 1.0), (float("nan"), 1.0)])
def test_opinions_carry_what_the_network_reads(quality, taken):
    f = finding("face", 0, 1, weight=0.3, conformal=("fear", "anger"), fear=0.6)
    deep, fuser = np.arange(3.0), Listening(EKMAN7.labels)
    fuse_findings(clip_of(), [replace(f, row=replace(f.row, quality=quality), deep=deep)], fuser=fuser)
    (opinion,) = fuser.given
    assert (opinion.modality, opinion.weight, opinion.quality) == ("face", 0.3, taken) and opinion.deep is deep
    assert set(opinion.conformal) == {"fear", "anger"}
    np.testing.assert_allclose(opinion.probabilities, f.row.probabilities)
