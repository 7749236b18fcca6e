"""How quick the workbench's server is: a library of 5,000 runs, a run of an hour with three people, and hostile requests.

``python -m benchmarks workbench``; runs are generated as `explain` writes them, in a temporary folder.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tests.view.made import run_folder

RUNS, SECONDS, PEOPLE, HOSTILE, SLOW = 5000, 3600, 3, 1000, 100
TOKEN = "benchmark-token-of-some-length"
LINE = tuple[str, str, str, bool | None]
MOST, FIRST = 300.0, 2.0  # milliseconds of a request of the library, seconds of a first view


class Server:
    """The server as a user starts it."""

    def __init__(self, *folders: Path) -> None:
        command = [sys.executable, "-m", "affectlens", "view", *map(str, folders), "--no-browser", "--token", TOKEN]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        self.base = self.process.stdout.readline().partition("/?")[0]

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes, float]:
        given = {"Authorization": f"Bearer {TOKEN}", "X-Affectlens": "1"} | headers
        request = urllib.request.Request(self.base + path, body, given, method=method)
        began = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                content, status = answer.read(), answer.status
        except urllib.error.HTTPError as error:
            content, status = error.read(), error.code
        except urllib.error.URLError:  # the connection was closed on a body that is not wanted
            content, status = b"", 0
        return status, content, time.perf_counter() - began

    def median(self, path: str, times: int = 9) -> float:
        return 1000 * statistics.median(self.ask(path)[2] for _ in range(times))

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def copies(first: Path, root: Path, count: int) -> None:
    """Runs that share the bytes of their tables, each with a manifest of its own."""
    for number in range(count):
        folder = root / f"{number // 100:02}" / f"talk-{number:05}"
        folder.mkdir(parents=True)
        for file in ("table.parquet", "evidence.parquet"):
            os.link(first / file, folder / file)
        text = (first / "provenance.json").read_text()
        day = f"2026-{1 + number % 12:02}-{1 + number % 28:02}"
        (folder / "provenance.json").write_text(text.replace("talk.mp4", f"talk {number}.mp4").replace("2026-11-05", day))


def library(work: Path) -> Iterator[LINE]:
    first = run_folder(work / "one", seconds=12, people=2)
    copies(first, work / "many", RUNS)
    server = Server(work / "many")
    began = time.perf_counter()
    try:
        while b'"code":"reading"' in (answer := server.ask("/api/library"))[1] or f'"total":{RUNS}'.encode() not in answer[1]:
            time.sleep(0.5)
        yield f"library of {RUNS:,} runs, read for the first time", f"{time.perf_counter() - began:.0f} s", "", None
        for what, query in (("first page", ""), ("search", "q=talk+49"), ("filter", "label=anger&conflict=1&since=2026-06"),
                            ("sort by name, last page", "sort=name&page=100")):  # fmt: skip
            took = server.median(f"/api/library?{query}")
            yield f"library of {RUNS:,} runs: {what}", f"{took:.0f} ms", f"under {MOST:.0f} ms", took < MOST
        yield from hostile(server)
    finally:
        server.end()


def hour(work: Path) -> Iterator[LINE]:
    folder = run_folder(work / "hour", seconds=SECONDS, people=PEOPLE)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    server = Server(folder.parent)
    try:
        while b'"total":1' not in server.ask("/api/library")[1]:
            time.sleep(0.5)
        name = server.ask("/api/library")[1].split(b'"id":"')[1][:16].decode()
        yield f"run of an hour with {PEOPLE} people: its folder", f"{size:.0f} MB", "", None
        first = [server.ask(f"/api/runs/{name}{part}")[2] for part in ("", "/lanes", "/narrative", "/moments")]
        told = f"{sum(first):.2f} s"
        yield (
            "the same: all that the first view asks for, read for the first time",
            told,
            f"under {FIRST:.0f} s",
            sum(first) < FIRST,
        )
        for part in ("", "/lanes", "/frames?start=1000&end=1030", "/evidence?segment=1:fused:1800", "/narrative", "/moments",
                     "/curve?table=frames&column=jawOpen&points=1500", "/curve?column=p_happiness&points=1500"):  # fmt: skip
            took = server.median(f"/api/runs/{name}{part}", 5)
            yield f"the same, again: {part or 'overview'}", f"{took:.0f} ms", "", None
        yield "the same: lanes before compression", f"{len(server.ask(f'/api/runs/{name}/lanes')[1]) / 1e6:.1f} MB", "", None
    finally:
        server.end()


def hostile(server: Server) -> Iterator[LINE]:
    """Paths that lead out, foreign names, bodies too large, junk, and connections that never finish."""
    rng = np.random.default_rng(0)
    served = 0
    for path in ("/assets/../../etc/passwd", "/api/runs/0123456789abcdef/files/../../etc/passwd", "/assets/%2e%2e/%2e%2e/x"):
        served += server.ask(path)[0] == 200
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Authorization": "Bearer x"}):
        served += server.ask("/api/library", **headers)[0] == 200
    served += server.ask("/api/library/refresh", "POST", b"x" * (9 << 20))[0] == 200
    host, port = server.base.removeprefix("http://").split(":")
    slow = []
    for number in range(SLOW):
        connection = socket.create_connection((host, int(port)))
        if number % 2:
            connection.sendall(b"GET /api/library HTTP/1.1\r\nHost: ")
        slow.append(connection)
    for _ in range(HOSTILE):
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(rng.bytes(int(rng.integers(1, 400))) + b"\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            served += connection.recv(64).startswith(b"HTTP/1.1 200")
    alive = server.ask("/api/library")
    for connection in slow:
        connection.close()
    what = f"hostile requests ({HOSTILE:,} malformed, paths, Host, Origin, token, 9 MB), {SLOW} connections that never finish"
    yield what, f"{served} served", "none", served == 0
    yield "a request in the midst of them", f"{alive[0]} in {1000 * alive[2]:.0f} ms", "200", alive[0] == 200


def run() -> Iterator[LINE]:
    """Figures of an hour, of many runs, and of hostile requests."""
    work = Path(tempfile.mkdtemp(prefix="affectlens-bench-"))
    try:
        yield from hour(work)
        yield from library(work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
