"""Random evidence rows of every kind that a sentence is made of, and what each clause has to state of its row."""

import numpy as np

from affectlens.core.kinds import Detail
from affectlens.core.labels import EKMAN7
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
from affectlens.modalities.telling import graded
from affectlens.modalities.voice.evidence import Neighbour, VoiceDifference, VoiceRelevance
from affectlens.modalities.words.evidence import ConceptDetail, SpeakerDetail, WordDetail

# kind, subject, modality it comes from
KINDS = (
    ("share of time", "", "fused"), ("changes", "", "fused"), ("not read", "", "fused"), ("word", "No!", "words"),
    ("region", "mouth", "face"), ("region", "outside the face", "face"), ("movement", "jaw open", "face"),
    ("share", "face", "fused"), ("share", "words", "fused"), ("share", "usual", "fused"), ("conflict", "", "fused"),
    ("speaker", "", "words"), ("faithfulness", "deletion", "face"), ("faithfulness", "insertion", "words"),
    ("concept", "loss", "words"), ("voice", "higher pitch", "voice"), ("relevance", "pitch", "voice"),
    ("sounds like", "anger", "voice"), ("gait", "head down", "gait"), ("gait relevance", "arms", "gait"),
    ("posture relevance", "trunk", "posture"), ("usual", "", "fused"), ("usual elsewhere", "", "fused"),
    ("what if", "words", "fused"), ("what if", "face", "fused"), ("no counterpart", "words", "fused"), ("place", "", "scene"),
    ("thing", "car", "scene"), ("pair", "dark_street", "scene"), ("look", "brightness", "scene"), ("object", "car", "background"),
    ("object", "no detected thing", "background"),
)  # fmt: skip


def generated(rng, i, kinds=KINDS):
    """One random evidence row of a random kind, with the detail its maker gives it."""
    kind, subject, modality = kinds[int(rng.integers(len(kinds)))]
    target, other = (str(v) for v in rng.choice(EKMAN7.labels, 2, replace=False))
    value = float(np.round(rng.normal(0, 2), 3)) or 0.5
    p, unit = float(np.round(rng.random(), 4)), "u"
    person = SCENE if modality == "scene" else int(rng.integers(-1, 3))
    detail, more = Detail(), {}
    if kind == "share of time":
        value, readable = p, int(rng.integers(1, 50))
        detail = ShareOfTimeDetail(50, readable, float(rng.random()), {target: p})
        more = {"low": value * 0.9, "high": min(1.0, value * 1.1)}
    elif kind == "changes":
        value = float(rng.integers(1, 9))
    elif kind == "not read":
        value, detail = float(rng.integers(1, 9)), NotReadDetail(9, "face: the face is small")
    elif kind in ("region", "object"):
        value = abs(value)
        detail = (RegionDetail if kind == "region" else ObjectDetail)("join", "hirescam", p, float(rng.random()))
    elif kind == "word":
        detail = WordDetail(32, "[MASK]", 0.01, 0.1)
    elif kind == "movement":
        detail = MovementDetail(0.4, 0.1)
    elif kind == "share":
        detail = ShareDetail(p, "uniform", "pool")
    elif kind == "conflict":
        detail = ConflictDetail({"face": target, "words": other})
    elif kind == "no counterpart":
        value, target, detail = p, "", NoCounterpartDetail("iemocap6", {"frustration": p})
    elif kind == "speaker":
        value, detail = float(rng.integers(-1, 3)), SpeakerDetail("their mouth moved most")
    elif kind == "faithfulness":
        detail, more = FaithfulnessDetail("hirescam", "blur", 0.4, 0.3, 19), {"p_value": p, "test": "rank"}
    elif kind == "concept":
        detail, more = ConceptDetail("h.4", 0.8, 100), {"p_value": p * 0.05, "test": "pseudo-concepts"}
    elif kind == "voice":
        unit = "semitones"
        detail = VoiceDifference("F0", "training speakers", bool(rng.integers(2)), p, 1.0, 2.0, value)
    elif kind == "relevance":
        detail = VoiceRelevance("the average turn", 5)
    elif kind == "sounds like":
        detail = Neighbour("EmoDB", "03a01Wa", "German", "female")
    elif kind == "gait":
        unit, detail = "degrees", GaitMeasurement(value, 0.0, "how far it is down", p)
    elif kind in ("gait relevance", "posture relevance"):
        detail = RelevanceDetail(5, p)
    elif kind in ("usual", "usual elsewhere"):
        people, shares = int(rng.integers(0, 40)), dict(zip(EKMAN7.labels, map(float, rng.dirichlet(np.ones(7))), strict=True))
        context = str(rng.choice(["at an office", "anywhere"]))
        detail = UsualDetail("office", "given", "not known", "nothing", context, people, people, shares, (0.1,) * 7, (0.2,) * 7,
                             shares, target, float(rng.normal(0, 0.2)), "FindingEmo annotations", False)  # fmt: skip
        value = abs(value)
        more = {"p_value": p if kind == "usual" and people >= 19 else float("nan")}
    elif kind == "what if":
        before, after = float(rng.uniform(0.2, 1)), p * 0.9
        detail = WhatIfDetail(target if rng.integers(2) else other, p, before, after)
        value = after - before
    elif kind == "place":
        named = bool(rng.integers(2))
        indoor = None if rng.integers(2) else bool(rng.integers(2))
        source = str(rng.choice(["given", "file name", "things and surfaces seen", "Places365 network"]))
        alternatives = {"waiting_room": p, "street": p / 2} if named or rng.integers(2) else {}
        detail = PlaceDetail("waiting_room" if named else "", indoor, source, alternatives)
        value, target = (p if named else float("nan")), ""
    elif kind == "thing":
        value, target, detail = p, "", ThingDetail(0.7, int(rng.integers(1, 9)), int(rng.integers(1, 5)))
    elif kind == "pair":
        value, target, detail = 1.0, "", PairDetail("brightness 20, at most 28", ("DeepSentiBank",), 1.0)
    elif kind == "look":
        value, target, detail = 20.0, "", LookDetail("dark", "brightness 20, at most 28", 3)
    return Evidence(f"e{i:05d}", "a.mp4", 1.0, 2.0, person, "instance", modality, target, kind, subject, value, unit, "m",
                    detail=detail, **more)  # fmt: skip


