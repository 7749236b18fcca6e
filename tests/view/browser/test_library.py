"""The library, the audits and two runs side by side."""

import re

import pytest


def test_search_filter_sort_and_open(served, opened):
    page = opened(served)
    page.get_by_text("7 results").wait_for()
    page.get_by_label("Search").fill("talk")
    page.get_by_text("1 result", exact=False).wait_for()
    page.wait_for_function("() => document.querySelectorAll('ul.cards > li').length === 1")
    assert "q=talk" in page.url
    page.get_by_label("Search").fill("")
    page.get_by_label("Kind").select_option("objects")
    page.wait_for_function("() => document.querySelectorAll('ul.cards > li').length === 1")
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Sort by").select_option("name")
    page.wait_for_function("() => document.querySelectorAll('ul.cards > li').length === 7")
    page.get_by_label("Search").fill("nothing has this name")
    page.get_by_text("Nothing fits all of these.").wait_for()
    page.get_by_role("button", name="Show everything").click()
    page.get_by_text("7 results").wait_for()


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("properties", "Does the output depend on the property?"),
        ("objects", "What the model looks at"),
        ("concepts", "Which concepts move the answer?"),
        ("latent", "Clips in the latent space"),
        ("features", "Which features carry the answer?"),
    ],
)
def test_each_audit_opens_and_leads_to_examples(served, opened, kind, title):
    page = opened(served)
    page.goto(f"{served.address}#/audit/{served.ids(page)[kind]}")
    page.get_by_role("heading", name=title).wait_for()
    page.get_by_text(re.compile(f"audit of {kind} found something")).wait_for()
    if kind == "latent":
        page.get_by_role("slider", name=re.compile("^Clips")).focus()
        page.keyboard.press("ArrowRight")
        page.locator("aside b", has_text="clip1.wav").wait_for()
    else:
        page.locator("section[aria-labelledby=chart-title] button[aria-label]").first.click()
        page.locator("aside b").wait_for()
    page.locator("aside").get_by_text(re.compile(r"\d+ examples?")).wait_for()
    assert page.get_by_role("region", name=re.compile("^Table ")).get_by_role("row").count() > 1


def test_two_runs_side_by_side(served, opened):
    page = opened(served)
    for name in ("talk.mp4", "other.mp4"):
        page.get_by_label(f"Compare {name}").check()
    page.get_by_role("button", name="Side by side").click()
    page.get_by_role("heading", name="What changed").wait_for()
    page.get_by_role("region", name="Both answers in time").wait_for()
    page.get_by_label("Time", exact=False).last.focus()
    page.keyboard.press("ArrowRight")


def test_a_run_that_is_half_written_is_said_and_stops_nothing(own, opened):
    broken = own.folder / "broken-0123456789ab"
    broken.mkdir()
    (broken / "provenance.json").write_text('{"schema_version": 2, "file"')
    page = opened(own, allowed="404")
    page.get_by_role("link", name="talk.mp4").wait_for()
    page.goto(f"{own.address}#/run/nothing-of-this-name")
    page.get_by_role("alert").wait_for()
    page.get_by_role("link", name="To the library").click()
    page.get_by_role("link", name="talk.mp4").wait_for()
