"""The recording again, with boxes and words drawn on it."""

from __future__ import annotations

from dataclasses import replace

import av
import numpy as np

from affectlens.core.schema import Row
from affectlens.media.frames import MediaInfo
from affectlens.modalities.base import Clip, Finding
from affectlens.perception.people.finder import Sighting
from affectlens.report.bundle import Gallery, Report
from affectlens.report.overlay import write_overlay
from tests.conftest import write_video
from tests.fusion.clips import clip_of, probabilities


def report_of(path, *findings):
    info = MediaInfo(path, "video", 2.0, 320, 240, video_tracks=1)
    clip: Clip = replace(clip_of(path), path=path, info=info)
    clip.sightings.extend(Sighting(tick / 5, 3, (0.25, 0.4, 0.25, 0.25)) for tick in range(5))  # in view for the first second
    report = Report(clip, Gallery())
    report.findings = list(findings)
    return report


def pictures(path):
    with av.open(str(path)) as video:
        return [(frame.time, frame.to_ndarray(format="rgb24").astype(int)) for frame in video.decode(video=0)]


def test_boxes_are_drawn_in_the_colour_of_the_class_while_the_person_is_in_view(tmp_path):
    source = write_video(tmp_path / "a.mp4", [np.full((240, 320, 3), 128, np.uint8)] * 20)
    fused = Row(str(source), 0, 1, 3, "fused", probabilities=probabilities(happiness=0.9), quality=1.0)
    assert write_overlay(report_of(source, Finding(fused)), tmp_path / "o.mp4")
    frames = pictures(tmp_path / "o.mp4")
    height, width = frames[0][1].shape[:2]
    at = (int(0.65 * height) - 1, int(0.4 * width))  # on the lower edge of the box
    early, late = frames[3][1], frames[-1][1]
    r, g, b = early[at[0] - 2 : at[0] + 3, at[1]].mean(0)
    assert r > g > b and r - b > 40  # the orange of happiness
    assert np.ptp(late[at[0] - 2 : at[0] + 3, at[1]]) < 30  # gone with the person
    middle = early[int(0.52 * height), int(0.375 * width)]
    assert np.abs(middle - 128).max() < 20  # what is inside the box stays as it was


def test_what_is_said_is_written_while_it_is_said(tmp_path):
    source = write_video(tmp_path / "a.mp4", [np.full((240, 320, 3), 128, np.uint8)] * 20)
    said = Row(str(source), 0, 1, -1, "words", "abstained", "too short", text="good morning to everybody")
    assert write_overlay(report_of(source, Finding(said)), tmp_path / "o.mp4")
    frames = pictures(tmp_path / "o.mp4")
    band = slice(int(0.93 * frames[0][1].shape[0]), None)
    early, late = frames[3][1][band], frames[-1][1][band]
    assert early.min() < 40 and early.max() > 200 and np.ptp(late) < 30


def test_a_picture_and_a_sound_have_no_overlay(tmp_path):
    report = report_of(tmp_path / "a.png")
    report.clip.info = replace(report.clip.info, kind="image")
    assert not write_overlay(report, tmp_path / "o.mp4") and not (tmp_path / "o.mp4").exists()
    report.clip.info = replace(report.clip.info, kind="video", video_tracks=0)
    assert not write_overlay(report, tmp_path / "o.mp4")
