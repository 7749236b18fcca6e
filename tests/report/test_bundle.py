"""What a report keeps, and where its numbers come from."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata

import numpy as np
import pytest

from affectlens.assets.manifest import asset
from affectlens.core.disk.files import sha256_of
from affectlens.core.tables import SCHEMA_VERSION
from affectlens.modalities.base import Picture
from affectlens.modalities.face.evidence import MovementDetail
from affectlens.modalities.faithfulness import FaithfulnessDetail
from affectlens.modalities.words.evidence import SpeakerDetail
from affectlens.report.bundle import Gallery, Report, provenance
from tests.conftest import asset_path
from tests.fusion.clips import clip_of, finding


class Model:
    name = "tiny"
    meta = {"corpus": "a corpus", "licence": "CC0", "secret": "not shown"}  # noqa: RUF012

    def __init__(self, path):
        self.path = path


class Watcher:
    assets = ("yunet", "yunet")

    def __init__(self, *models):
        self.models = models


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"weights")
    return path


def test_provenance_names_versions_models_assets_and_problems(weights):
    clip = clip_of()
    clip.problems.add("two frames could not be read")
    report = Report(clip, Gallery(), seconds={"total": 1.23456})
    facts = provenance(report, [Watcher(Model(weights))], {"options": {"seed": 0}})
    assert facts["models"] == [{"name": "tiny", "sha256": sha256_of(weights), "corpus": "a corpus", "licence": "CC0"}]
    yunet, file = asset("yunet"), "face_detection_yunet_2023mar.onnx"
    digest = sha256_of(asset_path("yunet"))  # of what lies there, whatever the manifest says
    assert facts["third_party"] == [
        {"name": yunet.title, "licence": yunet.licence, "home": yunet.home, "sha256": digest, "files": {file: digest}}
    ]
    assert facts["versions"]["affectlens"] == metadata.version("affectlens") and "numpy" in facts["versions"]
    assert (facts["file"], facts["kind"], facts["duration"], facts["size"]) == ("talk.mp4", "video", 10.0, [64, 48])
    assert facts["schema_version"] == SCHEMA_VERSION
    assert facts["seconds"] == {"total": 1.235} and facts["job"] == {"options": {"seed": 0}}
    assert facts["problems"] == ["two frames could not be read"]


def test_of_windows_with_pictures_only_the_gallerys_evidence_and_tests_are_kept():
    clip = clip_of()
    report = Report(clip, Gallery())
    picture = Picture("face", "the face", np.zeros((2, 2, 3), np.uint8))
    made = []
    for i in range(3):
        one = finding("face", i, i + 1, fear=0.6)
        row = clip.evidence(one.row, "movement", 2.5, subject="jaw open", method="m", detail=MovementDetail(0.4, 0.1))
        made.append(replace(one, evidence=(row,), pictures=(picture,), rank=float(i)))
    report.add(made, [])
    report.findings = made
    assert report.evidence == {} and list(report.shown()) == [made[2].evidence[0].id]
    words = finding("words", 0, 1, anger=0.6)
    row = clip.evidence(words.row, "changes", 5, method="m")
    report.add([replace(words, evidence=(row,))], [])
    assert row.id in report.shown()


def test_of_single_segments_only_so_many_rows_are_kept(monkeypatch):
    monkeypatch.setattr("affectlens.report.bundle.MOST_INSTANCES", 3)
    clip = clip_of()
    words = finding("words", 0, 1, anger=0.6)
    speaks = [clip.evidence(words.row, "speaker", 0, method="m", detail=SpeakerDetail("x")) for _ in range(5)]
    whole = clip.evidence(words.row, "changes", 5, method="m")
    report = Report(clip, Gallery())
    report.add([replace(words, evidence=tuple(speaks))], [whole])
    assert list(report.shown()) == [row.id for row in (*speaks[:3], whole)]
    report.add([], [replace(speaks[4], id="e00000")])
    assert "e00000" not in report.shown()


def test_tests_of_windows_with_pictures_are_kept_and_rows_come_in_order():
    clip = clip_of()
    one = finding("face", 0, 1, fear=0.6)
    tested = clip.evidence(one.row, "faithfulness", -0.1, subject="deletion", method="m",
                           detail=FaithfulnessDetail("x", "blur", 0.4, 0.3, 19))  # fmt: skip
    moved = clip.evidence(one.row, "movement", 2.5, subject="jaw open", method="m", detail=MovementDetail(0.4, 0.1))
    report = Report(clip, Gallery())
    report.add([replace(one, evidence=(moved, tested), pictures=(Picture("face", "x", np.zeros((2, 2, 3), np.uint8)),))], [])
    assert list(report.evidence) == [tested.id]
    report.findings = [one]
    assert list(report.shown()) == sorted([tested.id, moved.id])
