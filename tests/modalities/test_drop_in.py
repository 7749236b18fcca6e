"""A modality that comes as one file, from another package: in the options, the table, the fused answer, the story, the page."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from affectlens.core.kinds import EVIDENCE
from affectlens.core.labels import IEMOCAP6
from affectlens.core.options import Options
from affectlens.modalities.base import MODALITIES, modality_names
from affectlens.modalities.section import SECTIONS
from affectlens.pipeline import Engine, explain, recognize
from tests.conftest import write_video

FILE = '''
"""A modality of another package."""

from dataclasses import dataclass

import numpy as np

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.labels import IEMOCAP6
from affectlens.core.schema import SCENE, Row
from affectlens.modalities.base import Finding, Modality, register_modality
from affectlens.modalities.telling import sentence, way


@dataclass(frozen=True)
class HumDetail(Detail):
    notes: int


@evidence_kind("hum", HumDetail, unit="Hz", section="hum")
def hum_clause(e):
    return f"a hum of {e.value:.0f} Hz in {e.detail_as(HumDetail).notes} notes speaks {way(e)} {e.target}"


@register_modality
class Hum(Modality):
    """Hums along."""

    name = "hum"
    needs_audio = True

    def listen(self, clip, blocks, progress):
        self.heard_samples = sum(len(b.samples) for b in blocks)

    def finish(self, clip, findings):
        p = tuple(0.5 if c == "excitement" else 0.1 for c in IEMOCAP6.labels)
        row = Row(clip.file, 0.0, 2.0, SCENE, self.name, probabilities=p, quality=1.0, conformal=("excitement",), scheme=IEMOCAP6)
        e = clip.evidence(row, "hum", 440.0, subject="low", method="listened", detail=HumDetail(3))
        return [Finding(row, (e,), weight=0.5)], []
'''
SECTION = """

from affectlens.modalities.section import SECTIONS, Section


def page(material):
    return f"<section><h2>The hum</h2><p>{len(material.of('hum'))} of them</p></section>"


SECTIONS.add("hum", Section("hum", lambda rows: sentence(rows[:1]), page, told=1, shown=1))
"""


@pytest.fixture(params=["plain", "own section"])
def hum(request, tmp_path, monkeypatch):
    for registry in (MODALITIES, EVIDENCE, SECTIONS):
        registry.names()  # what ships comes first
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    (tmp_path / "other_package.py").write_text(FILE + (SECTION if request.param == "own section" else ""))
    monkeypatch.syspath_prepend(tmp_path)
    import other_package  # noqa: F401

    yield request.param
    sys.modules.pop("other_package")


def test_it_appears_everywhere(hum, tmp_path):
    assert "hum" in modality_names()
    sound = write_video(tmp_path / "hum.wav", [], audio=0.2 * np.sin(np.arange(32000) * 0.2))
    engine = Engine(Options(modalities=("hum",), fusion="pool", threads=1, device="cpu"))
    run = explain(sound, tmp_path / "out", engine=engine)
    assert run.failures == {}
    table = run.table.set_index("modality")
    assert table.label["hum"] == "excitement" and table.scheme["hum"] == IEMOCAP6.name
    assert table.label["fused"] == "happiness" and table.weight["hum"] == 1
    kinds = dict(zip(run.evidence.kind, run.evidence.detail, strict=True))
    assert kinds["hum"] == '{"notes": 3}' and "no counterpart" in kinds
    page = run.results[0].report.read_text()
    assert "hum of 440 Hz in 3 notes speaks for excitement" in page  # the story
    assert "frustration is none of the seven" in page  # the note
    if hum == "plain":
        assert 'id="hum-h">Hum</h2>' in page and "Hums along." in page and "perhaps expresses excitement" in page
    else:
        assert "<h2>The hum</h2><p>1 of them</p>" in page and "Hums along." not in page
    assert recognize(sound, engine=engine).table.equals(run.table)
