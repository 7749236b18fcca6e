"""The library: what is below the folders, found, sorted and paged; a run is read again only where it changed."""

import shutil
import time

import pytest

from affectlens.workbench.bench import Bench
from affectlens.workbench.reading.places import Folders
from affectlens.workbench.settings import ViewSettings
from affectlens.workbench.views import cards as cards_module
from affectlens.workbench.views.library import Library
from tests.view.conftest import TOKEN, client_of
from tests.view.made import run_folder


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    root = tmp_path_factory.mktemp("many")
    first = run_folder(root, seconds=4, people=1, name="a talk.mp4", folder="run-000")
    run_folder(root / "deeper" / "down", seconds=12, people=3, name="party.mp4", folder="party")
    for number in range(1, 30):
        shutil.copytree(first, root / f"run-{number:03}")
        file = root / f"run-{number:03}" / "provenance.json"
        file.write_text(
            file.read_text().replace("2026-11-05", f"2026-10-{number:02}").replace("a talk.mp4", f"talk {number}.mp4")
        )
    (root / ".hidden").mkdir()
    shutil.copytree(first, root / ".hidden" / "run")
    bench = Bench([root], ViewSettings(token=TOKEN))
    bench.library.refresh()
    yield client_of(bench), root
    bench.close()


def names(client, query=""):
    return [card["name"] for card in client.get(f"/api/library?{query}").json()["items"]]


def test_everything_below_is_listed_and_hidden_folders_are_not(many):
    client, _ = many
    told = client.get("/api/library?size=10").json()
    assert told["total"] == 31 and len(told["items"]) == 10 and told["facets"]["kinds"] == {"recording": 31}
    pages = [card["id"] for page in range(1, 5) for card in client.get(f"/api/library?size=10&page={page}").json()["items"]]
    assert len(pages) == len(set(pages)) == 31
    assert client.get("/api/library?page=9&size=10").json()["items"] == []


def test_a_card_says_what_matters(many):
    client, _ = many
    (card,) = client.get("/api/library?q=party").json()["items"]
    assert (
        card["path"] == "deeper/down/party" and card["duration"] == 12.0 and len(card["people"]) == 3 and card["conflicts"] > 0
    )
    assert "expresses neutral in" in card["main"] and "and 1 more" in card["main"] and card["status"] == "ok"
    assert next(iter(card["labels"])) == "neutral" and sum(card["labels"].values()) == pytest.approx(1, abs=1e-3)
    assert client.get(card["thumbnail"]).headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(("query", "count"), [
    ("q=talk", 30), ("q=TALK 7", 3), ("q=nothing", 0), ("label=anger", 1), ("label=happiness", 31), ("conflict=1", 31), ("conflict=0", 0),
    ("since=2026-11", 2), ("until=2026-10-09", 9), ("since=2026-10-05&until=2026-10-08", 4), ("kind=recording", 31), ("kind=audit", 0),
    ("kind=objects", 0), ("status=ok", 31), ("status=error", 0), ("person=any", 31), ("person=none", 0), ("person=Anna", 0),
    ("folder=f0", 31), ("folder=f1", 0),
])  # fmt: skip
def test_searching_and_filtering(many, query, count):
    assert many[0].get(f"/api/library?{query}").json()["total"] == count


def test_sorting(many):
    client, _ = many
    assert names(client, "sort=name&order=asc&size=3")[0] == "a talk.mp4"
    assert names(client, "sort=duration&order=desc&size=1") == ["party.mp4"]
    made = [card["made"] for card in client.get("/api/library?sort=made&order=asc&size=200").json()["items"]]
    assert made == sorted(made) and names(client, "sort=people&size=1") == ["party.mp4"]
    assert names(client, "sort=conflicts&size=1") == ["party.mp4"]


@pytest.mark.parametrize("query", ["page=0", "page=x", "size=201", "size=0", "sort=colour", "order=up", "page=-1"])
def test_wrong_values(many, query):
    assert many[0].get(f"/api/library?{query}").status_code == 400


def test_only_what_changed_is_read_again(tmp_path, monkeypatch):
    for number in range(3):
        run_folder(tmp_path / "runs", seconds=4, people=1, folder=f"run{number}")
    read = []
    whole = cards_module.card_of
    monkeypatch.setattr(
        "affectlens.workbench.views.library.card_of", lambda folder, *rest: read.append(folder.name) or whole(folder, *rest)
    )
    folders = Folders([tmp_path / "runs"])
    library = Library(folders)
    first = library.refresh()
    assert sorted(read) == ["run0", "run1", "run2"] and library.refresh() == first
    (tmp_path / "runs" / "run1" / "edits.json").write_text("{}")
    read.clear()
    assert library.refresh() == first + 1 and read == ["run1"]
    shutil.rmtree(tmp_path / "runs" / "run2")
    read.clear()
    assert library.refresh() == first + 2 and read == [] and library.query({})["total"] == 2
    again = Library(folders)  # of another start: what was kept is used
    again.refresh()
    assert read == [] and again.query({})["total"] == 2


def test_a_run_that_comes_is_found(tmp_path):
    (tmp_path / "runs").mkdir()
    library = Library(Folders([tmp_path / "runs"]))
    assert library.query({})["total"] == 0
    run_folder(tmp_path / "runs", seconds=4, people=1)
    library.refresh()
    assert library.query({})["total"] == 1


def test_a_run_outside_the_folders_cannot_be_opened(tmp_path):
    from affectlens.workbench.reading.places import id_of

    outside = run_folder(tmp_path / "outside", seconds=4, people=1)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(outside)
    bench = Bench([tmp_path / "runs"], ViewSettings(token=TOKEN))
    client = client_of(bench)
    client.post("/api/library/refresh")
    assert client.get("/api/library").json()["total"] == 0
    for folder in (outside, tmp_path / "runs" / "link"):
        assert client.get(f"/api/runs/{id_of(folder)}").status_code == 404
    bench.close()


def test_five_thousand_cards_are_searched_without_reading(tmp_path):
    """The work of a request is in memory; the figure itself is measured by benchmarks/workbench.py."""
    (tmp_path / "runs").mkdir()
    library = Library(Folders([tmp_path / "runs"]))
    base = {"kind": "recording", "folder": "f0", "duration": 3.0, "media": "video", "people": [], "labels": {"neutral": 1.0}, "conflicts": 0,
            "status": "ok", "notices": [], "thumbnail": None, "edited": False, "what_if": False, "main": ""}  # fmt: skip
    for number in range(5000):
        card = base | {
            "id": f"{number:016x}",
            "name": f"talk {number}",
            "path": f"run{number:04}",
            "made": f"2026-01-01T{number:06}",
        }
        library._entries[f"/runs/{number}"] = {"stamp": (), "card": card, "words": card["name"]}
    library._begun.set()
    library._looked = time.monotonic() + 1e6
    found = library.query({"q": "talk 49", "sort": "name", "order": "asc", "size": "5"})
    wanted = sorted(f"talk {number}" for number in range(5000) if "49" in str(number))
    assert found["total"] == len(wanted) and [card["name"] for card in found["items"]] == wanted[:5]
