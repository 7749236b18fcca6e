"""The page from findings made by hand: who is shown, which views, how many rows, what could not be read."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from affectlens.context.summary import summarise
from affectlens.core.kinds import EVIDENCE, EvidenceKind
from affectlens.core.schema import SCENE, Row
from affectlens.fusion.evidence import ShareDetail
from affectlens.fusion.segments import fuse_findings, summary_evidence
from affectlens.modalities.base import MODALITIES, Finding, Modality, Picture, register_modality
from affectlens.modalities.face.evidence import MovementDetail
from affectlens.report.bundle import Gallery, Report
from affectlens.report.write import _thinned as thinned
from affectlens.report.write import plain_page, render, write_report
from tests.fusion.clips import clip_of, finding
from tests.report.test_sections import material, text_of

FACTS = {
    "kind": "video", "duration": 10.0, "size": [64, 48], "made": "now", "seconds": {"total": 1.0}, "versions": {}, "models": [],
    "third_party": [], "job": {"options": {}}, "problems": ["two frames could not be read"],
}  # fmt: skip


def reported(*findings, gallery=None):
    """A report of findings, fused and summed up as in a run."""
    clip = clip_of()
    weighted, fused = fuse_findings(clip, list(findings))
    summaries, more = summary_evidence(clip, [finding.row for finding in fused])
    report = Report(clip, gallery or Gallery(), [*weighted, *fused], summaries)
    report.add([*weighted, *fused], more)
    return report


def test_eight_people_are_shown_and_the_others_counted():
    people = [finding("face", 0, 1, person, fear=0.6) for person in range(10)]
    text = text_of(render(reported(*people), FACTS))
    assert "10 people or voices found; 0 segments in which modalities disagree" in text
    assert "2 more people are in table.parquet; the page shows the 8 seen longest." in text
    headings = re.findall(r'<h2 id="p(\d+)-h">', render(reported(*people), FACTS))
    assert headings == [str(i) for i in range(1, 9)]
    eight = text_of(render(reported(*people[:8]), FACTS))
    assert "more people" not in eight and "8 people or voices" in eight
    assert "1 person or voice found" in text_of(render(reported(people[0]), FACTS))


def test_a_row_for_nobody_is_no_person_unless_it_can_be_read():
    lack = Finding(Row("talk.mp4", 0, 10, SCENE, "words", "missing", "nobody speaks"))
    text = text_of(render(reported(lack), FACTS))
    assert "nobody found" in text and "Nothing could be read in this recording." in text
    voice = text_of(render(reported(finding("voice", 0, 1, SCENE, fear=0.6), finding("face", 0, 1, fear=0.6)), FACTS))
    assert "2 people or voices found" in voice and "The scene and voices out of view" in voice


def test_disagreement_is_counted():
    both = [finding("face", i, i + 1, fear=0.8) for i in range(3)]
    both += [finding("words", 0, 1, fear=0.9), finding("words", 1, 2, anger=0.8), finding("words", 2, 3, anger=0.8)]
    report = reported(*both)
    assert sum(finding.row.conflict for finding in report.findings) == 2
    assert "2 segments in which modalities disagree" in text_of(render(report, FACTS))


def test_what_could_not_be_read_is_said_the_commonest_first_and_at_most_a_dozen():
    few = [finding("face", i, i + 1, person) for person in range(2) for i in range(person * 2 + 1)]  # one and three windows
    few = [replace(finding, row=replace(finding.row, reason="dark" if finding.row.person else "small")) for finding in few]
    page = render(reported(*few, finding("voice", 0, 1, 5, fear=0.6)), FACTS)
    reasons = [text_of(x) for x in re.findall(r"<li>(<b>.*?)</li>", page)]
    assert set(reasons[:2]) == {"face , 3 segments not judged: dark", "fused , 3 segments not judged: face: dark"}
    assert "face , 1 segment not judged: small" in reasons and "two frames could not be read" in page
    many = [
        replace(finding, row=replace(finding.row, reason=f"reason {i}"))
        for i, finding in enumerate([finding("face", 0, 1)] * 20)
    ]
    assert len(re.findall(r"<li><b>", render(reported(*many), FACTS))) == 12


def test_a_strip_over_time_needs_two_segments(tmp_path):
    one = reported(finding("face", 0, 1, 4, fear=0.6))
    render(one, FACTS, tmp_path)
    assert not list(tmp_path.glob("timeline*"))
    render(reported(*[finding("face", i, i + 1, 4, fear=0.6) for i in range(2)]), FACTS, tmp_path)
    assert (tmp_path / "timeline-person-4.svg").exists()


@pytest.mark.parametrize(("number", "step"), [(1, 1), (240, 1), (241, 2), (480, 2), (481, 3)])
def test_long_recordings_show_every_so_manieth_segment(number, step):
    assert list(thinned(pd.DataFrame({"start": range(number)})).start) == list(range(0, number, step))
    assert len(thinned(pd.DataFrame({"start": range(number)}))) <= 240


def seen(start, rank, person=0, **shares):
    clip = clip_of()
    clip._ids = 700 + round(100 * rank)
    one = finding("face", start, start + 1, person, **shares)
    moved = clip.evidence(one.row, "movement", 2.5, subject="jaw open", method="m", detail=MovementDetail(0.4, 0.1))
    picture = Picture("crop", "the face", np.full((8, 8, 3), 90, np.uint8))
    return replace(one, evidence=(moved,), pictures=(picture,), rank=rank)


def test_the_clearest_views_with_their_pictures_and_three_classes(tmp_path):
    report = reported(seen(5, 0.9, fear=0.6, anger=0.3, neutral=0.05), seen(2, 0.8, anger=0.7), seen(1, 0.7, fear=0.65))
    page = render(report, FACTS, tmp_path)
    views = re.findall(r'<article class="view">(.*?)</article>', page, re.DOTALL)
    assert (
        len(views) == 2 and "2.0 to 3.0 s" in views[0] and "5.0 to 6.0 s" in views[1]
    )  # in order of time, the best of a class
    text = text_of(views[1])
    assert "the face perhaps expresses fear" in text and "fear 0.60 anger 0.30 neutral 0.05" in text and "disgust" not in text
    assert "Jaw open: +2.5 SD" in text
    assert {path.name for path in tmp_path.glob("*.jpg")} == {"crop-person-0-5s.jpg", "crop-person-0-2s.jpg"}


def test_tables_are_cut_and_say_where_the_rest_is():
    report = reported(*[finding("face", i, i + 1, fear=0.6) for i in range(405)])
    page = render(report, FACTS)
    assert "Fused rows (400 of 405 shown; all in table.parquet" in page
    summary = next(iter(report.evidence.values()))
    shares = [replace(summary, id=f"e{i:05d}", kind="share", level="instance", start=805.0 - i, end=806.0 - i, subject="face",
                      value=0.1 if i else 9.0, detail=ShareDetail(0.5, "uniform", "pool")) for i in range(805)]  # fmt: skip
    report.evidence = {row.id: row for row in shares}
    page = render(report, FACTS)
    listed = re.findall(r'<tr id="(e\d+)">', page)
    assert f"Evidence ({len(listed)} of 805 rows shown; all in evidence.parquet" in page and len(listed) == 801
    assert listed == sorted(listed, reverse=True)  # in order of time, with the last one, which the story states
    assert set(re.findall(r'href="#(e\d+)"', page)) == {"e00000"}


def test_why_rows_were_not_read_is_counted_where_it_is_cut():
    rows = [Finding(Row("talk.mp4", i, i + 1, 0, "face", "abstained", f"reason {i:02d}")) for i in range(15)]
    text = text_of(render(reported(*rows), FACTS))
    assert text.count("1 segment not judged: reason") == 12 and "and 18 more reasons" in text  # those of fused rows too


def test_a_modality_without_a_section_is_shown_with_what_its_rows_say(monkeypatch):
    monkeypatch.setitem(
        EVIDENCE._entries, "hands", EvidenceKind("hands", clause=lambda row: f"{row.subject} hands, {row.value:.0f}")
    )

    @register_modality
    class Hands(Modality):
        """What hands do.

        More that nobody reads.
        """

        name = "hands"

    try:
        clip = clip_of()
        hands = finding("hands", 0, 1, fear=0.6)
        own = clip.evidence(hands.row, "hands", 2, subject="raised", method="m")
        later = clip.evidence(hands.row, "hands", 3, subject="folded", method="m")
        other = clip.evidence(replace(hands.row, start=5.0), "hands", 4, subject="still", method="m")
        someone = clip.evidence(replace(hands.row, person=3), "hands", 5, subject="waving", method="m")
        hands = replace(hands, evidence=(own,))
        page = plain_page(material(hands, finding("face", 0, 1, anger=0.9), rows=[own, later, other, someone]), "hands")
        assert text_of(page).startswith("Hands What hands do. 0.0 to 1.0 s, person 0: the hands perhaps expresses fear (0.60)")
        assert re.findall(r"<li>(.*?)</li>", page) == ["Raised hands, 2.", "Folded hands, 3."]
        assert page.count("<article") == 1
        whole = render(reported(hands, finding("face", 0, 1, anger=0.9)), FACTS)
        assert whole.count('aria-labelledby="hands-h"') == 1 and 'aria-labelledby="fused-h"' not in whole
        # After the sections of the modalities that have one, before the weights.
        assert whole.index('id="voice-h"') < whole.index('id="hands-h"') < whole.index('id="mod-h"')
    finally:
        MODALITIES.remove("hands")


def test_sections_stand_in_their_places():
    page = render(reported(finding("words", 0, 1, text="so", fear=0.6)), FACTS)
    places = [page.index(f'id="{name}-h"') for name in ("story", "p1", "words", "voice", "mod", "rows", "limits", "prov")]
    assert places == sorted(places)


def test_a_folder_is_filled(tmp_path):
    report = reported(finding("words", 0, 1, text="so", fear=0.6))
    report.clip.info = replace(report.clip.info, kind="audio", video_tracks=0)
    write_report(report, tmp_path, FACTS)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"figures", "table.csv", "report.html", "provenance.json"} <= names and "overlay.mp4" not in names
    assert json.loads((tmp_path / "provenance.json").read_text())["made"] == "now"
    assert list(pd.read_csv(tmp_path / "table.csv").modality) == ["words", "fused"]
    assert summarise([finding.row for finding in report.findings])[0].label == "fear"
    write_report(report, tmp_path, FACTS)  # a second time over the first
