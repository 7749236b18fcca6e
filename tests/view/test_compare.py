"""Two runs side by side, matched by person and time."""

import json

import pandas as pd
import pytest

from affectlens.core.tables import write_frame
from affectlens.workbench.bench import Bench
from affectlens.workbench.settings import ViewSettings
from affectlens.workbench.views.compare import matched
from tests.view.conftest import TOKEN, client_of
from tests.view.made import run_folder


def rows(*spans, person=0):
    return pd.DataFrame({"person": person, "start": [float(one) for one, _ in spans], "end": [float(two) for _, two in spans]})


def test_rows_are_matched_once_by_what_they_share():
    pairs, lonely = matched(rows((0, 1), (1, 2), (5, 6)), rows((0.2, 1.2), (1.2, 2.2), (9, 10)))
    assert [(one.start, two.start) for one, two in pairs] == [(0.0, 0.2), (1.0, 1.2)] and lonely == (1, 1)
    pairs, lonely = matched(rows((0, 1), (1, 2)), rows((0, 2)))  # a longer window: it holds both, and goes with the first
    assert len(pairs) == 1 and lonely == (1, 0)
    assert matched(rows((0, 1)), rows((0, 1), person=1)) == ([], (1, 1))
    pairs, _ = matched(rows((0, 0)), rows((0, 0)))  # a picture has no length
    assert len(pairs) == 1


@pytest.fixture
def two(tmp_path):
    first = run_folder(tmp_path / "runs", folder="first")
    second = run_folder(tmp_path / "runs", folder="second")
    table = pd.read_parquet(second / "table.parquet")
    place = table.index[(table.modality == "fused") & (table.person == 0) & (table.start == 1)][0]
    table.loc[place, ["label", "confidence", "conformal"]] = ["fear", 0.9, "fear"]
    for column in table.columns[table.columns.str.startswith("p_")]:
        table.loc[place, column] = 0.9 if column == "p_fear" else 0.1 / 6
    write_frame(table, second / "table.parquet")
    bench = Bench([tmp_path / "runs"], ViewSettings(token=TOKEN))
    bench.library.refresh()
    client = client_of(bench)
    ids = {card["path"]: card["id"] for card in client.get("/api/library").json()["items"]}
    yield client, ids["first"], ids["second"]
    bench.close()
    del first


def test_what_changed_comes_first(two):
    client, first, second = two
    told = client.get(f"/api/compare?first={first}&second={second}").json()
    assert told["same_recording"] and told["matched"] == 12 and (told["only_first"], told["only_second"]) == (0, 0)
    (changed,) = told["segments"]
    assert (changed["person"], changed["start"], changed["changed"]) == (0, 1.0, True)
    assert (changed["first"]["label"], changed["second"]["label"], changed["second"]["set"]) == ("neutral", "fear", ["fear"])
    one, other = changed["first"]["probabilities"], changed["second"]["probabilities"]
    assert changed["distance"] == pytest.approx(0.5 * sum(abs(one[label] - other[label]) for label in one), abs=1e-4)
    assert told["people"][0]["same_label"] == 5 and told["people"][1]["share"] == 1.0
    assert told["text"][0] == "1 of 12 segments have another answer" and "neutral, then fear" in told["text"][1]


def test_a_run_against_itself_has_no_change(two):
    client, first, _ = two
    told = client.get(f"/api/compare?first={first}&second={first}").json()
    assert told["segments"] == [] and told["options"] == [] and told["text"][0].startswith("0 of 12")


def test_options_that_differ_are_told_without_paths(tmp_path):
    options = {"modalities": ["face"], "store": "/home/somebody/usual.db", "window": 2.0}
    run_folder(tmp_path / "runs", folder="first")
    run_folder(tmp_path / "runs", folder="second", job={"options": options})
    bench = Bench([tmp_path / "runs"], ViewSettings(token=TOKEN))
    bench.library.refresh()
    client = client_of(bench)
    ids = {card["path"]: card["id"] for card in client.get("/api/library").json()["items"]}
    told = {
        one["name"]: one for one in client.get(f"/api/compare?first={ids['first']}&second={ids['second']}").json()["options"]
    }
    assert told["window"] == {"name": "window", "first": 1.0, "second": 2.0}
    assert "/home" not in json.dumps(told)
    bench.close()


def test_what_is_excluded_takes_no_part(two):
    client, first, second = two
    body = {"author": "eva", "action": "exclude", "values": {"start": 1.0, "end": 2.0}}
    client.post(f"/api/runs/{first}/edits", json=body)
    told = client.get(f"/api/compare?first={first}&second={second}").json()
    assert told["segments"] == [] and told["only_second"] == 2


def test_what_cannot_be_compared(two):
    client, first, _ = two
    assert client.get(f"/api/compare?first={first}").status_code == 400
    assert client.get(f"/api/compare?first={first}&second=0123456789abcdef").status_code == 404
