"""Human work: names, merges, labels of two raters, undo; kept beside the run, and never in it."""

import json
import re

import pytest

from affectlens.core.disk.files import sha256_of


def _notes(opened, own, author="eva", allowed=""):
    page = opened(own, allowed=allowed)
    page.get_by_role("link", name="talk.mp4").click()
    page.get_by_role("tab", name="Notes and labels").click()
    name = page.get_by_label("Your name, for what you do here")
    name.fill(author)
    name.press("Enter")
    return page


def test_rename_merge_undo_and_redo(own, opened):
    run = next(path for path in (own.folder).iterdir() if path.is_dir())
    before = {path.name: sha256_of(path, fresh=True) for path in run.iterdir() if path.suffix in (".parquet", ".csv")}
    page = _notes(opened, own)
    page.get_by_role("button", name="Rename Person 0").click()
    page.get_by_label("Name of person 0").fill("Anna")
    page.get_by_role("button", name="Keep").click()
    page.locator(".gutter", has_text="Anna").wait_for()
    page.get_by_label("Person 1 is the same person as").select_option(label="Anna")
    page.locator(".gutter", has_text="Person 1").wait_for(state="hidden")
    assert "one person found" in page.locator(".facts").inner_text()
    page.get_by_role("button", name="Undo").click()
    page.locator(".gutter", has_text="Person 1").wait_for()
    page.keyboard.press("Control+Shift+z")
    page.locator(".gutter", has_text="Person 1").wait_for(state="hidden")
    kept = json.loads((run / "edits.json").read_text())
    assert [entry["action"] for entry in kept["entries"]] == ["rename", "merge", "undo", "redo"]
    assert {entry["author"] for entry in kept["entries"]} == {"eva"}
    after = {path.name: sha256_of(path, fresh=True) for path in run.iterdir() if path.name in before}
    assert after == before


def test_two_raters_at_once_label_and_agree(own, opened):
    first, second = _notes(opened, own, "eva"), _notes(opened, own, "max")
    for page, labels in ((first, ("anger", "neutral", "anger")), (second, ("anger", "neutral", "fear"))):
        for label in labels:
            chosen = page.locator(".labels").get_by_role("button", name=re.compile(label))
            where = page.locator("section[aria-labelledby=label-title] p").inner_text()
            chosen.click()
            page.wait_for_function(
                "said => document.querySelector('section[aria-labelledby=label-title] p').innerText !== said", arg=where
            )
    first.reload()
    first.get_by_text("Agreement of raters").click()
    table = first.locator("tr", has_text="Krippendorff")
    table.wait_for()
    assert "eva, max; 3 labelled segments" in first.locator("tr", has_text="Raters").inner_text()
    assert re.search(r"\d\.\d\d", first.locator("tr", has_text="kappa, eva and max").inner_text())
    assert first.locator(".gutter", has_text="by max").count() == 1


def test_markers_notes_and_what_is_left_out(own, opened):
    page = _notes(opened, own)
    box = page.locator(".area").bounding_box()
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60, steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.get_by_label("Why it is left out").fill("somebody walks through")
    page.get_by_role("button", name="Leave out").click()
    page.get_by_text("What was done (1)").wait_for()
    page.get_by_label("Text of the note or marker").fill("laughs")
    page.get_by_role("button", name="Marker").click()
    page.get_by_text("What was done (2)").wait_for()
    page.locator(".gutter", has_text="Markers, notes").wait_for()
    run = next(path for path in own.folder.iterdir() if path.is_dir())
    entries = json.loads((run / "edits.json").read_text())["entries"]
    assert entries[0]["values"]["start"] == pytest.approx(1.2, abs=0.1) and entries[0]["values"]["end"] == pytest.approx(
        3.0, abs=0.1
    )
    page.get_by_text("What was done (2)").click()
    page.get_by_role("button", name=re.compile("Take away: .*laughs")).click()
    page.locator(".gutter", has_text="Markers, notes").wait_for(state="hidden")


def test_somebody_elses_change_is_said_and_nothing_is_lost(own, opened):
    first, second = _notes(opened, own, "eva"), _notes(opened, own, "max", allowed="409")
    for page, name in ((first, "Anna"), (second, "Bea")):
        page.get_by_role("button", name="Rename Person 0").click()
        page.get_by_label("Name of person 0").fill(name)
    first.get_by_role("button", name="Keep").click()
    first.locator(".gutter", has_text="Anna").wait_for()
    second.get_by_role("button", name="Keep").click()
    second.get_by_text("Somebody else changed this recording").wait_for()
    second.locator(".gutter", has_text="Anna").wait_for()
