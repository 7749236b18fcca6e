"""Every registered modality keeps to its contract, and each check catches one that does not."""

from dataclasses import replace

import numpy as np
import pytest

from affectlens.checks import CheckError, check_modality
from affectlens.checks.modality import CHECKS
from affectlens.checks.recordings import lead, make_recordings
from affectlens.core.kinds import EVIDENCE, evidence_kind
from affectlens.core.options import Options
from affectlens.core.schema import SCENE, Row
from affectlens.modalities.base import MODALITIES, Finding, Modality, modality_names
from tests.conftest import asset_path

NEEDS_WEIGHTS = {"background"}  # none are shipped


@pytest.mark.parametrize("name", [name for name in modality_names() if name not in NEEDS_WEIGHTS])
def test_every_registered_modality(name, request):
    for asset in MODALITIES.get(name).assets:
        asset_path(asset)
    check_modality(name, options=Options(modalities=(name,), threads=1, device="cpu"))


def test_the_face_with_people_in_view(clip, tmp_path):
    from affectlens.assets.store import locate
    from affectlens.media.frames import frames
    from affectlens.perception.face.detector import FaceDetector
    from affectlens.perception.face.landmarks import FaceLandmarker
    from affectlens.perception.people.finder import PeopleFinder
    from tests.conftest import write_video

    for asset in MODALITIES.get("face").assets:
        asset_path(asset)
    detector, landmarker = FaceDetector(locate("yunet")), FaceLandmarker(locate("face-landmarker"), 1)
    pictures = [frame.image for frame in frames(clip, 5.0) if 2 <= frame.time < 3.4]
    film = write_video(tmp_path / "people.mp4", pictures, rate=5)
    options = Options(modalities=("face",), threads=1, device="cpu", faithfulness=0)
    check_modality("face", {"people": film}, options=options, finder=lambda: PeopleFinder(detector, landmarker))


class Sound(Modality):
    """How bright the picture and how loud the sound is, as probabilities of two classes."""

    name = "level"
    needs_audio = True

    def begin(self, clip):
        self._seen, self._loud = [], 0.0

    def listen(self, clip, blocks, progress):
        self._loud = float(np.mean([np.abs(block.samples).mean() for block in blocks]))

    def heard(self):
        return {"loud": self._loud}

    def restore(self, state):
        self._loud = state["loud"]
        return True

    def watch(self, clip, frame, people):
        self._seen.append(frame.image.mean() / 255)

    def window(self, clip, start, end):
        seen, self._seen = self._seen, []
        return [self.found(clip, start, end, float(np.mean(seen)))] if seen else []

    def finish(self, clip, findings):
        if clip.info.audio_tracks:
            return [self.found(clip, 0.0, clip.info.duration, min(1.0, self._loud))], []
        return [], []

    def found(self, clip, start, end, level):
        probability = (1 - level, 0, 0, level, 0, 0, 0)
        row = Row(clip.file, start, end, SCENE, self.name, probabilities=probability)
        return Finding(row, tuple(self.explained(clip, row)) if clip.explaining else (), weight=0.5)

    def explained(self, clip, row):
        return []


def test_a_modality_that_keeps_to_it_passes():
    check_modality(Sound)


class Unnamed(Sound):
    name = "a name"


class NeedsWhatIsNotThere(Sound):
    assets = ("no-such-asset",)


class NeedsSound(Sound):
    def finish(self, clip, findings):
        return [self.found(clip, 0.0, clip.info.duration, self._loud / (self._loud > 0))], []


class NeedsFrames(Sound):
    def begin(self, clip):
        super().begin(clip)
        self._count = 0

    def watch(self, clip, frame, people):
        super().watch(clip, frame, people)
        self._count += 1

    def finish(self, clip, findings):
        _ = 1 / self._count if clip.info.video_tracks else 0
        return super().finish(clip, findings)


class OfOthers(Sound):
    def found(self, clip, start, end, level):
        finding = super().found(clip, start, end, level)
        return replace(finding, row=replace(finding.row, modality="face"))


