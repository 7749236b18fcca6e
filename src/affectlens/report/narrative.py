"""The narrative: sentences made from evidence rows alone. Every clause carries the id of the row it states."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from affectlens.core.schema import SCENE, Evidence

ALPHA = 0.05


@dataclass(frozen=True)
class Clause:
    """A piece of a sentence and the evidence it states."""

    text: str
    evidence: str


@dataclass(frozen=True)
class Sentence:
    """Clauses that are read together, about one person."""

    person: int
    clauses: tuple[Clause, ...]

    @property
    def text(self) -> str:
        """The sentence as plain text."""
        joined = ", ".join(c.text for c in self.clauses)
        return joined[:1].upper() + joined[1:] + "."


def graded(probability: float) -> str:
    """A word for a calibrated probability; the steps are fixed so that the same number always reads the same."""
    for bound, word in ((0.85, "clearly"), (0.65, "probably"), (0.45, "perhaps")):
        if probability >= bound:
            return word
    return "only weakly"


def who(person: int) -> str:
    """How a person is named in the report."""
    return "somebody out of view" if person == SCENE else f"person {person}"


def _time(e: Evidence) -> str:
    return f"at {e.start:.1f} s"


def _share(e: Evidence) -> str:
    mean = e.settings["mean_probability"]
    windows = e.settings["readable"]
    if windows == 1:
        return f"{who(e.person)} {graded(mean)} expresses {e.target} (mean probability {mean:.2f})"
    return (
        f"{who(e.person)} {graded(mean)} expresses {e.target} in {e.value:.0%} of {windows} readable segments "
        f"(95 % interval {e.low:.0%} to {e.high:.0%}; mean probability there {mean:.2f})"
    )


def _changes(e: Evidence) -> str:
    n = int(e.value)
    return f"the most probable class changes {n} time{'s' if n != 1 else ''}"


def _not_read(e: Evidence) -> str:
    n = int(e.value)
    return f"{n} segment{'s' if n != 1 else ''} could not be read ({e.settings['reason']})"


def _word(e: Evidence) -> str:
    word = e.name.removeprefix("word: ").strip(".,;:!?…\"'")
    return f"“{word}” speaks {'for' if e.value > 0 else 'against'} {e.target} ({e.value:+.2f} logit)"


def _region(e: Evidence) -> str:
    name = e.name.removeprefix("region: ")
    place = name if name == "outside the face" else f"on the {name}"
    relevance, area = e.settings["relevance_share"], e.settings["area_share"]
    return f"{_time(e)} {relevance:.0%} of what the face shows for {e.target} lies {place} ({area:.0%} of the area)"


def _object(e: Evidence) -> str:
    name = e.name.removeprefix("object: ")
    place = name if name == "no detected thing" else f"the {name}"
    relevance, area = e.settings["relevance_share"], e.settings["area_share"]
    return f"{_time(e)} {relevance:.0%} of what the surroundings show for {e.target} lies on {place} ({area:.0%} of the area)"


def _movement(e: Evidence) -> str:
    name = e.name.removeprefix("movement: ")
    return f"{name} {'more' if e.value > 0 else 'less'} than usual for {who(e.person)} ({e.value:+.1f} SD)"


def _share_of(e: Evidence) -> str:
    name = e.name.removeprefix("share: ")
    if name.startswith("usual"):
        name = f"what is {name}"
    verb = ("speak" if name == "words" else "speaks") + (" for" if e.value > 0 else " against")
    the = "" if name.startswith("what") else "the "
    return f"{_time(e)} {the}{name} {verb} {e.target} ({e.value:+.2f} log-odds, weight {e.settings['weight']:.0%})"


def _conflict(e: Evidence) -> str:
    parts = [f"the {m} say{'s' if m != 'words' else ''} {c}" for m, c in e.settings["says"].items()]
    says = ", ".join(parts[:-1]) + f" but {parts[-1]}"
    return f"{_time(e)} {says}"


def _speaker(e: Evidence) -> str:
    if e.value < 0:
        return f"nobody could be named as the speaker ({e.settings['reason']})"
    return f"the words belong to {who(int(e.value))} ({e.settings['reason']})"


def _faithful(e: Evidence) -> str:
    kind = e.name.removeprefix("faithfulness: ")
    better = (e.value < 0) == (kind == "deletion")
    verdict = "better than" if better and e.p_value <= ALPHA else "not shown to be better than"
    explained = e.settings["explains"]
    done = "taking parts away" if kind == "deletion" else "putting parts back"
    return f"{_time(e)} {done} in the order of {explained} is {verdict} random orders ({kind}, p = {e.p_value:.2f})"


def heard(e: Evidence) -> str:
    """A plain difference of a voice with its number: "higher pitch by 4.1 semitones"."""
    words = e.name.removeprefix("voice: ")
    size = abs(e.value)
    if e.unit in ("semitones", "dB", "s", "Hz"):
        return f"{words} by {size:.{0 if e.unit == 'Hz' else 1 if e.unit != 's' else 2}f} {e.unit}"
    if e.unit == "1/s":
        return f"{words} by {size:.1f} syllable-like peaks a second"
    return f"{words} ({e.settings['deviations']:+.1f} SD)"


def _voice(e: Evidence) -> str:
    whose = (
        f"than {who(e.person)}'s other turns"
        if e.settings["own"] and e.person != SCENE
        else f"than the {e.settings['against']}"
    )
    return f"{heard(e)} {whose}"


def _relevance(e: Evidence) -> str:
    name = e.name.removeprefix("relevance: ")
    return f"{name} speaks {'for' if e.value > 0 else 'against'} {e.target} ({e.value:+.2f} log probability)"


def _sounds(e: Evidence) -> str:
    s = e.settings
    return f"it sounds like {e.name.removeprefix('sounds like: ')} of {s['corpus']} ({s['language']}, clip {s['key']})"


def _concept(e: Evidence) -> str:
    name, way = e.name.removeprefix("concept: "), "for" if e.value > 0 else "against"
    return f"they hold “{name}”, which speaks {way} {e.target} (cosine {e.value:+.2f}, p = {e.p_value:.3f})"


def measured(e: Evidence) -> str:
    """A measurement with its unit and how far it is from the training corpus: "head down 31 degrees (+2.1 SD)"."""
    unit = {"share": "", "correlation": "", "log10 legs/s³": "", "legs": "leg lengths", "legs/s": "leg lengths a second",
            "legs/s²": "leg lengths a second squared", "1/s": "a second"}.get(e.unit, e.unit)  # fmt: skip
    number = f"{e.value:.0f}" if e.unit == "degrees" else f"{e.value:.2f}"
    return f"{e.name.removeprefix('gait: ')} {number}{' ' + unit if unit else ''} ({e.settings['deviations']:+.1f} SD)"


def _gait_share(e: Evidence) -> str:
    name = e.name.removeprefix("gait relevance: ")
    verb = "speak" if name in ("joints", "legs", "arms") else "speaks"
    return f"{name} {verb} {'for' if e.value > 0 else 'against'} {e.target} ({e.value:+.2f} log probability)"


def _posture(e: Evidence) -> str:
    name = e.name.removeprefix("posture relevance: ")
    verb = "speak" if name in ("head and neck", "legs") else "speaks"
    return f"{name} {verb} {'for' if e.value > 0 else 'against'} {e.target} ({e.value:+.2f} log probability)"


def _holds(person: int, shares: list[Evidence]) -> list[Sentence]:
    """The clearest posture and the part of the body that speaks for it most."""
    if not shares:
        return []
    top = max(shares, key=lambda e: e.settings["probability"])
    best = max((e for e in shares if e.start == top.start), key=lambda e: e.value)
    text = f"{_time(best)} the posture {graded(best.settings['probability'])} expresses {best.target}: {_posture(best)}"
    return [Sentence(person, (Clause(text, best.id),))]


def _walks(person: int, told: list[Evidence], shares: list[Evidence]) -> list[Sentence]:
    """The clearest stretch: what is unlike the training corpus's walkers, and what speaks for the class."""
    if not told:
        return []
    top = max(told, key=lambda e: e.settings["probability"])
    mine = [e for e in told if e.start == top.start][:3]
    clauses = []
    for i, e in enumerate(mine):
        text = measured(e)
        clauses.append(
            Clause(text if i else f"{_time(e)} the gait {graded(e.settings['probability'])} expresses {e.target}: {text}", e.id)
        )
    here = [e for e in shares if e.start == top.start]
    if here:
        best = max(here, key=lambda e: e.value)
        clauses.append(Clause(_gait_share(best), best.id))
    return [Sentence(person, tuple(clauses))]


