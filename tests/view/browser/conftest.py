"""The workbench in a real browser: a server in a process of its own, on generated runs and audits, and Chromium."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("playwright", reason="Playwright for Python is not here (it is in the extra dev)")

from playwright.sync_api import Browser, Page, sync_playwright

from tests.view.browser.audits import save_audits
from tests.view.made import run_folder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TOKEN = "token-of-the-browser-tests"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder opens a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium here (Debian: apt-get install chromium)"))


@dataclass
class Served:
    """A server that runs: where it is, and where its runs lie."""

    address: str
    folder: Path
    process: subprocess.Popen[str]

    def ids(self, page: Page) -> dict[str, str]:
        """Ids of runs and audits by name; of audits by kind."""
        answer = page.request.get(f"{self.address}api/library?size=200", headers={"authorization": f"Bearer {TOKEN}"}).json()
        return {item["name"] if item["kind"] == "recording" else item["kind"]: item["id"] for item in answer["items"]}


def serve(folder: Path, cache: Path) -> Served:
    """Start `affectlens view` on a folder and wait for its address."""
    command = [sys.executable, "-m", "affectlens", "view", str(folder), "--no-browser", "--token", TOKEN]
    environment = {**os.environ, "AFFECTLENS_CACHE": str(cache)} if cache != Path() else dict(os.environ)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        if found:
            return Served(found.group(), folder, process)
    raise AssertionError(f"the server said no address: {said}")


def stopped(served: Served) -> None:
    """End the server as Ctrl-C does; it has to end by itself."""
    served.process.send_signal(signal.SIGINT)
    try:
        served.process.wait(15)
    except subprocess.TimeoutExpired:
        served.process.kill()
        raise


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Runs that tests only look at, an hour of three people, and one audit of each kind."""
    folder = tmp_path_factory.mktemp("bench")
    run_folder(folder, name="talk.mp4", seconds=6, people=3)
    run_folder(folder, name="other.mp4", seconds=6, people=2)
    save_audits(folder)
    made = serve(folder, Path())
    yield made
    stopped(made)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A run of two people that a test may change."""
    run_folder(tmp_path / "runs", name="talk.mp4", seconds=6, people=2)
    made = serve(tmp_path / "runs", Path())
    yield made
    stopped(made)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for one file of tests: as long as it is there, no other test of this process can run an event loop of its own."""
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield made
        made.close()


@dataclass
class Watched:
    """A page, and what its browser complained of or asked elsewhere."""

    page: Page
    trouble: list[str] = field(default_factory=list)
    allowed: str = ""  # a status that the test provokes, which the browser writes into its console

    def watch(self, home: str) -> None:
        def asked(request: Any) -> None:
            if not request.url.startswith((home, "data:", "blob:")):
                self.trouble.append(f"asked {request.url}")

        def said(message: Any) -> None:
            provoked = self.allowed and f"status of {self.allowed}" in message.text
            if message.type in ("error", "warning") and not provoked:
                self.trouble.append(f"{message.type}: {message.text}")

        def answered(response: Any) -> None:
            if response.status >= 400 and str(response.status) != self.allowed:
                self.trouble.append(f"{response.status} of {response.url}")

        self.page.on("request", asked)
        self.page.on("response", answered)
        self.page.on("console", said)
        self.page.on("pageerror", lambda error: self.trouble.append(f"error in the page: {error}"))


Opener = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opener]:
    """Opens a page of a server; at the end no page may have complained or asked anybody else."""
    all_watched: list[Watched] = []

    def open_page(server: Served, fragment: str = "#/library", allowed: str = "", **context: Any) -> Page:
        given = {"viewport": {"width": 1360, "height": 900}, "color_scheme": "light", **context}
        page = browser.new_context(**given).new_page()
        page.set_default_timeout(20_000)
        watched = Watched(page, allowed=allowed)
        watched.watch(server.address)
        all_watched.append(watched)
        page.goto(f"{server.address}?token={TOKEN}")
        page.goto(f"{server.address}{fragment}")
        return page

    yield open_page
    trouble = [line for watched in all_watched for line in watched.trouble]
    for watched in all_watched:
        watched.page.context.close()
    assert trouble == []