class Unweighted(Sound):
    def found(self, clip, start, end, level):
        return replace(super().found(clip, start, end, level), weight=float("nan"))


class Remembers(Sound):
    recordings = 0

    def begin(self, clip):
        super().begin(clip)
        self.recordings += 1

    def found(self, clip, start, end, level):
        return super().found(clip, start, end, level / self.recordings)


class Draws(Sound):
    def watch(self, clip, frame, people):
        self._seen.append(np.random.random())  # noqa: NPY002


class Timid(Sound):
    def found(self, clip, start, end, level):
        return super().found(clip, start, end, level if clip.explaining else 0.5)


class HardOfHearing(Sound):
    def restore(self, state):
        self._loud = 0.9
        return True


BROKEN = {
    Unnamed: ("described", "name 'a name'"),
    NeedsWhatIsNotThere: ("described", "no-such-asset"),
    NeedsSound: ("recordings", "ZeroDivisionError was raised"),
    NeedsFrames: ("nothing", "ZeroDivisionError was raised"),
    OfOthers: ("rows", "level was expected"),
    Unweighted: ("rows", "the weight nan"),
    Remembers: ("forgetting", "begin has to forget"),
    Draws: ("forgetting", "NumPy's global random numbers are moved"),
    Timid: ("explaining", "when nothing is explained"),
    HardOfHearing: ("hearing", "when what was heard is restored"),
}


@pytest.mark.parametrize("modality", BROKEN)
def test_each_check_catches_a_modality_that_does_not(modality):
    check, text = BROKEN[modality]
    with pytest.raises(CheckError) as caught:
        check_modality(modality)
    assert any(text in problem for problem in caught.value.problems[check]), str(caught.value)


@pytest.fixture
def kind():
    """A kind of evidence whose clause is empty where the value is."""

    @evidence_kind("brightness", unit="share")
    def brightness(row):
        return f"brightness {row.value:.1f}" if row.value else ""

    yield "brightness"
    EVIDENCE.remove("brightness")


def test_evidence_speaks_of_rows_in_words(kind):
    class Explained(Sound):
        def explained(self, clip, row):
            return [clip.evidence(row, kind, 1.0, method="mean")]

    class Elsewhere(Sound):
        def explained(self, clip, row):
            return [clip.evidence(replace(row, start=row.start + 9, end=row.end + 9), kind, 1.0, method="mean")]

    class OneId(Sound):
        def explained(self, clip, row):
            clip._ids = 0
            return [clip.evidence(row, kind, 1.0, method="mean")]

    class Speechless(Sound):
        def explained(self, clip, row):
            return [clip.evidence(row, kind, 0.0, method="mean")]

    check_modality(Explained)
    for modality, check, text in (
        (Elsewhere, "evidence", "there is no such row"), (OneId, "evidence", "two pieces of evidence have the id e00001"),
        (Speechless, "telling", "(brightness) has no text"),
    ):  # fmt: skip
        with pytest.raises(CheckError) as caught:
            check_modality(modality)
        assert any(text in problem for problem in caught.value.problems[check]), str(caught.value)


def test_every_check_has_a_broken_modality():
    assert {check for check, _ in BROKEN.values()} | {"evidence", "telling"} == set(CHECKS)


def test_recordings_are_what_they_are_called(tmp_path):
    made = make_recordings(tmp_path)
    seen = {name: lead(Sound(Options()), path) for name, path in made.items()}
    kinds = {name: (outcome.clip.info.video_tracks > 0, outcome.clip.info.audio_tracks > 0) for name, outcome in seen.items()}
    assert kinds == {
        "a picture": (True, False), "a silent film": (True, False), "a film with sound": (True, True),
        "a sound": (False, True), "silence": (False, True),
    }  # fmt: skip
    assert [finding.row.start for finding in seen["a silent film"].findings] == [0.0, 1.0]
    assert seen["a sound"].heard["loud"] > 0.01 and seen["silence"].heard["loud"] == 0
