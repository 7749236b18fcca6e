"""Recordings are explained from the page, and computed again with something changed; a page is saved."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("face_engine")  # skips where the weights are not here
PATIENCE = 240_000  # milliseconds: models are loaded in a process of their own


def test_a_dropped_file_is_explained_and_computed_again_without_a_modality(own, opened, short_clip):
    page = opened(own)
    page.get_by_label("Recordings to explain").set_input_files(short_clip)
    page.get_by_role("heading", name="Explain short.mp4").wait_for()
    for name in ("words", "voice", "scene"):
        page.get_by_role("dialog").get_by_label(name, exact=True).uncheck()
    page.get_by_role("dialog").get_by_label("posture", exact=True).check()
    page.get_by_role("button", name="Explain", exact=True).click()
    job = page.locator("[data-job]", has_text="short.mp4")
    job.wait_for()
    page.locator("[data-job][data-state=done]", has_text="short.mp4").wait_for(timeout=PATIENCE)
    job.get_by_role("link", name="Open").click()
    page.get_by_role("heading", name="short.mp4").wait_for()
    assert "2 people found" in page.locator(".facts").inner_text()

    page.get_by_role("tab", name="What if").click()
    again = page.get_by_role("button", name="Compute again")
    assert again.is_disabled()  # nothing is changed yet
    page.locator("#panel").get_by_label("posture", exact=True).uncheck()
    again.click()
    page.locator("#panel [data-job][data-state=done]").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Save as a run").click()
    page.locator("#panel").get_by_text("saved", exact=True).wait_for()
    page.get_by_role("link", name="Side by side").click()
    page.get_by_role("heading", name="What was set differently").wait_for()
    assert "posture" in page.locator("tr", has_text="modalities").inner_text()
    page.goto(f"{own.address}#/library")
    page.get_by_text("what if", exact=True).wait_for()


def test_a_file_that_is_no_recording_is_refused_before_it_is_sent(own, opened, tmp_path):
    (tmp_path / "notes.xyz").write_text("no recording")
    page = opened(own)
    page.get_by_label("Recordings to explain").set_input_files(tmp_path / "notes.xyz")
    page.get_by_text("not a kind of file that can be read").wait_for()
    assert page.get_by_role("button", name="Explain", exact=True).is_disabled()


@pytest.mark.parametrize("anonymous", [False, True])
def test_a_saved_page_works_without_a_server(own, opened, browser, tmp_path, anonymous):
    page = opened(own)
    page.get_by_role("link", name="talk.mp4").click()
    page.get_by_role("button", name="Share").click()
    if anonymous:
        page.get_by_label(re.compile("^de-identified")).check()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save the page").click()
    saved = Path(tmp_path / "saved.html")
    waiting.value.save_as(saved)
    trouble = []
    alone = browser.new_context(offline=True).new_page()
    alone.on("pageerror", lambda error: trouble.append(str(error)))
    alone.on(
        "request",
        lambda request: trouble.append(request.url) if not request.url.startswith(("file:", "data:", "blob:")) else None,
    )
    alone.goto(saved.as_uri())
    alone.get_by_role("slider", name=re.compile("^Time")).wait_for()
    alone.locator("#panel").get_by_text(re.compile("expresses")).first.wait_for()
    alone.locator(".story a[href*='&t=']").last.click()
    alone.locator("section.found, .marked").first.wait_for()
    assert trouble == [] and alone.get_by_role("link", name="Library").count() == 0
    if anonymous:
        alone.get_by_text("This page is de-identified.").wait_for()
        assert str(own.folder) not in saved.read_text(encoding="utf-8")
    alone.context.close()
