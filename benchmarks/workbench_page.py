"""The page of `affectlens view` in Chromium: an hour with three people, and boxes on a clip with uneven times of frames."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

STEPS = 60  # moves of the play head, and of the zoom
MOST_SCRIPT = 50.0  # milliseconds a step
MOST_FIRST = 2.0  # seconds until the time line stands
MOST_BYTES = 500_000
UNEVEN = (0.03, 0.05, 0.13, 0.04, 0.09)  # seconds between frames, in turn


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Script time a step, first view, weight, and how far a box is from the frame that is shown."""
    from playwright.sync_api import sync_playwright
    from tests.view.browser.conftest import CHROMIUM, QUIET, TOKEN, serve, stopped
    from tests.view.made import run_folder

    import affectlens.workbench

    static = Path(affectlens.workbench.__file__).parent / "static"
    weight = sum(len(gzip.compress(file.read_bytes())) for file in static.rglob("*") if file.is_file())
    yield "bundle, gzipped", f"{weight / 1000:.0f} kB", "under 500 kB", weight < MOST_BYTES
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        run_folder(Path(folder), name="hour.mp4", seconds=3600, people=3)
        times = _uneven_clip(Path(folder) / "uneven.mp4")
        run_folder(Path(folder), name="uneven.mp4", seconds=4, people=1)
        served = serve(Path(folder), Path())
        browser = play.chromium.launch(executable_path=CHROMIUM or shutil.which("chromium"), args=QUIET)
        try:
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(f"{served.address}?token={TOKEN}")
            page.locator("ul.cards a").first.wait_for()
            ids = served.ids(page)
            page.goto("about:blank")
            began = time.perf_counter()
            page.goto(f"{served.address}#/run/{ids['hour.mp4']}")
            page.locator(".area canvas").wait_for()
            first = time.perf_counter() - began
            yield "an hour with three people: first view", f"{first:.2f} s", "under 2 s", first < MOST_FIRST
            yield from _steps(page)
            page.goto(f"{served.address}#/run/{ids['uneven.mp4']}")
            late = _late(page, times)
            yield (
                "uneven frames: time of the drawing against that of the shown frame",
                f"{late:.3f} frames",
                "within one",
                late <= 1,
            )
        finally:
            browser.close()
            stopped(served)


def _steps(page: Any) -> Iterator[tuple[str, str, str, bool | None]]:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def script() -> float:
        metrics = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
        return 1000 * float(metrics["ScriptDuration"])

    page.wait_for_timeout(1500)
    ruler, area = page.locator(".ruler").bounding_box(), page.locator(".area").bounding_box()
    across = np.linspace(ruler["x"] + 5, ruler["x"] + ruler["width"] - 5, STEPS)

    def scrub(step: int) -> None:
        page.mouse.move(across[step], ruler["y"] + 8)
        if step == 0:
            page.mouse.down()

    def key(step: int) -> None:
        page.keyboard.press("ArrowRight")

    def zoom(step: int) -> None:
        page.mouse.wheel(0, -120 if step < STEPS // 2 else 120)

    def measured(act: Callable[[int], None]) -> np.ndarray:
        spent = []
        for step in range(STEPS):
            before = script()
            act(step)
            page.wait_for_timeout(50)
            spent.append(script() - before)
        return np.array(spent)

    for what, act in (("dragging the play head", scrub), ("stepping by segments", key), ("zooming", zoom)):
        if act is key:
            page.mouse.up()
            page.locator(".area").focus()
        if act is zoom:
            page.mouse.move(area["x"] + area["width"] / 2, area["y"] + 60)
        spent = measured(act)
        typical, most = float(np.median(spent)), float(np.quantile(spent, 0.95))
        yield (
            f"script time a step, {what}",
            f"median {typical:.1f} ms, 95 of 100 under {most:.1f} ms",
            f"median under {MOST_SCRIPT:.0f} ms",
            typical < MOST_SCRIPT,
        )


def _uneven_clip(path: Path) -> np.ndarray:
    """Write a clip whose frames come at uneven times; gives the times in seconds."""
    import av

    from affectlens.media.container import open_file

    times, now = [], 0.0
    while now < 4.0:
        times.append(now)
        now += UNEVEN[len(times) % len(UNEVEN)]
    with open_file(path, "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number, moment in enumerate(times):
            picture = np.full((96, 128, 3), 30 + 5 * (number % 40), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(1000 * moment), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return np.array(times)


def _late(page: Any, times: np.ndarray) -> float:
    """The largest distance, in frames, between the time that is drawn and the true time of the frame on the screen."""
    page.locator("video").wait_for()
    page.wait_for_timeout(800)
    page.evaluate(
        """() => {
            window.shown = [];
            const video = document.querySelector("video");
            const note = (_, frame) => {
                const drawn = Number(document.querySelector(".stage canvas").dataset.time);
                window.shown.push([frame.mediaTime, drawn]);
                video.requestVideoFrameCallback(note);
            };
            video.requestVideoFrameCallback(note);
        }"""
    )
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(3500)
    shown = np.array(page.evaluate("window.shown")[1:])
    frame = [int(np.argmin(np.abs(times - moment))) for moment in shown[:, 0]]
    drawn = [int(np.argmin(np.abs(times - moment))) for moment in shown[:, 1]]
    return float(np.max(np.abs(np.array(frame) - np.array(drawn))))
