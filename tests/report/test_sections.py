"""What the sections of the page show of findings made by hand: which, how many, with which numbers."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from affectlens.core.labels import GROUPWALK4
from affectlens.core.schema import SCENE, Row
from affectlens.explainers.words import WordAttribution
from affectlens.fusion.evidence import ShareDetail, weights_page
from affectlens.fusion.usual_evidence import page as usual_page
from affectlens.modalities.base import Finding, SceneView
from affectlens.modalities.body import RelevanceDetail, Skeletons
from affectlens.modalities.face.evidence import AttentionDetail, FaceDetail
from affectlens.modalities.face.evidence import view as face_view
from affectlens.modalities.faithfulness import FaithfulnessDetail
from affectlens.modalities.gait.evidence import GaitMeasurement
from affectlens.modalities.gait.evidence import page as gait_page
from affectlens.modalities.posture.evidence import page as posture_page
from affectlens.modalities.scene.evidence import LookDetail, PairDetail, PlaceDetail, ThingDetail, boxed
from affectlens.modalities.scene.evidence import page as scene_page
from affectlens.modalities.section import ROWS_SHOWN, Material, Section, bars, embedded
from affectlens.modalities.voice.evidence import Neighbour, VoiceDetail, VoiceRelevance
from affectlens.modalities.voice.evidence import page as voice_page
from affectlens.modalities.words.evidence import ConceptDetail, WordsDetail
from affectlens.modalities.words.evidence import page as words_page
from affectlens.perception.face.regions import RegionShare
from affectlens.perception.people.speaker import SpeakerChoice
from affectlens.perception.scene.objects import Thing
from affectlens.perception.words.turns import Turn
from tests.fusion.clips import clip_of, finding
from tests.report.test_clauses_by_hand import evidence, usual, voice


def text_of(page):
    """What a reader sees of some html, with single spaces."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page))).strip()


def material(*findings, rows=(), folder=None, clip=None):
    return Material(clip or clip_of(), findings, rows, folder)


def weighted(modality, weight, start=0.0):
    one = finding(modality, start, start + 1, fear=0.6)
    return replace(one, row=replace(one.row, weight=weight))


def test_mean_weights_over_the_segments_in_which_a_modality_spoke():
    page = weights_page(material(weighted("face", 0.5), weighted("face", 0.8), weighted("words", float("nan")),
                                 weighted("voice", 0.25), weighted("fused", 1.0)))  # fmt: skip
    assert re.findall(r"<td>([^<]*)</td>", page) == ["face", "0.65", "2", "voice", "0.25", "1"]
    assert "<svg" not in page and "no modality could be read" in weights_page(material(weighted("fused", 1.0)))


def test_shares_are_charted_and_the_chart_is_kept(tmp_path):
    rows = [replace(evidence("share", modality, value, ShareDetail(0.5, "uniform", "pool")), start=3.14) for modality, value in
            (("face", 0.7), ("gait", -0.4))]  # fmt: skip
    page = weights_page(material(weighted("face", 0.5), rows=rows, folder=tmp_path))
    assert "<svg" in page and "gait" in page and {path.name for path in tmp_path.iterdir()} >= {"modality-shares.svg"}


def test_what_is_usual_is_shown_of_every_person_with_its_source(tmp_path):
    rows = [evidence("usual", "", 0.2, usual(), p_value=0.04, test="rank"),
            evidence("usual elsewhere", "", 0.2, usual(source="photographs")),
            evidence("usual", "", 0.2, replace(usual(people=0, context="anywhere"), recordings=0), person=1),
            evidence("usual", "", 0.2, replace(usual(people=1), recordings=1, taken_in=True, when="2024-05-17T10:00:00",
                                               place="waiting_room"), person=2)]  # fmt: skip
    page = usual_page(material(rows=rows, folder=tmp_path))
    text = text_of(page)
    assert page.count("<svg") == 3  # not of what nobody knows
    assert text.count("Place: office (given). Time: not known (nothing).") == 1 and "took part" not in text
    assert "Compared with: at an office, 25 people in 20 recordings." in text
    assert "Compared with: at an office, 25 photographs." in text and "all places" not in text  # nothing to compare with
    assert text.count("Person 0") == 1 and "Compared with: at an office, 1 person in 1 recording." in text
    assert "At an office neutral is usual" in text and "In photographs taken at an office" in text
    assert {path.stem for path in tmp_path.iterdir()} == {"usual-person-0", "usual-elsewhere-person-0", "usual-person-2"}
    assert usual_page(material()) == ""


