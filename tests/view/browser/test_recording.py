"""A recording: played, sought by clauses and keys, zoomed, and shown with its evidence."""

import re

import pytest

from tests.view.browser.conftest import Served


def _open(opened, served: Served, name="talk.mp4", state="", **context):
    page = opened(served, **context)
    page.get_by_role("link", name=name).click()
    page.get_by_role("slider", name=re.compile("^Time")).wait_for()
    if state:
        page.goto(f"{page.url.split('?')[0]}?{state}")
    return page


def _time(page) -> float:
    return float(page.locator(".area").get_attribute("aria-valuenow"))


def test_the_first_screen_says_who_what_and_why(served, opened):
    page = _open(opened, served)
    head = page.locator(".who").inner_text()
    assert "Person 0" in head and "expressed" in head
    panel = page.locator("#panel")
    panel.get_by_text(re.compile("expresses")).first.wait_for()
    assert "Who spoke for it" in panel.inner_text()
    page.locator(".story a").nth(3).wait_for()  # more than three, once they are there
    assert page.locator("video").evaluate("element => element.videoWidth") == 128


def test_it_plays_and_the_time_line_follows(served, opened):
    page = _open(opened, served)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => Number(document.querySelector('.area').ariaValueNow) > 0.5")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_function("() => document.querySelector('video').paused")
    assert _time(page) == pytest.approx(page.locator("video").evaluate("element => element.currentTime"), abs=0.15)


def test_a_clause_seeks_and_marks_its_evidence(served, opened):
    page = _open(opened, served)
    clause = page.locator(".story a[href*='&t=']").last
    clause.click()
    wanted = float(re.search(r"[?&]t=([\d.]+)", page.url).group(1))
    page.wait_for_function(f"() => Math.abs(document.querySelector('video').currentTime - {wanted}) < 0.1")
    assert _time(page) == pytest.approx(wanted, abs=0.01)
    page.locator("section.found").wait_for()
    assert page.locator(".story a.marked").count() >= 1
    page.go_back()
    page.wait_for_function(
        f"() => Math.abs(Number(document.querySelector('.area').ariaValueNow) - {wanted}) > 0.2 || {wanted} < 0.3"
    )


def test_the_wheel_zooms_about_the_pointer_and_dragging_moves(served, opened):
    page = _open(opened, served)
    page.wait_for_timeout(300)
    box = page.locator(".area").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    for _ in range(4):
        page.mouse.wheel(0, -240)
    page.wait_for_function("() => location.hash.includes('from=')")
    state = dict(re.findall(r"[?&](from|to)=([\d.]+)", page.url))
    middle = (float(state["from"]) + float(state["to"])) / 2
    assert float(state["to"]) - float(state["from"]) < 3 and middle == pytest.approx(3, abs=0.1)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 200, box["y"] + 10, steps=4)
    page.mouse.up()
    page.wait_for_function(f"() => !location.hash.includes('from={state['from']}&')")
    assert float(re.search(r"from=([\d.]+)", page.url).group(1)) < float(state["from"])
    page.get_by_role("button", name="Fit the whole recording").click()
    page.wait_for_function("() => !location.hash.includes('from=')")


def test_the_address_brings_back_what_was_seen(served, opened):
    page = _open(opened, served, state="t=2.5&s=1:fused:2&hide=1&from=1&to=4&panel=why")
    page.wait_for_function("() => Math.abs(Number(document.querySelector('.area').ariaValueNow) - 2.5) < 0.01")
    assert page.get_by_label("Only what was shown to be faithful").is_checked()
    page.locator("#panel h3", has_text="Person 1").wait_for()
    assert page.get_by_role("button", name="Zoom out").is_enabled()


def test_one_click_hides_what_was_not_shown_to_be_faithful(served, opened):
    page = _open(opened, served, state="t=1.5&s=0:fused:1")
    face = page.get_by_role("heading", name=re.compile("^Face"))
    face.wait_for()
    page.keyboard.press("h")
    face.wait_for(state="hidden")
    page.get_by_role("heading", name=re.compile("^Words")).wait_for()  # its test was passed
    assert "hidden" in page.locator(".hide").inner_text()


def test_a_column_is_added_as_a_curve(served, opened):
    page = _open(opened, served)
    page.get_by_label("Add a curve").select_option("frames/jawOpen")
    page.locator(".gutter", has_text="jawOpen").wait_for()
    page.wait_for_function("() => location.hash.includes('curves=')")
    page.get_by_role("button", name="Take away the curve jawOpen").click()
    page.wait_for_function("() => !location.hash.includes('curves=')")


def test_everything_by_keys_alone(served, opened):
    page = opened(served)
    page.locator("ul.cards").get_by_role("link", name="talk.mp4").wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "talk.mp4":
            break
    page.keyboard.press("Enter")
    page.locator(".area").wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('area')"):
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => Number(document.querySelector('.area').ariaValueNow) === 2")
    before = page.locator(".name.active").inner_text()
    page.keyboard.press("ArrowDown")
    assert page.locator(".name.active").inner_text() != before
    page.keyboard.press("+")
    page.wait_for_function("() => location.hash.includes('from=')")
    page.keyboard.press("0")
    page.wait_for_function("() => !location.hash.includes('from=')")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "panel"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowRight")
    page.get_by_role("heading", name="Your label").wait_for()
    page.keyboard.press("?")
    page.get_by_role("heading", name="What this is, and its keys").wait_for()
    page.keyboard.press("Escape")
