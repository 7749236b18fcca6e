"""The recording again with boxes, ids, labels and words drawn on it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from affectlens.assets.store import locate
from affectlens.core.schema import SCENE
from affectlens.figures.charts import colour as colour_of
from affectlens.media.container import open_file
from affectlens.media.frames import Frame, frames
from affectlens.perception.face.detector import FaceDetector
from affectlens.perception.face.hiding import Track, hidden
from affectlens.report.bundle import Report

_RATE = 12.5
_WIDTH = 960


def write_overlay(report: Report, path: Path) -> bool:
    """Write an mp4 beside the report; False where the recording has no moving picture."""
    clip = report.clip
    if clip.info.kind != "video" or not clip.info.video_tracks:
        return False
    boxes: dict[int, list[Any]] = defaultdict(list)
    for sighting in clip.sightings:
        boxes[sighting.person].append(sighting)
    times = {person: [sighting.time for sighting in rows] for person, rows in boxes.items()}
    rows = defaultdict(list)
    for finding in report.findings:
        if finding.row.modality == "fused" and finding.row.person != SCENE:
            rows[finding.row.person].append(finding.row)
    starts = {person: [row.start for row in listed] for person, listed in rows.items()}
    spoken = [finding.row for finding in report.findings if finding.row.modality == "words" and finding.row.text]
    with open_file(path, "w", options={"movflags": "faststart"}) as out:
        stream: Any = None
        font = small = None
        for frame in _hidden(report, frames(clip.path, _RATE)) if clip.options.anonymous else frames(clip.path, _RATE):
            height, width = frame.image.shape[:2]
            factor = min(1.0, _WIDTH / width) if width > 480 else 2.0
            size = (int(width * factor) // 2 * 2, int(height * factor) // 2 * 2)
            if stream is None:
                stream = _stream(out, size)
                stream.time_base = Fraction(1, 1000)
                font, small = (ImageFont.load_default(points) for points in (max(13, size[1] // 28), max(11, size[1] // 36)))
            picture = Image.fromarray(frame.image).resize((stream.width, stream.height), Image.Resampling.BILINEAR)
            draw = ImageDraw.Draw(picture)
            for person, sightings in boxes.items():
                box = _at(sightings, times[person], frame.time, 1.5 / clip.options.rate)
                if box is None:
                    continue
                latest = bisect_right(starts[person], frame.time) - 1 if person in starts else -1
                row = rows[person][latest] if latest >= 0 else None
                _label(draw, box, person, row, picture.size, font)
            utterance = next((row for row in spoken if row.start <= frame.time <= row.end), None)
            if utterance is not None:
                _subtitle(draw, utterance.text, picture.size, small)
            video = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            video.pts, video.time_base = round(frame.time * 1000), Fraction(1, 1000)
            out.mux(stream.encode(video))
        if stream is None:
            return False
        out.mux(stream.encode(None))
    return True


def _hidden(report: Report, shown: Iterator[Frame]) -> Iterator[Frame]:
    """The same frames with faces blurred: those that were tracked, and those that are found in the frame at hand."""
    clip = report.clip
    detector = FaceDetector(locate("yunet"))
    tracks = []
    for person in {sighting.person for sighting in clip.sightings}:
        own = [sighting for sighting in clip.sightings if sighting.person == person]
        tracks.append(Track(np.array([one.time for one in own]), np.array([one.box for one in own], float)))
    return hidden(shown, tracks, 2 / clip.options.rate, lambda image: [face.box for face in detector(image)])


def _stream(out: Any, size: tuple[int, int]) -> Any:
    for codec, settings in (("libx264", {"crf": "24", "preset": "veryfast"}), ("mpeg4", {"qscale": "4"})):
        try:
            stream = out.add_stream(codec, rate=Fraction(25, 2), options=settings)
        except (av.error.FFmpegError, ValueError):
            continue
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], "yuv420p"
        return stream
    raise OSError("no video encoder in this build of PyAV")


def _at(sightings: list[Any], times: list[float], time: float, gap: float) -> tuple[float, float, float, float] | None:
    """The box at a time, between the samples around it; None where the person was not seen."""
    following = bisect_right(times, time)
    before = sightings[following - 1] if following > 0 and time - sightings[following - 1].time <= gap else None
    after = sightings[following] if following < len(sightings) and sightings[following].time - time <= gap else None
    if before is None or after is None:
        one = before or after
        return one.box if one else None
    share = (time - before.time) / max(after.time - before.time, 1e-9)
    left, top, width, height = ((1 - share) * old + share * new for old, new in zip(before.box, after.box, strict=True))
    return left, top, width, height


def _label(draw: Any, box: tuple[float, float, float, float], person: int, row: Any, size: tuple[int, int], font: Any) -> None:
    left, top = box[0] * size[0], box[1] * size[1]
    right, bottom = left + box[2] * size[0], top + box[3] * size[1]
    known = row is not None and row.status == "ok"
    colour = colour_of(row.label) if known else "#BBBBBB"
    text = f"{person}: {row.label} {row.confidence:.0%}" if known else f"{person}: not read"
    if known and row.conflict:
        text += "  (modalities disagree)"
    draw.rectangle((left, top, right, bottom), outline=colour, width=max(2, size[1] // 240))
    extent = draw.textbbox((0, 0), text, font=font)
    tall = extent[3] - extent[1] + 8
    across = min(max(0.0, left), max(0.0, size[0] - (extent[2] + 10)))
    down = top - tall if top >= tall else bottom
    draw.rectangle((across, down, across + extent[2] + 10, down + tall), fill=(0, 0, 0))
    draw.text((across + 5, down + 4 - extent[1]), text, fill=colour, font=font)


def _subtitle(draw: Any, text: str, size: tuple[int, int], font: Any) -> None:
    lines, line = [], ""
    for word in text.split():
        if draw.textlength(f"{line} {word}", font=font) > size[0] * 0.92 and line:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    lines = [*lines, line][-3:]
    tall = font.size + 5
    top = size[1] - tall * len(lines) - 8
    draw.rectangle((0, top - 4, size[0], size[1]), fill=(0, 0, 0))
    for number, one in enumerate(lines):
        draw.text(((size[0] - draw.textlength(one, font=font)) / 2, top + number * tall), one, fill=(255, 255, 255), font=font)
