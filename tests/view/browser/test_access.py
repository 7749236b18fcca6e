"""For everybody: axe-core finds no serious fault in any view, light, dark and on a phone."""

from pathlib import Path

import pytest

AXE = Path(__file__).parents[3] / "workbench" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ("#/library", "#/queue", "#/run/{run}", "#/run/{run}?panel=notes", "#/run/{run}?panel=whatif", "#/audit/{objects}", "#/audit/{features}")  # fmt: skip
SERIOUS = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations.filter(one => ["serious", "critical"].includes(one.impact))
        .map(one => one.id + ": " + one.nodes.map(node => node.html).slice(0, 3).join(" | "));
}"""


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not here (cd workbench && npm ci)")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 1360), ("light", 390)])
def test_no_serious_fault(served, opened, scheme, width):
    page = opened(served, color_scheme=scheme, viewport={"width": width, "height": 844}, bypass_csp=True)
    ids = served.ids(page)
    faults = []
    for view in VIEWS:
        page.goto("about:blank")
        page.goto(served.address + view.format(run=ids["talk.mp4"], **{kind: ids[kind] for kind in ("objects", "features")}))
        page.wait_for_load_state("networkidle")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        faults += [f"{view} {fault}" for fault in page.evaluate(SERIOUS)]
    assert faults == []


@pytest.mark.parametrize("width", [390, 760, 1360])
def test_no_view_is_wider_than_the_screen(served, opened, width):
    page = opened(served, viewport={"width": width, "height": 844})
    ids = served.ids(page)
    for view in ("#/library", f"#/run/{ids['talk.mp4']}", f"#/audit/{ids['objects']}"):
        page.goto(served.address + view)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view


def test_dark_is_dark_and_the_choice_is_kept(served, opened):
    page = opened(served, color_scheme="dark")
    page.get_by_role("button", name="Light colours").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.reload()
    page.get_by_role("button", name="Dark colours").wait_for()
