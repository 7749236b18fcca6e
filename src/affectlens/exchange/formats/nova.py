"""NOVA ``.annotation``: a file for each scheme, role and annotator, with its values beside it in ``.annotation~``.

The format is that of NOVA and SSI, https://github.com/hcmlab/nova. Values are text, or of continuous schemes also binary.
"""

from __future__ import annotations

import struct
from pathlib import Path
from xml.sax.saxutils import quoteattr

from affectlens.core.disk.files import write_text
from affectlens.core.disk.names import safe_name
from affectlens.core.errors import MediaError
from affectlens.core.limits import within
from affectlens.core.untrusted.sheets import read_text
from affectlens.core.untrusted.weight import file_within
from affectlens.core.untrusted.xml import Element, read_xml
from affectlens.exchange.annotations import NAN, Annotations, Segment
from affectlens.exchange.lines import count, segment_of_line, wrong_line
from affectlens.exchange.registry import register_format

SUFFIX = ".annotation"
FREE, DISCRETE, CONTINUOUS = "FREE", "DISCRETE", "CONTINUOUS"
NOBODY = "-1"  # the id of "garbage", what belongs to no class


def read(path: Path) -> Annotations:
    """Read one ``.annotation`` or all of a folder."""
    files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    segments: list[Segment] = []
    vocabularies: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    for file in files:
        made, words, tier = _read_one(file, notes)
        segments += made
        if words:
            vocabularies[tier] = words
        count(file, segments)
    if path.is_dir() and not files:
        marker = path / "annotations.txt"
        if not marker.exists():
            raise MediaError(f"{path}: no file *{SUFFIX}; a session of NOVA was expected")
    return Annotations(tuple(segments), vocabularies, ("",), {}, tuple(notes))


def _read_one(file: Path, notes: list[str]) -> tuple[list[Segment], tuple[str, ...], str]:
    root = read_xml(file, "a NOVA annotation")
    info, meta, scheme = root.first("info"), root.first("meta"), root.first("scheme")
    if root.tag != "annotation" or scheme is None:
        raise wrong_line(file, root.line, f"the element {root.tag} without a scheme; an annotation of NOVA was expected")
    about = meta.attributes if meta is not None else {}
    tier = scheme.attributes.get("name", "")
    track = {"tier": tier, "person": about.get("role", ""), "rater": about.get("annotator", "")}
    kind = scheme.attributes.get("type", "").upper()
    binary = info is not None and info.attributes.get("ftype", "").upper() == "BINARY"
    data = file.with_name(f"{file.name}~")
    if not data.exists():
        raise MediaError(f"{data}: not there; NOVA keeps the values of {file.name} in it")
    if kind == CONTINUOUS:
        return _continuous(data, scheme, track, binary, file), (), tier
    names = {item.attributes.get("id", ""): item.attributes.get("name", "") for item in scheme.all("item")}
    if binary:
        raise MediaError(f"{data}: a binary file of {kind or 'no'} scheme; NOVA's text form was expected (export it as ASCII)")
    text, told = read_text(data)
    notes += told
    made: list[Segment] = []
    garbage = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        cells = line.split(";")
        try:
            start, end = float(cells[0]), float(cells[1])
            sure = float(cells[3]) if len(cells) > 3 and cells[3].strip() else NAN
            value = cells[2]
        except (ValueError, IndexError):
            raise wrong_line(data, number, f"{line[:40]!r}; from;to;label;confidence was expected") from None
        if kind == DISCRETE:
            if value.strip() == NOBODY:
                garbage += 1
                continue
            if value.strip() not in names:
                raise wrong_line(data, number, f"the label {value.strip()[:20]!r} is none of the scheme ({', '.join(names)})")
            value = names[value.strip()]
        made.append(segment_of_line(data, number, start, end, value, confidence=sure, **track))
    if garbage:
        notes.append(f"{data.name}: {garbage} segments are marked as garbage and are left out")
    return made, tuple(names.values()) if kind == DISCRETE else (), tier


def _continuous(data: Path, scheme: Element, track: dict[str, str], binary: bool, file: Path) -> list[Segment]:
    """A value each sample, as segments of one sample's length."""
    try:
        rate = float(scheme.attributes["sr"])
    except (KeyError, ValueError):
        rate = 0.0
    if not 0 < rate < 1e6:
        raise wrong_line(file, scheme.line, "a continuous scheme without a sampling rate sr")
    values: list[tuple[float, float]] = []
    if binary:
        within("items", file_within(data) / 8, data)
        values = list(struct.iter_unpack("<ff", data.read_bytes()))
    else:
        text, _ = read_text(data)
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                cells = line.split(";")
                try:
                    values.append((float(cells[0]), float(cells[1]) if len(cells) > 1 else NAN))
                except ValueError:
                    raise wrong_line(data, number, f"{line[:40]!r}; value;confidence was expected") from None
    return [
        Segment("", number / rate, (number + 1) / rate, f"{value:g}", confidence=sure, **track)
        for number, (value, sure) in enumerate(values)
        if value == value
    ]


def _plain(text: str) -> str:
    return text.replace(";", ",")


@register_format(
    "nova", "NOVA (.annotation)", read=read, suffix="", step=0.0, plain=_plain,
    holds=("value", "tier", "person", "rater", "confidence", "point", "empty value", "vocabulary"),
)  # fmt: skip
def write(annotations: Annotations, path: Path) -> None:
    """Write the folder of a session: two files for each tier, person and rater."""
    for old in [*path.glob(f"*{SUFFIX}"), *path.glob(f"*{SUFFIX}~"), path / "annotations.txt"]:
        old.unlink(missing_ok=True)
    tracks = annotations.tracks()
    for tier in annotations.vocabularies:
        if not any(track[0] == tier for track in tracks):
            tracks[tier, "", ""] = []
    if not tracks:
        write_text(path / "annotations.txt", "no annotations\n")
    names: set[str] = set()
    for (tier, person, rater), segments in tracks.items():
        words = annotations.vocabularies.get(tier)
        if words is not None and not all(one.value in words for one in segments):
            words = (*words, *dict.fromkeys(one.value for one in segments if one.value not in words))
        name = safe_name(".".join([person or "nobody", tier or "annotations", rater or "nobody"]))
        while name in names:
            name += "_"
        names.add(name)
        kind = FREE if words is None else DISCRETE
        lines = ['<?xml version="1.0" ?>', '<annotation ssi-v="3">', f'    <info ftype="ASCII" size="{len(segments)}" />']
        lines.append(f"    <meta role={quoteattr(person)} annotator={quoteattr(rater)} />")
        if words is None:
            lines.append(f'    <scheme name={quoteattr(tier)} type="{kind}" color="#FFFFFF" />')
        else:
            lines.append(f'    <scheme name={quoteattr(tier)} type="{kind}" color="#FFFFFF">')
            lines += [
                f'        <item name={quoteattr(word)} id="{place}" color="#808080" />' for place, word in enumerate(words)
            ]
            lines.append("    </scheme>")
        write_text(path / f"{name}{SUFFIX}", "\n".join([*lines, "</annotation>", ""]))
        values = "".join(f"{one.start!r};{one.end!r};{_cell(one, words)};{_sure(one)}\n" for one in segments)
        write_text(path / f"{name}{SUFFIX}~", values)


def _cell(one: Segment, words: tuple[str, ...] | None) -> str:
    return one.value if words is None else str(words.index(one.value))


def _sure(one: Segment) -> str:
    return "" if one.confidence != one.confidence else repr(float(one.confidence))