def _sign(text, e):
    return (" for " in text) == (e.value > 0) and (" against " in text) == (e.value <= 0) and e.target in text


def states(text: str, e: Evidence) -> bool:
    """Whether a clause says what its row says: sign, class, share, test verdict, and nothing that contradicts it."""
    unnamed = [c for c in EKMAN7.labels if c in text and c not in _allowed(e)]
    if unnamed or "nan" in text:
        return False
    return _ORACLES[e.kind](text, e, e.detail)


def _allowed(e):
    """Classes that a clause may name."""
    d = e.detail
    named = {e.target, getattr(d, "answer", ""), getattr(d, "most", ""), *getattr(d, "says", {}).values()}
    if e.kind == "sounds like":
        named.add("anger")
    return named | ({max(d.usual, key=d.usual.get)} if isinstance(d, UsualDetail) else set())


def _share_of_time(text, e, d):
    share = f"{e.value:.0%}" in text or d.readable == 1
    return e.target in text and share and graded(d.mean_probability) in text


def _share_of_map(text, e, d):
    beside = " on " in text if e.subject != "outside the face" else " on " not in text
    return f"{d.relevance_share:.0%}" in text and f"{d.area_share:.0%}" in text and e.target in text and beside


def _faithful(text, e, d):
    better = ((e.value < 0) == (e.subject == "deletion")) and e.p_value <= 0.05
    done = "taking" if e.subject == "deletion" else "putting"
    return ("not shown" in text) != better and d.explains in text and done in text


def _usual(text, e, d):
    if not d.people:
        return text == "not enough recordings yet to say what is usual" + ("" if d.context == "anywhere" else f" {d.context}")
    top = max(d.usual, key=d.usual.get)
    told = top in text and f"{d.usual[top]:.0%}" in text and ("over all places" in text) == (d.context == "anywhere")
    if not np.isfinite(e.p_value):
        return told and "too few" in text
    return told and ("differs from that" in text) == (e.p_value <= 0.05) and f"{100 * d.by:+.0f} percentage points" in text


def _usual_elsewhere(text, e, d):
    if not d.people:
        return "no photographs" in text and d.source in text
    top = max(d.usual, key=d.usual.get)
    return top in text and f"{d.usual[top]:.0%}" in text and "differs" not in text and d.source in text


def _what_if(text, e, d):
    return ("still" in text) == (d.answer == e.target) and f"{d.before:.2f}" in text and d.answer in text


def _place(text, e, d):
    if d.kind:
        sure = d.source in ("given", "file name")
        return (
            "a waiting room" in text and "unknown" not in text and "doors" not in text and sure == (graded(e.value) not in text)
        )
    guess = "best guess waiting room" in text if d.alternatives else d.source in text
    doors = "doors" not in text if d.indoor is None else ("indoors" in text) == d.indoor and ("outdoors" in text) != d.indoor
    return "unknown" in text and guess and doors


_ORACLES = {
    "share of time": _share_of_time,
    "changes": lambda text, e, d: str(int(e.value)) in text,
    "not read": lambda text, e, d: str(int(e.value)) in text and d.reason in text,
    "word": lambda text, e, d: _sign(text, e) and f"{e.value:+.2f}" in text and "“No”" in text,
    "region": _share_of_map,
    "object": _share_of_map,
    "movement": lambda text, e, d: ("more" in text) == (e.value > 0) and ("less" in text) == (e.value <= 0),
    "share": lambda text, e, d: _sign(text, e) and f"{d.weight:.0%}" in text,
    "relevance": lambda text, e, d: _sign(text, e),
    "gait relevance": lambda text, e, d: _sign(text, e),
    "posture relevance": lambda text, e, d: _sign(text, e),
    "conflict": lambda text, e, d: f"the face says {d.says['face']}" in text and f"the words say {d.says['words']}" in text,
    "no counterpart": lambda text, e, d: f"{e.value:.0%}" in text and "frustration" in text and "takes no part" in text,
    "speaker": lambda text, e, d: ("not known who" in text) == (e.value < 0) and d.reason in text,
    "concept": lambda text, e, d: ("speaks for" in text) == (e.value > 0) and f"{e.p_value:.3f}" in text and "“loss”" in text,
    "voice": lambda text, e, d: f"higher pitch by {abs(e.value):.1f} semitones" in text,
    "sounds like": lambda text, e, d: "EmoDB" in text and "anger" in text,
    "gait": lambda text, e, d: f"{e.value:.0f} degrees" in text and f"{d.deviations:+.1f} SD" in text,
    "usual": _usual,
    "usual elsewhere": _usual_elsewhere,
    "what if": _what_if,
    "place": _place,
    "thing": lambda text, e, d: (
        "car" in text and (f"{d.most_at_once} ×" in text or f"at most {d.most_at_once} at once" in text)
    ),
    "pair": lambda text, e, d: d.why in text and "“dark street”" in text,
    "look": lambda text, e, d: d.why in text and d.word in text,
    "faithfulness": _faithful,
}
