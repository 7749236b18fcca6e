"""ELAN ``.eaf``: a tier for each person and modality, with participant, annotator and controlled vocabulary.

The format: https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf. Files are written by pympi-ling.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlparse

from affectlens.core.environment.extras import helpful
from affectlens.core.untrusted.xml import Element, read_xml
from affectlens.exchange.annotations import Annotations, Segment
from affectlens.exchange.lines import count, segment_of_line, wrong_line
from affectlens.exchange.registry import register_format
from affectlens.exchange.tiers import layers, parts_of_name, without_layers

TITLE = "ELAN (.eaf)"
UNKNOWN = "und"  # the code of a language that is not said


def read(path: Path) -> Annotations:
    """Read the tiers of an ``.eaf``; annotations that refer to others take the times of these."""
    root = read_xml(path, "an ELAN file")
    if root.tag != "ANNOTATION_DOCUMENT":
        raise wrong_line(path, root.line, f"the element {root.tag}; ANNOTATION_DOCUMENT was expected")
    slots = _slots(root, path)
    file = _recording(root)
    tiers = [child for child in root.children if child.tag == "TIER"]
    names = without_layers(tier.attributes.get("TIER_ID", "") for tier in tiers)
    segments: list[Segment] = []
    times: dict[str, tuple[float, float]] = {}  # by annotation
    notes: list[str] = []
    later: list[tuple[Element, tuple[str, str, str]]] = []
    untimed = 0
    for tier in tiers:
        track = _track(tier, names)
        for one in tier.all("ALIGNABLE_ANNOTATION"):
            start, end = (_time(one, f"TIME_SLOT_REF{number}", slots, path) for number in (1, 2))
            if start is None or end is None:
                untimed += 1
                continue
            segment = segment_of_line(path, one.line, start, end, _value(one), file=file, **_as_fields(track))
            times[one.attributes.get("ANNOTATION_ID", "")] = (start, end)
            segments.append(segment)
        later += [(one, track) for one in tier.all("REF_ANNOTATION")]
        count(path, segments)
    segments += _of_others(later, times, file, path)
    if untimed:
        notes.append(f"{path.name}: {untimed} annotations have no time of their own and are left out")
    return Annotations(tuple(segments), _vocabularies(root, tiers, names), (file,), {}, tuple(notes))


def _slots(root: Element, path: Path) -> dict[str, float | None]:
    """Seconds by the name of a time slot; None of one without a time."""
    slots: dict[str, float | None] = {}
    for slot in root.all("TIME_SLOT"):
        value = slot.attributes.get("TIME_VALUE")
        try:
            slots[slot.attributes["TIME_SLOT_ID"]] = None if value is None else int(value) / 1000
        except (KeyError, ValueError):
            raise wrong_line(
                path, slot.line, f"a time slot with {slot.attributes}; an id and milliseconds were expected"
            ) from None
    return slots


def _time(one: Element, name: str, slots: dict[str, float | None], path: Path) -> float | None:
    slot = one.attributes.get(name, "")
    if slot not in slots:
        raise wrong_line(path, one.line, f"the time slot {slot!r} is not in TIME_ORDER")
    return slots[slot]


def _track(tier: Element, names: dict[str, str]) -> tuple[str, str, str]:
    name = names[tier.attributes.get("TIER_ID", "")]
    own, person, rater = parts_of_name(name)
    return own, tier.attributes.get("PARTICIPANT") or person, tier.attributes.get("ANNOTATOR") or rater


def _as_fields(track: tuple[str, str, str]) -> dict[str, Any]:
    return dict(zip(("tier", "person", "rater"), track, strict=True))


def _value(one: Element) -> str:
    value = one.first("ANNOTATION_VALUE")
    return value.text if value is not None else ""


def _of_others(
    later: list[tuple[Element, tuple[str, str, str]]], times: dict[str, tuple[float, float]], file: str, path: Path
) -> list[Segment]:
    """Annotations that refer to others, which may refer to others again."""
    made: list[Segment] = []
    while later:
        rest = []
        for one, track in later:
            about = times.get(one.attributes.get("ANNOTATION_REF", ""))
            if about is None:
                rest.append((one, track))
                continue
            times[one.attributes.get("ANNOTATION_ID", "")] = about
            made.append(Segment(file, *about, _value(one), **_as_fields(track)))
        if len(rest) == len(later):
            one = rest[0][0]
            raise wrong_line(
                path, one.line, f"it refers to the annotation {one.attributes.get('ANNOTATION_REF')!r}, which has no time"
            )
        later = rest
    return made


def _recording(root: Element) -> str:
    media = root.first("MEDIA_DESCRIPTOR")
    if media is None:
        return ""
    name = media.attributes.get("RELATIVE_MEDIA_URL") or media.attributes.get("MEDIA_URL", "")
    if name.startswith("file:"):
        name = unquote(urlparse(name).path)
    return name.removeprefix("./")


def _vocabularies(root: Element, tiers: list[Element], names: dict[str, str]) -> dict[str, tuple[str, ...]]:
    words: dict[str, tuple[str, ...]] = {}
    for vocabulary in root.all("CONTROLLED_VOCABULARY"):
        entries = [*vocabulary.all("CVE_VALUE"), *vocabulary.all("CV_ENTRY")]
        words[vocabulary.attributes.get("CV_ID", "")] = tuple(dict.fromkeys(entry.text for entry in entries))
    of_type = {
        kind.attributes.get("LINGUISTIC_TYPE_ID", ""): words.get(kind.attributes.get("CONTROLLED_VOCABULARY_REF", ""))
        for kind in root.all("LINGUISTIC_TYPE")
    }
    found = {_track(tier, names)[0]: of_type.get(tier.attributes.get("LINGUISTIC_TYPE_REF", "")) for tier in tiers}
    return {tier: known for tier, known in found.items() if known}


@register_format(
    "elan", TITLE, read=read, suffix=".eaf",
    holds=("value", "recording", "tier", "person", "rater", "empty value", "vocabulary"),
)  # fmt: skip
def write(annotations: Annotations, path: Path) -> None:
    """Write one recording's annotations."""
    with helpful():
        from pympi.Elan import Eaf
    made = Eaf(author="affectlens")
    made.remove_tier("default")
    for file in annotations.files:
        if file:
            whole = file.startswith("/")  # ELAN finds a file by an address, or by its place beside the annotations
            address = f"file://{quote(file)}" if whole else file
            made.add_linked_file(address, relpath=None if whole else f"./{file}", mimetype=_mime(file))
    if annotations.vocabularies:
        made.add_language(UNKNOWN, "http://cdb.iso.org/lg/CDB-00138502-001", "undetermined (und)")
    for tier, words in annotations.vocabularies.items():
        made.add_controlled_vocabulary(tier)
        for number, word in enumerate(words):
            made.add_cv_entry(tier, f"cveid_{tier}_{number}", [(word, UNKNOWN, None)])
        about = {"LINGUISTIC_TYPE_ID": tier, "TIME_ALIGNABLE": "true", "GRAPHIC_REFERENCES": "false"}
        made.add_linguistic_type(tier, param_dict={**about, "CONTROLLED_VOCABULARY_REF": tier})
    by_name = layers(annotations, apart=False)
    for name, segments in by_name.items():
        tier, person, rater = segments[0].track
        kind = tier if tier in annotations.vocabularies else "default-lt"
        made.add_tier(name or "annotations", kind, part=person or None, ann=rater or None)
        for segment in segments:
            made.add_annotation(name or "annotations", round(segment.start * 1000), round(segment.end * 1000), segment.value)
    written = {segments[0].tier for segments in by_name.values()}
    for tier in annotations.vocabularies:
        if tier not in written:  # an empty tier still says which words it may hold
            made.add_tier(tier, tier)
    made.to_file(str(path))


def _mime(file: str) -> str:
    import mimetypes

    return mimetypes.guess_type(file)[0] or "video/mp4"