def _usual(e: Evidence) -> str:
    s = e.settings
    if not s["people"]:
        return f"nothing is known yet of what is usual {s['context']}"
    top = max(s["usual"], key=lambda c: s["usual"][c])
    people = f"{s['people']} {'person' if s['people'] == 1 else 'people'}"
    text = f"{s['context']} {top} is usual ({s['usual'][top]:.0%} on average over {people})"
    if not np.isfinite(e.p_value):
        return f"{text}, too few to say whether {who(e.person)} differs"
    verdict = "differs from that" if e.p_value <= ALPHA else "is not shown to differ from that"
    return f"{text}; {who(e.person)} {verdict} (p = {e.p_value:.2f}), most in {s['most']} ({100 * s['by']:+.0f} points)"


def _usual_elsewhere(e: Evidence) -> str:
    s = e.settings
    if not s["people"]:
        return f"{s['source']} tell nothing {s['context']}"
    top = max(s["usual"], key=lambda c: s["usual"][c])
    return (
        f"in photographs {s['context']} people most often saw {top} ({s['usual'][top]:.0%} of {s['people']}; {s['source']}); "
        f"{who(e.person)} is furthest from that in {s['most']} ({100 * s['by']:+.0f} points)"
    )


def _what_if(e: Evidence) -> str:
    s, name = e.settings, e.name.removeprefix("what if: ")
    if s["answer"] == e.target:
        return (
            f"{_time(e)} without the {name} it would still be {e.target} ({s['probability']:.2f} instead of {s['before']:.2f})"
        )
    return (
        f"{_time(e)} without the {name} it would be {s['answer']} ({s['probability']:.2f}) instead of {e.target} "
        f"({s['before']:.2f}, then {s['of_target']:.2f})"
    )