def test_where_and_when_and_what_took_part_are_said_of_the_recording():
    detail = replace(usual(people=1), recordings=1, taken_in=True, when="2024-05-17T10:00:00", place="waiting_room")
    text = text_of(usual_page(material(rows=[evidence("usual", "", 0.2, detail, person=i) for i in range(3)])))
    about = "Place: waiting room (given). Time: 2024-05-17 10:00:00 (nothing). What is usual took part in the fused answers."
    assert text.count(about) == 1 and text.count("took part") == 1


def test_what_is_usual_is_shown_of_eight_people():
    rows = [
        evidence(kind, "", 0.2, usual(), person=i, p_value=0.04) for i in range(10) for kind in ("usual", "usual elsewhere")
    ]
    text = text_of(usual_page(material(rows=rows)))
    assert "Person 7" in text and "Person 8" not in text and text.count("Compared with") == 16
    assert "2 more people are in evidence.parquet" in text


def test_what_is_alike_for_all_people_is_shown_once():
    rows = [evidence("usual", "", 0.2, usual(people=0), person=i) for i in range(3)]
    text = text_of(usual_page(material(rows=rows)))
    assert text.count("Not enough recordings yet") == 1 and "Person" not in text and "Compared" not in text
    alone = text_of(usual_page(material(rows=rows[:1])))
    assert "Person 0" in alone and alone.count("Not enough recordings yet") == 1


def heard(start, speaker="their mouth moved most", narrow=False):
    one = finding("voice", start, start + 1, fear=0.6)
    one = replace(one, row=replace(one.row, valence=-0.4, arousal=0.3))
    turn = Turn(start, start + 1, np.zeros(88), 0.8, 21.4, 0.3, 0.0, narrow)
    told = (voice(own=False), replace(voice(True, "louder", 6.0, "dB"), id="e00008"),
            evidence("relevance", "energy", 0.4, VoiceRelevance("a", 2)),
            evidence("relevance", "pitch", -0.2, VoiceRelevance("a", 2)),
            evidence("sounds like", "fear", 0.8, Neighbour("EmoDB", "03a01Wa", "German", "female")))  # fmt: skip
    return replace(one, detail=VoiceDetail(turn, SpeakerChoice(0, speaker, {})), evidence=told)


def test_turns_of_voice_with_their_numbers():
    text = text_of(voice_page(material(heard(3.0), heard(5.0, narrow=True), finding("words", 0, 1, fear=0.9))))
    assert text.count("person 0: the voice perhaps expresses fear (0.60)") == 2 and "3.0 to 4.0 s" in text
    assert "Higher pitch by 4.1 semitones, louder by 6.0 dB (against the training speakers)." in text
    assert "Sounds like: fear (EmoDB 03a01Wa, German)" in text and "Valence -0.40, arousal +0.30" in text
    assert "Speech 21 dB above its background." in text and "21 dB above its background, telephone bandwidth." in text
    assert "Their mouth moved most" in text and "energy +0.40 pitch -0.20" in text


def test_without_turns_the_reason_stands_there():
    lack = Finding(Row("talk.mp4", 0, 10, SCENE, "voice", "missing", "the recording has no sound"))
    assert "The recording has no sound." in text_of(voice_page(material(lack)))
    assert "The voice was not asked for." in text_of(voice_page(material()))
    assert "The words were not asked for." in text_of(words_page(material()))
    nothing = Finding(Row("talk.mp4", 0, 10, SCENE, "words", "missing", "nobody speaks"))
    assert "Nobody speaks." in text_of(words_page(material(nothing)))


def test_the_first_two_hundred_are_shown():
    many = [replace(finding("words", i, i + 1, fear=0.6), row=replace(finding("words", i, i + 1, fear=0.6).row, text="hm"))
            for i in range(ROWS_SHOWN + 3)]  # fmt: skip
    page = words_page(material(*many))
    assert page.count("<article") == ROWS_SHOWN == 200 and "199.0 s" in page and "200.0 s" not in page
    assert "The first 200 of 203 utterances are shown; all are in table.csv." in page
    assert "are shown; all" not in words_page(material(*many[:ROWS_SHOWN]))
    voices = voice_page(material(*[heard(i) for i in range(ROWS_SHOWN + 1)]))
    assert voices.count("<article") == ROWS_SHOWN and "The first 200 of 201 turns are shown" in voices


