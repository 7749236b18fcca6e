"""A server in this process, on generated runs; nothing is explained unless a test says how."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient

from affectlens.workbench.app import create_app
from affectlens.workbench.bench import Bench
from affectlens.workbench.settings import ViewSettings
from tests.view.made import run_folder

TOKEN, HOST = "test-token-of-length", "127.0.0.1:8765"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server keeps does not outlive a test; weights stay where they are."""
    import affectlens.workbench.bench
    import affectlens.workbench.reading.playable
    import affectlens.workbench.views.library

    cache = tmp_path_factory.mktemp("cache")
    for module in (affectlens.workbench.bench, affectlens.workbench.views.library, affectlens.workbench.reading.playable):
        monkeypatch.setattr(module, "cache_dir", lambda: cache)


def client_of(bench: Bench, token: str = TOKEN) -> TestClient:
    app = create_app(bench, TOKEN, [HOST])
    headers = {"host": HOST, "authorization": f"Bearer {token}", "x-affectlens": "1"}
    return TestClient(app, base_url=f"http://{HOST}", headers=headers, raise_server_exceptions=False)


@pytest.fixture(scope="session")
def ready_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that no test changes."""
    return run_folder(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def bench(ready_run: Path) -> Iterator[Bench]:
    made = Bench([ready_run.parent], ViewSettings(token=TOKEN))
    made.library.refresh()
    yield made
    made.close()


@pytest.fixture
def client(bench: Bench) -> TestClient:
    return client_of(bench)


@pytest.fixture
def run_id(bench: Bench) -> str:
    return str(bench.library.query({})["items"][0]["id"])


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[TestClient, str, Path]]:
    """A client, the id and the folder of a run that the test may change."""
    folder = run_folder(tmp_path / "runs", seconds=6)
    made = Bench([folder.parent], ViewSettings(token=TOKEN))
    made.library.refresh()
    yield client_of(made), str(made.library.query({})["items"][0]["id"]), folder
    made.close()
