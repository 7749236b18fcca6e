"""Random evidence rows of every kind that a sentence is made of, and what each clause has to state of its row."""

import numpy as np

from affectlens.core.labels import EKMAN7
from affectlens.core.schema import SCENE, Evidence
from affectlens.report.narrative import graded

# kind, modality it comes from
KINDS = (
    ("share of time", "fused"), ("changes", "fused"), ("not read", "fused"), ("word: No!", "words"), ("region: mouth", "face"),
    ("region: outside the face", "face"), ("movement: jaw open", "face"), ("share: face", "fused"), ("share: words", "fused"),
    ("share: usual", "fused"), ("conflict", "fused"), ("speaker", "words"), ("faithfulness: deletion", "face"),
    ("faithfulness: insertion", "words"), ("concept: loss", "words"), ("voice: higher pitch", "voice"),
    ("relevance: pitch", "voice"), ("sounds like: anger", "voice"), ("gait: head down", "gait"), ("gait relevance: arms", "gait"),
    ("posture relevance: trunk", "posture"), ("usual", "fused"), ("usual elsewhere", "fused"), ("what if: words", "fused"),
    ("what if: face", "fused"), ("place", "scene"), ("thing: car", "scene"), ("pair: dark_street", "scene"),
    ("look: brightness", "scene"), ("object: car", "background"), ("object: no detected thing", "background"),
)  # fmt: skip


def generated(rng, i, kinds=KINDS):
    """One random evidence row of a random kind, with the settings its maker gives it."""
    kind, modality = kinds[int(rng.integers(len(kinds)))]
    target, other = (str(v) for v in rng.choice(EKMAN7.labels, 2, replace=False))
    value = float(np.round(rng.normal(0, 2), 3)) or 0.5
    p, unit = float(np.round(rng.random(), 4)), "u"
    settings, more = {}, {}
    person = SCENE if modality == "scene" else int(rng.integers(-1, 3))
    if kind == "share of time":
        value = p
        settings = {"mean_probability": float(rng.random()), "readable": int(rng.integers(1, 50)), "windows": 50}
        more = {"low": value * 0.9, "high": min(1.0, value * 1.1)}
    elif kind in ("changes", "not read"):
        value, settings = float(rng.integers(1, 9)), {"reason": "the face is small"}
    elif kind.startswith(("region", "object")):
        value, settings = abs(value), {"relevance_share": p, "area_share": float(rng.random())}
    elif kind.startswith("share:"):
        settings = {"weight": p}
    elif kind == "conflict":
        settings = {"says": {"face": target, "words": other}}
    elif kind == "speaker":
        value, settings = float(rng.integers(-1, 3)), {"reason": "their mouth moved most"}
    elif kind.startswith("faithfulness"):
        settings, more = {"explains": "hirescam"}, {"p_value": p, "test": "rank"}
    elif kind.startswith("concept"):
        more = {"p_value": p * 0.05, "test": "pseudo-concepts"}
    elif kind.startswith("voice"):
        unit, settings = "semitones", {"own": bool(rng.integers(2)), "against": "training speakers", "deviations": value,
                                       "probability": p}  # fmt: skip
    elif kind.startswith("sounds"):
        settings = {"corpus": "EmoDB", "language": "German", "key": "03a01Wa"}
    elif kind.startswith("gait:"):
        unit, settings = "degrees", {"deviations": value, "probability": p}
    elif kind.startswith(("gait rel", "posture")):
        settings = {"probability": p}
    elif kind.startswith("usual"):
        shares = rng.dirichlet(np.ones(7))
        settings = {"context": "at an office", "people": int(rng.integers(0, 40)), "usual": dict(zip(EKMAN7.labels, shares, strict=True)),
                    "most": target, "by": float(rng.normal(0, 0.2)), "source": "FindingEmo annotations"}  # fmt: skip
        value = abs(value)
        more = {"p_value": p if kind == "usual" and settings["people"] >= 19 else float("nan")}
    elif kind.startswith("what if"):
        before = float(rng.uniform(0.2, 1))
        settings = {"answer": target if rng.integers(2) else other, "probability": p, "before": before, "of_target": p * 0.9}
        value = settings["of_target"] - before
    elif kind == "place":
        named = bool(rng.integers(2))
        indoor = None if rng.integers(2) else bool(rng.integers(2))
        source = str(rng.choice(["given", "file name", "things and surfaces seen", "Places365 network"]))
        settings = {"kind": "waiting_room" if named else "", "indoor": indoor, "source": source}
        value, target = (p if named else float("nan")), ""
    elif kind.startswith("thing"):
        windows = int(rng.integers(1, 5))
        value, target = p, ""
        settings = {"most_at_once": int(rng.integers(1, 9)), "windows": windows, "score": 0.7}
    elif kind.startswith("pair"):
        value, target, settings = 1.0, "", {"why": "brightness 20, at most 28"}
    elif kind.startswith("look"):
        value, target, settings = 20.0, "", {"word": "dark", "why": "brightness 20, at most 28"}
    return Evidence(f"e{i:05d}", "a.mp4", 1.0, 2.0, person, "instance", modality, target, kind, value, unit, "m",
                    settings=settings, **more)  # fmt: skip