def test_words_are_drawn_by_their_share_of_the_strongest():
    one = finding("words", 4, 5, text="I am not here", fear=0.6)
    attribution = WordAttribution(("I", "am", "not", "here"), np.array([0.1, -0.016, -0.4, 0.2]), np.array([0.3, 0, -0.5, 0.1]),
                                  "fear", 0.0123, 32)  # fmt: skip
    told = (evidence("concept", "loss", 0.31, ConceptDetail("h.4", 0.8, 100), p_value=0.004, test="t"),
            evidence("faithfulness", "deletion", -0.1, FaithfulnessDetail("IG", "mask", 0.4, 0.5, 19), p_value=0.05, test="r"))  # fmt: skip
    shown = replace(one, detail=WordsDetail(SpeakerChoice(0, "the only face", {}), attribution), evidence=told)
    page = words_page(material(shown, finding("words", 6, 7, text="so it is", fear=0.6)))
    spans = re.findall(r'<span class="word([^"]*)" style="--s:([\d.]+)"(?: title="([^"]*)")?>(\w+)</span>', page)
    assert spans[:4] == [
        (" for", "0.25", "+0.100 logit; left out: +0.300 log-odds", "I"),
        ("", "0.04", "-0.016 logit; left out: +0.000 log-odds", "am"),
        (" against", "1.00", "-0.400 logit; left out: -0.500 log-odds", "not"),
        (" for", "0.50", "+0.200 logit; left out: +0.100 log-odds", "here"),
    ]
    assert spans[4:7] == [("", "0.00", "", word) for word in ("so", "it", "is")]  # nobody asked what these do
    text = text_of(page)
    assert "leave 1.2 % of the change unexplained" in text and text.count("unexplained") == 1
    assert "loss +0.31 (p = 0.004)" in text and "The only face." in text
    assert "Deletion AUC 0.40 against 0.50 for random orders, p = 0.05." in text


def test_words_that_do_nothing_are_not_scaled_up():
    one = finding("words", 4, 5, text="hm", fear=0.6)
    flat = WordAttribution(("hm",), np.zeros(1), np.zeros(1), "fear", 0.0, 32)
    page = words_page(material(replace(one, detail=WordsDetail(SpeakerChoice(0, "x", {}), flat))))
    assert 'style="--s:0.00" title="+0.000 logit' in page


def walked(modality, start, kind):
    row = Row("talk.mp4", start, start + 2, 1, modality, probabilities=(0.7, 0.1, 0.1, 0.1), scheme=GROUPWALK4)
    measured = evidence("gait", "head down", 31.4, GaitMeasurement(2.12, 0.0, "how far", 0.5), unit="degrees")
    told = (
        measured,
        evidence(kind, "arms", 0.3, RelevanceDetail(5, 0.7)),
        evidence(kind, "legs", -0.15, RelevanceDetail(5, 0.7)),
    )
    joints = np.random.default_rng(0).normal(size=(3, 18, 3))
    return Finding(row, told, detail=Skeletons(joints))


def test_walks_and_postures_with_their_skeletons_and_bars():
    page = gait_page(material(walked("gait", 0, "gait relevance"), finding("gait", 5, 6), finding("face", 0, 1, fear=0.6)))
    text = text_of(page)
    assert "0.0 to 2.0 s, person 1: the gait probably expresses anger (0.70)" in text and page.count("<article") == 1
    assert "Head down 31 degrees (+2.1 SD) (against the walkers" in text and "skeletons from the side" in page
    assert page.count("<circle") == 3 and "arms +0.30 legs -0.15" in text
    postures = posture_page(material(*[walked("posture", 3 * i, "posture relevance") for i in range(8)]))
    assert (
        postures.count("<article") == 6
        and "The first 6 of 8 segments are shown" in postures
        and "skeletons from the front" in postures
        and "SD" not in postures
    )
    assert posture_page(material(finding("posture", 0, 1))) == "" == gait_page(material())


def test_bars_by_hand():
    made = bars(
        [evidence("relevance", name, value, VoiceRelevance("a", 3)) for name, value in (("a", 0.2), ("b", -0.4), ("c", 0.1))]
    )
    assert [(bar["name"], bar["value"], bar["share"]) for bar in made] == [("a", 0.2, 0.5), ("b", -0.4, 1.0), ("c", 0.1, 0.25)]
    assert bars([]) == [] and bars([evidence("relevance", "a", 0.0, VoiceRelevance("a", 1))])[0]["share"] == 0


def test_pictures_are_embedded_and_kept(tmp_path):
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, 15:] = 200
    address = embedded(image, "view", tmp_path)
    assert address.startswith("data:image/jpeg;base64,")
    kept = np.asarray(Image.open(tmp_path / "view.jpg"))
    assert kept.shape == (20, 30, 3) and np.abs(kept.astype(int) - image).max() < 12
    assert embedded(image, "view", None) == address and len(embedded(image, "x", None, 20)) < len(address)


