"""The page as a person gets it: self-contained, without errors, in a real browser."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import av
import pytest
from PIL import Image

from affectlens.pipeline import Result, explain, folder_name

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def report(engine, clip, tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    explain(clip, out, engine=engine)
    return out / folder_name(clip)


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.sources, self.ids, self.anchors, self.images = [], set(), [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a" and given.get("href", "").startswith("#"):
            self.anchors.append(given["href"][1:])
        elif "href" in given or "src" in given:
            self.sources.append(given.get("src") or given["href"])
        if tag == "img":
            self.images.append(given)


def test_the_page_is_self_contained_and_its_links_lead_somewhere(report):
    text = (report / "report.html").read_text()
    page = Links()
    page.feed(text)
    assert set(page.anchors) <= page.ids and len(page.anchors) > 10
    assert all(source.startswith("data:") or source == "overlay.mp4" for source in page.sources)
    assert not re.search(r"url\((?!#|data:)", text) and "@import" not in text
    assert all(i["alt"] for i in page.images) and len(page.images) >= 6
    for said in ("expressed", "Limits and intended use", "Provenance", "MIT", "Apache-2.0", "sha256"):
        assert said in text


def test_the_story_is_in_the_evidence_table(report):
    import pandas as pd

    ids = set(pd.read_parquet(report / "evidence.parquet").id)
    cited = set(re.findall(r'<a href="#(e\d{5})"', (report / "report.html").read_text()))
    assert cited and cited <= ids


def test_overlay_and_figures_can_be_opened(report):
    with av.open(str(report / "overlay.mp4")) as video:
        frames = list(video.decode(video=0))
        assert 90 < len(frames) < 130 and frames[-1].time == pytest.approx(8.5, abs=0.4)
    names = {path.name for path in (report / "figures").iterdir()}
    assert {"timeline-person-0.svg", "modality-shares.svg"} <= names and not any(name.endswith(".png") for name in names)
    written = Result.load(report).pictures()  # on request
    assert {path.name for path in written} == {f"{name[:-4]}.png" for name in names if name.endswith(".svg")}
    for path in written:
        picture = Image.open(path).convert("RGBA")
        assert min(picture.size) > 100 and picture.getpixel((1, 1)) == (255, 255, 255, 255)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian: apt-get install chromium)")
@pytest.mark.parametrize(("width", "dark"), [(1100, False), (390, True)])
def test_in_a_browser_without_errors_or_requests(report, tmp_path, width, dark):
    """Chromium's own log of network and console. The page may load itself and nothing else; the browser's own calls home
    (dictionaries, updates of its vendor) are not the page's."""
    log = tmp_path / "net.json"
    picture = tmp_path / "page.png"
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr", "--v=0",
        f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},2400", f"--screenshot={picture}",
        f"--log-net-log={log}", "--disable-background-networking", "--disable-component-update", "--no-first-run",
        *(["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else []),
        (report / "report.html").as_uri() + "#e00001",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert picture.exists(), done.stderr[-2000:]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert console == []
    asked = set(re.findall(r'"url":"([a-z]+://[^"]*)"', log.read_text()))
    from_page = {address for address in asked if address.startswith("file://")}
    assert all(address.split("#")[0].endswith("report.html") for address in from_page)
    outside = {
        address
        for address in asked
        if address.startswith(("http", "ws")) and not re.search(r"//[^/]*(google|gstatic|gvt1|chromium)", address)
    }
    assert outside == set()
    image = Image.open(picture).convert("L")
    assert image.width == width
    corner = image.getpixel((3, image.height // 2))
    assert corner < 60 if dark else corner > 200