def _sign(text, e):
    return (" for " in text) == (e.value > 0) and (" against " in text) == (e.value <= 0) and e.target in text


def states(text: str, e: Evidence) -> bool:
    """Whether a clause says what its row says: sign, class, share, test verdict, and nothing that contradicts it."""
    kind, s = e.name.split(":")[0], e.settings
    strangers = [c for c in EKMAN7.labels if c in text and c not in _allowed(e)]
    if strangers or "nan" in text:
        return False
    if kind == "share of time":
        share = f"{e.value:.0%}" in text or s["readable"] == 1
        return e.target in text and share and graded(s["mean_probability"]) in text
    if kind in ("changes", "not read"):
        return str(int(e.value)) in text
    if kind == "word":
        return ("for" in text) == (e.value > 0) and e.target in text and f"{e.value:+.2f}" in text
    if kind in ("region", "object"):
        return f"{s['relevance_share']:.0%}" in text and e.target in text
    if kind == "movement":
        return ("more" in text) == (e.value > 0)
    if kind in ("share", "relevance", "gait relevance", "posture relevance"):
        return _sign(text, e)
    if kind == "conflict":
        return all(c in text for c in s["says"].values())
    if kind == "speaker":
        return ("nobody" in text) == (e.value < 0)
    if kind == "concept":
        return ("speaks for" in text) == (e.value > 0) and f"{e.p_value:.3f}" in text
    if kind == "voice":
        return f"{abs(e.value):.1f} semitones" in text
    if kind == "sounds like":
        return "EmoDB" in text and "anger" in text
    if kind == "gait":
        return f"{e.value:.0f} degrees" in text and f"{s['deviations']:+.1f} SD" in text
    if kind.startswith("usual"):
        return _usual(text, e)
    if kind == "what if":
        same = s["answer"] == e.target
        return ("still" in text) == same and f"{s['before']:.2f}" in text and s["answer"] in text
    if kind == "place":
        return _place(text, e)
    if kind == "thing":
        return "car" in text and (f"{s['most_at_once']} ×" in text or f"at most {s['most_at_once']}" in text)
    if kind in ("pair", "look"):
        return "at most 28" in text and "dark" in text
    better = ((e.value < 0) == (e.name.endswith("deletion"))) and e.p_value <= 0.05
    return ("not shown" in text) != better


def _allowed(e):
    """Classes that a clause may name."""
    s = e.settings
    named = {e.target, s.get("answer", ""), s.get("most", ""), *s.get("says", {}).values()}
    if e.name.startswith("sounds"):
        named.add("anger")
    return named | ({max(s["usual"], key=s["usual"].get)} if "usual" in s else set())


def _usual(text, e):
    s = e.settings
    if not s["people"]:
        return "nothing" in text
    top = max(s["usual"], key=s["usual"].get)
    told = top in text and f"{s['usual'][top]:.0%}" in text
    if e.name == "usual elsewhere":
        return told and "differs" not in text
    if not np.isfinite(e.p_value):
        return told and "too few" in text
    return told and ("differs from that" in text) == (e.p_value <= 0.05)


def _place(text, e):
    s = e.settings
    if s["kind"]:
        return "waiting room" in text and "not told" not in text and "doors" not in text
    if s["indoor"] is None:
        return "not told" in text and "doors" not in text
    return ("indoors" in text) == s["indoor"] and ("outdoors" in text) == (not s["indoor"])