def _place(e: Evidence) -> str:
    s = e.settings
    kind = s["kind"].replace("_", " ")
    if kind and s["source"] in ("given", "file name"):
        return f"the place is {'an' if kind[0] in 'aeiou' else 'a'} {kind} ({s['source']})"
    if kind:
        return f"the place {graded(e.value)} is {'an' if kind[0] in 'aeiou' else 'a'} {kind} ({e.value:.2f}; {s['source']})"
    if s["indoor"] is not None:
        return f"it is {'in' if s['indoor'] else 'out'}doors; the kind of place is not told"
    return "the kind of place is not told"


def _thing(e: Evidence) -> str:
    name, n = e.name.removeprefix("thing: "), e.settings["most_at_once"]
    if e.settings["windows"] == 1:
        return f"{n} × {name} seen"
    return f"{name} seen in {e.value:.0%} of windows, at most {n} at once"


def _pair(e: Evidence) -> str:
    return f"“{e.name.removeprefix('pair: ').replace('_', ' ')}” ({e.settings['why']})"


def _look(e: Evidence) -> str:
    return f"it looks {e.settings['word']} ({e.settings['why']})"


_TEMPLATES: dict[str, Callable[[Evidence], str]] = {
    "share of time": _share,
    "changes": _changes,
    "not read": _not_read,
    "word": _word,
    "region": _region,
    "object": _object,
    "movement": _movement,
    "share": _share_of,
    "conflict": _conflict,
    "concept": _concept,
    "usual": _usual,
    "usual elsewhere": _usual_elsewhere,
    "what if": _what_if,
    "place": _place,
    "thing": _thing,
    "pair": _pair,
    "look": _look,
    "posture relevance": _posture,
    "gait": measured,
    "gait relevance": _gait_share,
    "speaker": _speaker,
    "faithfulness": _faithful,
    "voice": _voice,
    "relevance": _relevance,
    "sounds like": _sounds,
}


