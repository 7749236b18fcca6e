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
from affectlens.modalities.voice.evidence import MomentDetail, Neighbour, VoiceDifference, VoiceRelevance
from affectlens.modalities.words.evidence import ConceptDetail, SpeakerDetail, WordDetail

# kind, subject, modality it comes from
KINDS = (
    ("share of time", "", "fused"), ("changes", "", "fused"), ("not read", "", "fused"), ("word", "No!", "words"),
    ("region", "mouth", "face"), ("region", "outside the face", "face"), ("movement", "jaw open", "face"),
    ("share", "face", "fused"), ("share", "words", "fused"), ("share", "usual", "fused"), ("conflict", "", "fused"),
    ("speaker", "", "words"), ("faithfulness", "deletion", "face"), ("faithfulness", "insertion", "words"),
    ("concept", "loss", "words"), ("voice", "higher pitch", "voice"), ("relevance", "pitch", "voice"),
    ("sounds like", "anger", "voice"), ("moment", "1.25 to 1.50 s", "voice"), ("gait", "head down", "gait"), ("gait relevance", "arms", "gait"),
    ("posture relevance", "trunk", "posture"), ("usual", "", "fused"), ("usual elsewhere", "", "fused"),
    ("what if", "words", "fused"), ("what if", "face", "fused"), ("no counterpart", "words", "fused"), ("place", "", "scene"),
    ("thing", "car", "scene"), ("pair", "dark_street", "scene"), ("look", "brightness", "scene"), ("object", "car", "background"),
    ("object", "no detected thing", "background"),
)  # fmt: skip


def generated(rng, i, kinds=KINDS):
    """One random evidence row of a random kind, with the detail its maker gives it."""
    kind, subject, modality = kinds[int(rng.integers(len(kinds)))]
    target, other = (str(value) for value in rng.choice(EKMAN7.labels, 2, replace=False))
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
    elif kind == "moment":
        detail = MomentDetail(1.25, 1.5)
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


def _sign(text, row):
    return (" for " in text) == (row.value > 0) and (" against " in text) == (row.value <= 0) and row.target in text


def states(text: str, row: Evidence) -> bool:
    """Whether a clause says what its row says: sign, class, share, test verdict, and nothing that contradicts it."""
    unnamed = [label for label in EKMAN7.labels if label in text and label not in _allowed(row)]
    if unnamed or "nan" in text:
        return False
    return _ORACLES[row.kind](text, row, row.detail)


def _allowed(row):
    """Classes that a clause may name."""
    detail = row.detail
    named = {row.target, getattr(detail, "answer", ""), getattr(detail, "most", ""), *getattr(detail, "says", {}).values()}
    if row.kind == "sounds like":
        named.add("anger")
    return named | ({max(detail.usual, key=detail.usual.get)} if isinstance(detail, UsualDetail) else set())


def _share_of_time(text, row, detail):
    share = f"{row.value:.0%}" in text or detail.readable == 1
    return row.target in text and share and graded(detail.mean_probability) in text


def _share_of_map(text, row, detail):
    beside = " on " in text if row.subject != "outside the face" else " on " not in text
    return f"{detail.relevance_share:.0%}" in text and f"{detail.area_share:.0%}" in text and row.target in text and beside


def _faithful(text, row, detail):
    better = ((row.value < 0) == (row.subject == "deletion")) and row.p_value <= 0.05
    done = "taking" if row.subject == "deletion" else "putting"
    return ("not shown" in text) != better and detail.explains in text and done in text


def _usual(text, row, detail):
    if not detail.people:
        return text == "not enough recordings yet to say what is usual" + (
            "" if detail.context == "anywhere" else f" {detail.context}"
        )
    top = max(detail.usual, key=detail.usual.get)
    told = top in text and f"{detail.usual[top]:.0%}" in text and ("over all places" in text) == (detail.context == "anywhere")
    if not np.isfinite(row.p_value):
        return told and "too few" in text
    return (
        told and ("differs from that" in text) == (row.p_value <= 0.05) and f"{100 * detail.by:+.0f} percentage points" in text
    )


def _usual_elsewhere(text, row, detail):
    if not detail.people:
        return "no photographs" in text and detail.source in text
    top = max(detail.usual, key=detail.usual.get)
    return top in text and f"{detail.usual[top]:.0%}" in text and "differs" not in text and detail.source in text


def _what_if(text, row, detail):
    return ("still" in text) == (detail.answer == row.target) and f"{detail.before:.2f}" in text and detail.answer in text


def _place(text, row, detail):
    if detail.kind:
        sure = detail.source in ("given", "file name")
        return (
            "a waiting room" in text
            and "unknown" not in text
            and "doors" not in text
            and sure == (graded(row.value) not in text)
        )
    guess = "best guess waiting room" in text if detail.alternatives else detail.source in text
    doors = (
        "doors" not in text
        if detail.indoor is None
        else ("indoors" in text) == detail.indoor and ("outdoors" in text) != detail.indoor
    )
    return "unknown" in text and guess and doors


_ORACLES = {
    "share of time": _share_of_time,
    "changes": lambda text, row, detail: str(int(row.value)) in text,
    "not read": lambda text, row, detail: str(int(row.value)) in text and detail.reason in text,
    "word": lambda text, row, detail: _sign(text, row) and f"{row.value:+.2f}" in text and "“No”" in text,
    "region": _share_of_map,
    "object": _share_of_map,
    "movement": lambda text, row, detail: ("more" in text) == (row.value > 0) and ("less" in text) == (row.value <= 0),
    "share": lambda text, row, detail: _sign(text, row) and f"{detail.weight:.0%}" in text,
    "relevance": lambda text, row, detail: _sign(text, row),
    "gait relevance": lambda text, row, detail: _sign(text, row),
    "posture relevance": lambda text, row, detail: _sign(text, row),
    "conflict": lambda text, row, detail: (
        f"the face says {detail.says['face']}" in text and f"the words say {detail.says['words']}" in text
    ),
    "no counterpart": lambda text, row, detail: (
        f"{row.value:.0%}" in text and "frustration" in text and "takes no part" in text
    ),
    "speaker": lambda text, row, detail: ("not known who" in text) == (row.value < 0) and detail.reason in text,
    "concept": lambda text, row, detail: (
        ("speaks for" in text) == (row.value > 0) and f"{row.p_value:.3f}" in text and "“loss”" in text
    ),
    "voice": lambda text, row, detail: f"higher pitch by {abs(row.value):.1f} semitones" in text,
    "sounds like": lambda text, row, detail: "EmoDB" in text and "anger" in text,
    "moment": lambda text, row, detail: (
        "from 1.25 to 1.50 s" in text and ("speaks for" in text) == (row.value > 0) and f"{row.value:+.2f}" in text
    ),
    "gait": lambda text, row, detail: f"{row.value:.0f} degrees" in text and f"{detail.deviations:+.1f} SD" in text,
    "usual": _usual,
    "usual elsewhere": _usual_elsewhere,
    "what if": _what_if,
    "place": _place,
    "thing": lambda text, row, detail: (
        "car" in text and (f"{detail.most_at_once} ×" in text or f"at most {detail.most_at_once} at once" in text)
    ),
    "pair": lambda text, row, detail: detail.why in text and "“dark street”" in text,
    "look": lambda text, row, detail: detail.why in text and detail.word in text,
    "faithfulness": _faithful,
}
