"""A run that is not to tell who it was: no name, no path, no picture, no words, and faces blurred; the numbers are the same."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.core.labels import EKMAN7
from affectlens.core.options import Options
from affectlens.core.schema import Evidence, Row
from affectlens.media.frames import Problems, frames
from affectlens.modalities.base import Finding, Picture
from affectlens.modalities.words.evidence import SpeakerDetail, WordDetail
from affectlens.pipeline import explain
from affectlens.pipeline.anonymous import anonymous_evidence, make_anonymous, without_words
from affectlens.pipeline.engine import Engine


@pytest.fixture(scope="module")
def both(short_clip, face_engine, tmp_path_factory):
    """The same recording with its name and without."""
    root = tmp_path_factory.mktemp("both")
    clip = root / "Anna Example at home.mp4"
    shutil.copy(short_clip, clip)
    named = explain(clip, root / "named", engine=face_engine)
    engine = Engine(replace(face_engine.options, anonymous=True))
    return named, explain(clip, root / "hidden", engine=engine), clip


def test_the_numbers_are_the_same(both):
    named, unnamed, _ = both
    for table in ("table", "evidence"):
        one, other = getattr(named, table), getattr(unnamed, table)
        pd.testing.assert_frame_equal(one.drop(columns="file"), other.drop(columns="file"))
    assert set(unnamed.table.file) == {unnamed.reports[0].parent.name}


def test_nothing_tells_whose_it_was(both):
    _, unnamed, clip = both
    folder = unnamed.reports[0].parent
    assert folder.name.startswith("recording-") and len(folder.name) == len("recording-") + 12
    for file in folder.rglob("*"):
        assert "Anna" not in file.name and file.suffix not in (".jpg", ".png")
        if file.is_file():
            content = file.read_bytes()
            assert b"Anna" not in content and str(clip.parent).encode() not in content, file.name
    facts = json.loads((folder / "provenance.json").read_text())
    assert facts["file"] == folder.name and not facts["sha256"] and "sha256" not in facts["job"]
    assert "data:image/jpeg" not in (folder / "report.html").read_text()
    assert "data:image/jpeg" in (both[0].reports[0]).read_text()  # which the named one has


def test_faces_are_blurred_in_the_overlay(both):
    named, unnamed, _ = both
    shown, hidden = ([frame.image for frame in frames(run.reports[0].parent / "overlay.mp4")] for run in (named, unnamed))
    seen = pd.read_parquet(named.reports[0].parent / "frames.parquet")
    height, width = shown[0].shape[:2]
    first = seen[(seen.time == seen.time.min())].iloc[0]
    left, top = int(first.left * width), int(first.top * height)
    box = np.s_[top + 4 : top + int(first.height * height) - 4, left + 4 : left + int(first.width * width) - 4]

    def detail(image):
        return np.abs(np.diff(image[box].astype(int), axis=1)).mean()

    assert len(shown) == len(hidden) and detail(hidden[0]) < 0.5 * detail(shown[0])


def test_it_is_taken_up_again(both, face_engine):
    _, unnamed, clip = both
    engine = Engine(replace(face_engine.options, anonymous=True))
    again = explain(clip, unnamed.out, engine=engine, resume=True)
    assert len(again.resumed) == 1 and set(again.table.file) == set(unnamed.table.file)


def finding():
    row = Row("recording-0", 0, 1, 0, "words", probabilities=tuple(np.eye(7)[3]), text="my secret", scheme=EKMAN7)
    common = ("recording-0", 0, 1, 0, "instance", "words", "happiness")
    word = Evidence("e1", *common, "word", "secret", 1.0, "logit", "m", detail=WordDetail(1, "", 0.0, 0.0))
    speaker = Evidence("e2", *common, "speaker", "", 0.0, "person id", "m", detail=SpeakerDetail("mouth"))
    return Finding(row, (word, speaker), pictures=(Picture("face", "the face", np.zeros((2, 2, 3), np.uint8)),))


@pytest.mark.parametrize("keep", [True, False])
def test_words_are_left_out_unless_they_are_kept(keep):
    options = Options(anonymous=True, keep_words=keep)
    (kept,), more = anonymous_evidence([finding()], finding().evidence, options)
    assert kept.pictures == () and bool(kept.evidence) == keep == bool(more) and without_words(options) != keep
    clip = SimpleNamespace(
        scene="a view", options=options, path=SimpleNamespace(name="Anna.mp4", __str__=lambda _: "x"), file="recording-0",
        problems=Problems(["Anna.mp4: some sound could not be decoded"]),
    )  # fmt: skip
    report = SimpleNamespace(clip=clip, gallery=None, findings=[finding()])
    make_anonymous(report)
    assert clip.scene is None and clip.problems.notes == ["recording-0: some sound could not be decoded"]
    assert report.findings[0].row.text == ("my secret" if keep else "")
