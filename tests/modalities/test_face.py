from types import SimpleNamespace

import numpy as np
import pytest

from affectlens.core.options import Options
from affectlens.modalities.face import modality
from affectlens.modalities.face.modality import FaceModality, _Seen
from affectlens.models.base import Calibration
from affectlens.models.shipped.face import FaceAnswers

CLIP = SimpleNamespace(file="a.mp4", explaining=False)


@pytest.fixture
def face(monkeypatch):
    """The module with answers that a test sets: surely happiness."""
    model = FaceModality(Options(("face",), threads=1)).model
    made = FaceModality.__new__(FaceModality)
    made.model = SimpleNamespace(labels=model.labels, calibration=Calibration(conformal=0.9))
    made.begin(CLIP)
    return made


def window(face, covered, typical, quality=(1.0,)):
    views = len(quality)
    logits = np.tile(np.where(np.array(face.model.labels) == "happiness", 3.0, 0.0), (views, 1))
    face.model.answers = lambda crops: FaceAnswers(
        np.ones((views, 4), np.float32), logits, np.array(covered), np.full(views, typical)
    )
    shapes = np.zeros(4)
    face._seen[0] = [_Seen(np.zeros((48, 48), np.uint8), one, "the face is blurred", shapes, None, None) for one in quality]
    face._frames = views
    (finding,) = face.window(CLIP, 0.0, 1.0)
    return finding.row


@pytest.mark.parametrize(("covered", "part"), [((0.02, 0.97), "the mouth is covered"), ((0.95, 0.1), "the brows and eyes are")])
def test_covered_faces_are_abstained_from(face, covered, part):
    row = window(face, [covered], 0.5)
    assert row.status == "abstained" and part in row.reason and row.quality == 0


def test_a_face_that_is_covered_for_a_while_is_read_from_the_other_frames(face):
    row = window(face, [(0.0, 0.99), (0.0, 0.01)], 0.5, (1.0, 0.8))
    assert row.status == "ok" and row.label == "happiness" and row.quality == pytest.approx(0.4)


def test_what_is_unlike_all_faces_is_abstained_from(face):
    row = window(face, [(0.0, 0.0)], 0.004)
    assert row.status == "abstained" and "unlike all faces" in row.reason and row.typical == 0.004
    assert window(face, [(0.0, 0.0)], 0.3).status == "ok"


def test_weights_that_cannot_tell_leave_faces_as_they_are(face):
    row = window(face, [(np.nan, np.nan)], np.nan)
    assert row.status == "ok" and row.quality == 1 and np.isnan(row.typical)


def test_poor_faces_keep_their_own_reason(face):
    row = window(face, [(0.0, 0.0)], 0.5, (0.05,))
    assert row.status == "abstained" and row.reason == "the face is blurred"
    assert modality.COVERED[0] < modality.COVERED[1]
