"""What a reader gets of one row of each kind, word by word."""

from __future__ import annotations

import pytest

from affectlens.core.kinds import EVIDENCE
from affectlens.core.schema import SCENE, Evidence
from affectlens.fusion.evidence import (
    ConflictDetail,
    NoCounterpartDetail,
    NotReadDetail,
    ShareDetail,
    ShareOfTimeDetail,
    WhatIfDetail,
)
from affectlens.fusion.usual_evidence import UsualDetail
from affectlens.modalities.background.evidence import ObjectDetail
from affectlens.modalities.body import RelevanceDetail
from affectlens.modalities.face.evidence import MovementDetail, RegionDetail
from affectlens.modalities.faithfulness import FaithfulnessDetail
from affectlens.modalities.gait.evidence import GaitMeasurement
from affectlens.modalities.scene.evidence import LookDetail, PairDetail, PlaceDetail, ThingDetail
from affectlens.modalities.telling import Clause, Sentence, at, clause, of_kind, sentence, way, who
from affectlens.modalities.voice.evidence import MomentDetail, Neighbour, VoiceDifference, VoiceRelevance
from affectlens.modalities.words.evidence import ConceptDetail, SpeakerDetail, WordDetail

SHARES = dict(zip(("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
                  (0.1, 0.05, 0.05, 0.1, 0.05, 0.05, 0.6), strict=True))  # fmt: skip


def usual(people=25, context="at an office", most="anger", by=0.304, source=""):
    return UsualDetail("office", "given", "not known", "nothing", context, people, 20, SHARES, (0.0,) * 7, (1.0,) * 7,
                       SHARES, most, by, source, False)  # fmt: skip


def evidence(kind, subject, value, detail, target="anger", person=0, unit="", **more):
    declared = EVIDENCE.get(kind)
    return Evidence("e00007", "talk.mp4", 2.0, 3.0, person, declared.level, "face", target, kind, subject, value,
                    unit or declared.unit, "m", detail=detail, **more)  # fmt: skip


def voice(own, feature="higher pitch", value=4.14, unit="semitones", deviations=2.26, person=0):
    detail = VoiceDifference("F0", "training speakers", own, 0.7, 1.0, 2.0, deviations)
    return evidence("voice", feature, value, detail, unit=unit, person=person)


def faithful(subject, value, p):
    return evidence(
        "faithfulness", subject, value, FaithfulnessDetail("hirescam", "blur", 0.4, 0.3, 19), p_value=p, test="rank"
    )


BETTER = (
    "at 2.0 s taking parts away in the order of hirescam lowers the probability faster than random orders (deletion, p = 0.05)"
)
NO_BETTER = BETTER.replace("lowers", "is not shown to lower")
CASES = [
    (
        evidence("share of time", "", 0.4, ShareOfTimeDetail(12, 10, 0.7, {}), low=0.168, high=0.687),
        "person 0 probably expresses anger in 40% of 10 readable segments (95 % interval 17% to 69%; mean probability there 0.70)",
    ),
    (
        evidence("share of time", "", 1.0, ShareOfTimeDetail(1, 1, 0.5, {}), low=0.2, high=1.0),
        "person 0 perhaps expresses anger (mean probability 0.50)",
    ),
    (
        evidence("share of time", "", 1.0, ShareOfTimeDetail(2, 2, 0.5, {}), low=0.3, high=1.0),
        "person 0 perhaps expresses anger in 100% of 2 readable segments (95 % interval 30% to 100%; mean probability there 0.50)",
    ),
    (evidence("changes", "", 3.0, EVIDENCE.get("changes").detail()), "the most probable class changes 3 times"),
    (evidence("changes", "", 1.0, EVIDENCE.get("changes").detail()), "the most probable class changes 1 time"),
    (
        evidence("not read", "", 2.0, NotReadDetail(5, "face: the face is small")),
        "2 segments could not be read (face: the face is small)",
    ),
    (
        evidence("share", "face", 1.2, ShareDetail(0.6, "uniform", "pool")),
        "at 2.0 s the face speaks for anger (+1.20 log-odds, weight 60%)",
    ),
    (
        evidence("share", "words", -0.5, ShareDetail(0.25, "uniform", "pool")),
        "at 2.0 s the words speak against anger (-0.50 log-odds, weight 25%)",
    ),
    (
        evidence("share", "usual", 0.1, ShareDetail(0.25, "uniform", "pool")),
        "at 2.0 s what is usual speaks for anger (+0.10 log-odds, weight 25%)",
    ),
    (
        evidence("conflict", "", 0.4, ConflictDetail({"face": "anger", "voice": "fear", "words": "happiness"})),
        "at 2.0 s the face says anger, the voice says fear but the words say happiness",
    ),
    (
        evidence("what if", "words", -0.2, WhatIfDetail("anger", 0.6, 0.8, 0.6)),
        "at 2.0 s without the words it would still be anger (0.60 instead of 0.80)",
    ),
    (
        evidence("what if", "face", -0.6, WhatIfDetail("fear", 0.7, 0.8, 0.2)),
        "at 2.0 s without the face it would be fear (0.70) instead of anger (0.80, then 0.20)",
    ),
    (
        evidence("no counterpart", "words", 0.5, NoCounterpartDetail("x", {"frustration": 0.4, "pain": 0.1}), target=""),
        "at 2.0 s 50% of what the words say (frustration 40%, pain 10%) is none of the classes of the fused answer and takes no "
        "part",
    ),
    (
        evidence("usual", "", 0.2, usual(), p_value=0.05, test="rank"),
        "at an office neutral is usual (60% on average over 25 people); person 0 differs from that (p = 0.05), most in anger "
        "(+30 percentage points)",
    ),
    (
        evidence("usual", "", 0.2, usual(context="anywhere", by=-0.11), p_value=0.06, test="rank"),
        "over all places neutral is usual (60% on average over 25 people); person 0 is not shown to differ from that (p = 0.06), "
        "most in anger (-11 percentage points)",
    ),
    (
        evidence("usual", "", 0.2, usual(people=1)),
        "at an office neutral is usual (60% on average over 1 person), but that is too few to say whether person 0 differs",
    ),
    (evidence("usual", "", 0.2, usual(people=0)), "not enough recordings yet to say what is usual at an office"),
    (evidence("usual", "", 0.2, usual(people=0, context="anywhere")), "not enough recordings yet to say what is usual"),
    (
        evidence("usual elsewhere", "", 0.2, usual(source="photographs"), person=2),
        "in photographs taken at an office people most often saw neutral (60% of 25; photographs); person 2 is furthest from that "
        "in anger (+30 percentage points)",
    ),
    (
        evidence("usual elsewhere", "", 0.2, usual(people=0, context="anywhere", source="photographs")),
        "there are no photographs of all places to compare with (photographs)",
    ),
    (
        evidence("region", "brows", 3.3, RegionDetail("join", "hirescam", 0.4, 0.12)),
        "at 2.0 s 40% of what the face shows for anger lies on the brows (12% of the area)",
    ),
    (
        evidence("region", "outside the face", 0.5, RegionDetail("join", "hirescam", 0.1, 0.2)),
        "at 2.0 s 10% of what the face shows for anger lies outside the face (20% of the area)",
    ),
    (
        evidence("object", "car", 3.3, ObjectDetail("join", "hirescam", 0.4, 0.12)),
        "at 2.0 s 40% of what the surroundings show for anger lies on the car (12% of the area)",
    ),
    (
        evidence("object", "no detected thing", 3.3, ObjectDetail("join", "hirescam", 0.4, 0.12)),
        "at 2.0 s 40% of what the surroundings show for anger lies on no detected thing (12% of the area)",
    ),
    (
        evidence("movement", "jaw open", 2.43, MovementDetail(0.4, 0.1)),
        "jaw open more than usual for person 0 (+2.4 SD)",
    ),
    (evidence("movement", "jaw open", -2.43, MovementDetail(0.4, 0.1)), "jaw open less than usual for person 0 (-2.4 SD)"),
    (faithful("deletion", -0.1, 0.05), BETTER),
    (faithful("deletion", -0.1, 0.06), NO_BETTER.replace("0.05", "0.06")),
    (faithful("deletion", 0.1, 0.05), NO_BETTER),
    (
        faithful("insertion", 0.1, 0.01),
        "at 2.0 s putting parts back in the order of hirescam raises the probability faster than random orders (insertion, p = 0.01)",
    ),
    (
        faithful("insertion", -0.1, 0.01),
        "at 2.0 s putting parts back in the order of hirescam is not shown to raise the probability faster than random orders "
        "(insertion, p = 0.01)",
    ),
    (
        evidence("gait", "head down", 31.4, GaitMeasurement(2.12, 0.0, "how far", 0.5), unit="degrees"),
        "head down 31 degrees (+2.1 SD)",
    ),
    (
        evidence("gait", "speed", 1.234, GaitMeasurement(-2.12, 0.0, "how far", 0.5), unit="legs/s"),
        "speed 1.23 leg lengths a second (-2.1 SD)",
    ),
    (evidence("gait", "sway", 0.5, GaitMeasurement(1.0, 0.0, "how far", 0.5), unit="share"), "sway 0.50 (+1.0 SD)"),
    (
        evidence("gait relevance", "arms", 0.31, RelevanceDetail(5, 0.5)),
        "arms speak for anger (+0.31 log probability)",
    ),
    (
        evidence("posture relevance", "trunk", -0.31, RelevanceDetail(5, 0.5)),
        "trunk speaks against anger (-0.31 log probability)",
    ),
    (
        evidence("place", "", 1.0, PlaceDetail("office", True, "given", {}), target="", person=SCENE),
        "place: an office (given)",
    ),
    (
        evidence("place", "", 0.7, PlaceDetail("waiting_room", True, "things seen", {"office": 0.2}), target="", person=SCENE),
        "place: probably a waiting room (70%; things seen)",
    ),
    (
        evidence("place", "", 0.6, PlaceDetail("", None, "no", {"bar": 0.1, "tea_room": 0.6}), target="", person=SCENE),
        "place: unknown (best guess tea room, 60%)",
    ),
    (
        evidence("place", "", 0.6, PlaceDetail("", False, "nothing seen", {}), target="", person=SCENE),
        "place: unknown, but outdoors (nothing seen)",
    ),
    (
        evidence("thing", "car", 0.4, ThingDetail(0.7, 2, 5), target="", person=SCENE),
        "car seen in 40% of segments, at most 2 at once",
    ),
    (evidence("thing", "car", 1.0, ThingDetail(0.7, 2, 1), target="", person=SCENE), "2 × car seen"),
    (
        evidence("look", "brightness", 20.0, LookDetail("dark", "at most 28", 3), target="", person=SCENE),
        "it looks dark (at most 28)",
    ),
    (
        evidence("look", "brightness", 120.4, LookDetail("", "", 3), target="", person=SCENE, unit="of 255"),
        "brightness 120 (of 255)",
    ),
    (
        evidence("pair", "dark_street", 1.0, PairDetail("at most 28", ("A",), 1.0), target="", person=SCENE),
        "“dark street” (at most 28)",
    ),
    (voice(own=True), "higher pitch by 4.1 semitones than person 0's other turns"),
    (voice(own=False), "higher pitch by 4.1 semitones than the training speakers"),
    (voice(own=True, person=SCENE), "higher pitch by 4.1 semitones than the training speakers"),
    (voice(True, "louder", -6.04, "dB"), "louder by 6.0 dB than person 0's other turns"),
    (voice(True, "longer pauses", 0.256, "s"), "longer pauses by 0.26 s than person 0's other turns"),
    (voice(True, "brighter", 120.4, "Hz"), "brighter by 120 Hz than person 0's other turns"),
    (
        voice(True, "faster", 1.26, "1/s"),
        "faster by 1.3 syllable-like peaks a second than person 0's other turns",
    ),
    (voice(True, "rougher", 3.0, "share"), "rougher (+2.3 SD) than person 0's other turns"),
    (
        evidence("relevance", "energy", 0.41, VoiceRelevance("the average turn", 5)),
        "energy speaks for anger (+0.41 log probability)",
    ),
    (
        evidence("moment", "1.25 to 1.50 s", 0.31, MomentDetail(1.25, 1.5)),
        "what is heard from 1.25 to 1.50 s speaks for anger (+0.31 log probability)",
    ),
    (
        evidence("sounds like", "fear", 0.8, Neighbour("EmoDB", "03a01Wa", "German", "female")),
        "it sounds like fear in EmoDB (German, clip 03a01Wa)",
    ),
    (
        evidence("word", "“Thanks”!", 0.812, WordDetail(32, "[MASK]", 0.0, 0.1)),
        "“Thanks” speaks for anger (+0.81 logit)",
    ),
    (evidence("word", "no,", -0.5, WordDetail(32, "[MASK]", 0.0, 0.1)), "“no” speaks against anger (-0.50 logit)"),
    (
        evidence("speaker", "", 2.0, SpeakerDetail("their mouth moved most")),
        "the words belong to person 2: their mouth moved most",
    ),
    (
        evidence("speaker", "", 0.0, SpeakerDetail("their mouth moved most")),
        "the words belong to person 0: their mouth moved most",
    ),
    (
        evidence("speaker", "", -1.0, SpeakerDetail("no mouth moved")),
        "it is not known who spoke: no mouth moved",
    ),
    (
        evidence("concept", "loss", 0.312, ConceptDetail("h.4", 0.8, 100), p_value=0.0099, test="t"),
        "they are about “loss”, which speaks for anger (cosine +0.31, p = 0.010)",
    ),
]


@pytest.mark.parametrize(("row", "text"), CASES, ids=[f"{i}-{row.kind}" for i, (row, _) in enumerate(CASES)])
def test_a_row_is_said_word_by_word(row, text):
    assert clause(row) == Clause(text, "e00007")


def test_every_kind_with_words_is_here():
    ours = {kind.name for kind in EVIDENCE.values() if kind.clause and kind.clause.__module__.startswith("affectlens.")}
    assert {row.kind for row, _ in CASES} == ours


def test_small_words():
    row = voice(own=True)
    assert at(row) == "at 2.0 s" and way(evidence("relevance", "x", 0.0, VoiceRelevance("a", 1))) == "against"
    assert who(SCENE) == "somebody out of view" and who(0) == "person 0"
    assert Sentence(0, (Clause("one thing", "a"), Clause("Another", "b"))).text == "One thing, Another."


def test_a_sentence_is_about_the_person_of_its_rows_and_kinds_come_in_the_order_asked():
    rows = [voice(True, person=3), evidence("relevance", "x", 1.0, VoiceRelevance("a", 1), person=3)]
    (line,) = sentence(iter(rows))
    assert line.person == 3 and len(line.clauses) == 2 and sentence([]) == []
    attention = EVIDENCE.get("attention").detail("join")
    assert sentence([evidence("attention", "mouth", 1.0, attention)]) == []  # nothing is said of that kind
    assert [row.kind for row in of_kind(rows, "relevance", "voice")] == ["relevance", "voice"]