def test_what_stands_beside_the_pictures_of_a_face(tmp_path):
    one = finding("face", 2.4, 3.4, fear=0.6)
    regions = (RegionShare("mouth", 0.6, 0.2), RegionShare("brows", 0.4, 0.3))
    told = [evidence("attention", "brows", 2.34, AttentionDetail("join"))]
    shown = face_view(replace(one, detail=FaceDetail(0, regions)), told, tmp_path)
    assert "<svg" in shown and (tmp_path / "regions-person-0-2s.svg").exists()
    assert "The attention stream looks most at the brows (2.3 times its area)." in text_of(shown)
    assert "<svg" not in face_view(replace(one, detail=FaceDetail(0)), [], None)
    assert "<svg" not in face_view(one, [], None)


@pytest.fixture
def surroundings():
    nobody = {"target": "", "person": SCENE}
    rows = [
        evidence(
            "place", "", 0.7, PlaceDetail("waiting_room", True, "things seen", {"waiting_room": 0.7, "bar": 0.2}), **nobody
        ),
        evidence("thing", "car", 0.4, ThingDetail(0.71, 2, 5), **nobody),
        evidence("look", "brightness", 20.4, LookDetail("dark", "at most 28", 3), unit="of 255", **nobody),
        evidence("pair", "dark_street", 1.0, PairDetail("at most 28", ("A", "B"), 1.0), **nobody),
    ]
    return [replace(row, modality="scene") for row in rows]


def test_the_surroundings_with_their_picture(surroundings, tmp_path):
    clip = clip_of()
    clip.scene = SceneView(np.full((90, 120, 3), 40, np.uint8), (Thing("car", 0.7, (10, 30, 60, 80)),))
    page = scene_page(material(rows=surroundings, clip=clip, folder=tmp_path))
    text = text_of(page)
    assert "Place: probably a waiting room (70%; things seen). What is seen speaks for waiting room 0.70, bar 0.20." in text
    assert "car in 40% of segments (at most 2 at once, mean score 0.71)." in text and "brightness 20.4 of 255 dark" in text
    assert "dark street at most 28 A, B" in text and 'src="data:image/jpeg' in page and (tmp_path / "scene.jpg").exists()
    plain = scene_page(material(rows=surroundings[1:]))
    assert "<img" not in plain and "What is seen" not in plain
    assert scene_page(material(rows=[evidence("usual", "", 0.2, usual())])) == ""  # nobody looked at the surroundings


def test_things_are_framed_and_named_inside_the_picture():
    picture = np.full((90, 160, 3), 40, np.uint8)
    line = (240, 138, 24)
    shown = boxed(SceneView(picture, (Thing("car", 0.71, (10, 30, 60, 80)),)))
    assert shown.shape == picture.shape and (picture == 40).all()
    frame = (shown == line).all(2)
    assert frame[80, 10:61].all() and frame[30:81, 10].all() and frame[30:81, 60].all() and frame[79, 10:61].all()
    assert not frame[35:75, 15:55].any()  # two pixels wide
    name = frame[13:30]
    assert name[:, 11:40].mean() > 0.5 and not frame[:12].any() and frame[13:31, 10].all()  # above the box
    dark = (shown[13:30] < 60).all(2) & (shown[13:30] != 40).any(2)
    assert 30 < dark.sum() < 300 and not dark[:, :11].any()  # the name in dark letters
    high = boxed(SceneView(picture, (Thing("tv", 0.71, (10, 4, 60, 80)),)))
    assert (high[:3, 11:30] == line).all(2).any()  # pushed into the picture
    right = boxed(SceneView(picture, (Thing("traffic light", 0.71, (150, 40, 158, 80)),)))
    assert (right[24:39, 60:155] == line).all(2).mean() > 0.4  # pushed to the left


def test_the_surest_thing_lies_on_top():
    picture = np.full((90, 160, 3), 40, np.uint8)
    one, two = Thing("chair", 0.9, (20, 40, 80, 80)), Thing("car", 0.3, (20, 43, 80, 80))
    a, b = (boxed(SceneView(picture, things)) for things in ((one, two), (two, one)))
    np.testing.assert_array_equal(a, b)
    alone = boxed(SceneView(picture, (one,)))
    np.testing.assert_array_equal(a[24:40], alone[24:40])  # the name of the surer one is whole


def test_a_section_says_where_it_was_declared():
    def say(rows):
        return []

    for made in (Section("x", say), Section("x", None, say), Section("x", None, None, say)):
        assert made.home == f"{__name__}.test_a_section_says_where_it_was_declared.<locals>.say"
    assert Section("x").home == "x"