def clause(e: Evidence) -> Clause | None:
    """The clause that states one evidence row, or None where no sentence is made of that kind."""
    kind = e.name.split(":")[0]
    return Clause(_TEMPLATES[kind](e), e.id) if kind in _TEMPLATES else None


def narrative(evidence: Iterable[Evidence]) -> list[Sentence]:
    """Sentences for each person, most important first. Where there is no evidence there is no sentence."""
    rows = list(evidence)
    people = sorted({e.person for e in rows}, key=lambda p: (p == SCENE, p))
    out = []
    for person in people:
        mine = [e for e in rows if e.person == person]
        out.extend(_about(person, mine))
    return out


def _about(person: int, mine: list[Evidence]) -> list[Sentence]:
    def of(kind: str) -> list[Evidence]:
        return [e for e in mine if e.name.split(":")[0] == kind]

    def sentence(rows: list[Evidence]) -> list[Sentence]:
        clauses = [c for c in map(clause, rows) if c is not None]
        return [Sentence(person, tuple(clauses))] if clauses else []

    out = sentence(of("share of time") + of("changes") + of("not read"))
    for e in of("usual") + of("usual elsewhere"):
        out += sentence([e])
    if person == SCENE:
        looks = [e for e in of("look") if e.settings["word"]]
        seen = sorted(of("thing"), key=lambda e: -e.value)[:4]
        out += sentence(of("place") + seen) + sentence(looks[:3] + of("pair")[:4])
    words = of("word")
    if words:
        strongest = max(words, key=lambda e: abs(e.value))
        same = [e for e in words if (e.start, e.end) == (strongest.start, strongest.end)]
        spoke = [e for e in of("speaker") if (e.start, e.end) == (strongest.start, strongest.end)]
        held = [e for e in of("concept") if e.start == strongest.start and e.p_value <= ALPHA]
        out += sentence(spoke + sorted(same, key=lambda e: -abs(e.value))[:2] + sorted(held, key=lambda e: e.p_value)[:2])
    out += _voices(person, of("voice"), of("relevance"), of("sounds like"))
    out += _walks(person, of("gait"), of("gait relevance"))
    out += _holds(person, of("posture relevance"))
    regions = of("region")
    if regions:
        clearest = max(regions, key=lambda e: e.settings["relevance_share"])
        out += sentence([clearest])
    things = of("object")
    if things:
        out += sentence([max(things, key=lambda e: e.value)])
    moves = of("movement")
    if moves:
        top = max(moves, key=lambda e: abs(e.value))
        made = clause(top)
        if made:
            out.append(Sentence(person, (Clause(f"{_time(top)} {made.text}", made.evidence),)))
    conflicts = of("conflict")
    if conflicts:
        out += sentence([max(conflicts, key=lambda e: e.value)])
    shares = of("share")
    if shares:
        strongest = max(shares, key=lambda e: abs(e.value))
        out += sentence([e for e in shares if e.start == strongest.start])
        out += sentence([e for e in of("what if") if e.start == strongest.start][:1])
    tests = of("faithfulness")
    if tests:
        first = tests[0]
        out += sentence([e for e in tests if (e.start, e.modality) == (first.start, first.modality)])
    return out


def _voices(person: int, told: list[Evidence], shares: list[Evidence], near: list[Evidence]) -> list[Sentence]:
    """The turn that differs most from the person's others: how it sounds, what speaks for the class, what it sounds like."""
    if not told:
        return []
    top = max(told, key=lambda e: abs(e.settings["deviations"]))
    clauses = []
    for i, e in enumerate([e for e in told if e.start == top.start]):
        text = heard(e) if i else f"{_time(e)} the voice {graded(e.settings['probability'])} expresses {e.target}: {_voice(e)}"
        clauses.append(Clause(text, e.id))
    mine = [e for e in shares if e.start == top.start]
    if mine:
        best = max(mine, key=lambda e: e.value)
        clauses.append(Clause(_relevance(best), best.id))
    clauses += [Clause(_sounds(e), e.id) for e in near if e.start == top.start][:1]
    return [Sentence(person, tuple(clauses))]
