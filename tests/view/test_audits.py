"""Audits in the same place: tables, charts, the items behind a row, and two of them side by side."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectlens.audits.features.result import FeatureAudit
from affectlens.audits.latent.result import LatentAudit
from affectlens.audits.objects.examples import Example
from affectlens.audits.objects.result import ObjectAudit
from affectlens.audits.result import Provenance
from affectlens.perception.scene.objects import Thing
from affectlens.workbench.bench import Bench
from affectlens.workbench.reading.places import Folders
from affectlens.workbench.settings import ViewSettings
from affectlens.workbench.views.examples import Examples
from tests.view.conftest import TOKEN, client_of
from tests.view.made import recording

ABOUT = Provenance(
    "objects", {"seed": 0, "weights": "/home/somebody/w.onnx"}, {"name": "face"}, {"corpus": "folder"}, {"python": "3"}
)


def objects(folder, shift=0.0):
    table = pd.DataFrame({
        "emotion": ["anger", "anger", "fear"], "object": ["mouth", "nose", "mouth"], "lift": [2.0 + shift, 0.5, 1.0], "images": [5, 5, 4],
        "p_value": [0.01, 0.5, 0.2], "p_bh": [0.03, 0.5, 0.3],
    })  # fmt: skip
    images = pd.DataFrame({
        "image": ["anger/0.png", "anger/1.png", "fear/0.png"], "emotion": ["anger", "anger", "fear"], "label": ["anger", "anger", "fear"],
        "answer": ["anger", "fear", "fear"], "probability": [0.5, 0.4, 0.9], "things": [1, 1, 1],
    })  # fmt: skip
    thing = Thing("mouth", 1.0, (0.1, 0.1, 0.2, 0.2))
    example = Example("anger/1.png", "anger", "mouth", np.full((20, 30, 3), 99, np.uint8), np.ones((20, 30)), (thing,))
    agreement = pd.DataFrame({"first": ["a"], "second": ["b"], "correlation": [0.5]})
    missed = pd.DataFrame({"image": ["x.png"], "why": ["damaged"]})
    ObjectAudit(
        "Objects that drive the face model", "3 pictures", {"grad-cam": table}, {"grad-cam": table}, agreement, images, missed, (example,),
        provenance=ABOUT,
    ).save(folder)  # fmt: skip
    (folder / "audit.html").write_text("<p>page")
    (folder / "audit.json").write_text(json.dumps({"findings": ["The mouth drives anger."]}))
    (folder / "figures").mkdir()
    (folder / "figures" / "lifts.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'></svg>")
    return folder


@pytest.fixture(scope="module")
def audits(tmp_path_factory):
    root = tmp_path_factory.mktemp("audits")
    objects(root / "objects")
    objects(root / "objects again", shift=1.0)
    for name in ("anger/0.png", "anger/1.png"):
        file = root / "corpus" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((20, 30, 3), 120, np.uint8)).save(file)
    recording(root / "corpus" / "wav" / "03a01Fa.mp4", 1.0)
    broken = objects(root / "broken")
    (broken / "result.json").write_text("{")
    (broken / "images.parquet").write_bytes(b"junk")
    bench = Bench([root], ViewSettings(token=TOKEN))
    bench.library.refresh()
    client = client_of(bench)
    ids = {card["path"]: card["id"] for card in client.get("/api/library?kind=audit").json()["items"]}
    yield client, ids
    bench.close()


def test_an_audit_is_listed_with_its_finding(audits):
    client, ids = audits
    assert set(ids) == {"objects", "objects again", "broken"}
    card = next(card for card in client.get("/api/library?kind=objects").json()["items"] if card["path"] == "objects")
    assert (
        card["name"] == "objects: face, folder"
        and card["main"] == "The mouth drives anger."
        and card["address"] == f"/api/audits/{card['id']}"
    )


def test_what_an_audit_says(audits):
    client, ids = audits
    card_text = "The mouth drives anger."
    told = client.get(f"/api/audits/{ids['objects']}").json()
    assert told["kind"] == "objects" and told["name"] == "Objects that drive the face model" and told["findings"] == [card_text]
    main = told["tables"][0]
    assert main["main"] and main["name"] == "objects.grad-cam" and main["rows"] == 3
    assert {column["name"]: column["kind"] for column in main["columns"]}["lift"] == "number"
    assert told["charts"][0]["name"] == "lifts" and client.get(told["charts"][0]["address"]).status_code == 200
    assert client.get(told["page"]).text == "<p>page" and told["facts"]["settings"]["weights"] == "w.onnx"
    assert "/home/somebody" not in json.dumps(told)


def test_a_table_is_sorted_searched_and_paged(audits):
    client, ids = audits

    def table(query=""):
        return client.get(f"/api/audits/{ids['objects']}/tables/objects.grad-cam?{query}").json()

    whole = table()
    place = whole["columns"].index("lift")
    assert whole["total"] == 3 and [row[place] for row in table("sort=lift&order=desc")["rows"]] == [2.0, 1.0, 0.5]
    assert table("where=object:mouth")["total"] == 2 and table("where=object:mouth;emotion:fear")["total"] == 1
    assert table("q=NOSE")["total"] == 1 and len(table("size=2&page=2")["rows"]) == 1
    for wrong in ("sort=colour", "where=colour:red", "page=0", "size=5000"):
        assert client.get(f"/api/audits/{ids['objects']}/tables/objects.grad-cam?{wrong}").status_code == 400
    assert client.get(f"/api/audits/{ids['objects']}/tables/nothing").status_code == 400


def test_a_row_leads_to_its_pictures_with_their_maps(audits):
    client, ids = audits
    told = client.get(f"/api/audits/{ids['objects']}/examples?emotion=anger&object=mouth").json()
    assert [item["key"] for item in told["items"]] == ["anger/1.png", "anger/0.png"]  # the one with a map first
    assert client.get(told["items"][0]["pictures"][0]["address"]).headers["content-type"].startswith("image/")
    (drawn,) = told["drawn"]
    assert drawn["things"] == [{"name": "mouth", "box": [0.1, 0.1, 0.2, 0.2]}]
    for address in (drawn["picture"], drawn["map"]):
        assert client.get(address).content.startswith(b"\xff\xd8")
    assert client.get(drawn["map"].replace("/0/", "/7/")).status_code == 404
    lost = client.get(f"/api/audits/{ids['objects']}/examples?emotion=fear").json()
    assert lost["items"][0]["pictures"] == [] and "give the corpus's folder too" in lost["notices"][0]["message"]


@pytest.mark.parametrize("key", ["../../etc/passwd", "%2e%2e/x", "objects/provenance.json", "nothing.png", ""])
def test_only_recordings_below_the_folders_are_given(audits, key):
    client, ids = audits
    assert client.get(f"/api/audits/{ids['objects']}/media/{key}").status_code in (404, 405)


def test_two_audits_side_by_side(audits):
    client, ids = audits
    told = client.get(f"/api/compare?first={ids['objects']}&second={ids['objects again']}").json()
    table = next(table for table in told["tables"] if table["name"] == "objects.grad-cam")
    assert table["key"] == ["emotion", "object"] and table["matched"] == table["total"] == 3
    row = next(row for row in table["rows"] if row["key"] == {"emotion": "anger", "object": "mouth"})
    assert (row["first"]["lift"], row["second"]["lift"]) == (2.0, 3.0)


def test_a_damaged_audit_shows_what_is_left(audits):
    client, ids = audits
    told = client.get(f"/api/audits/{ids['broken']}").json()
    assert {notice["code"] for notice in told["notices"]} == {"unreadable"} and len(told["notices"]) == 2
    assert client.get(f"/api/audits/{ids['broken']}/tables/objects.grad-cam").json()["total"] == 3


def test_an_audit_as_a_page(audits):
    client, ids = audits
    answer = client.post(f"/api/audits/{ids['objects']}/page")
    assert answer.text == "<p>page" and "attachment" in answer.headers["content-disposition"]


def test_findings_that_cannot_be_told_are_none(tmp_path):
    from affectlens.workbench.views.audits import findings_kept

    folder = objects(tmp_path / "objects")  # its table lacks columns that findings are told from
    (folder / "audit.json").unlink()
    assert findings_kept(folder) == []


def test_an_audit_is_no_run(audits):
    client, ids = audits
    assert client.get(f"/api/runs/{ids['objects']}").status_code == 422


def test_points_of_a_latent(tmp_path, audits):
    client, ids = audits
    assert client.get(f"/api/audits/{ids['objects']}/points").status_code == 400
    from affectlens.workbench.views.audits import AuditFolder

    (tmp_path / "provenance.json").write_text(json.dumps({"schema_version": 2, "kind": "latent"}))
    points = pd.DataFrame(
        {"key": ["wav/03a01Fa", "b"], "label": ["fear", "joy"], "x": [1.0, 2.0], "y": [0.5, np.nan], "k_means": [0, 1]}
    )
    points.to_parquet(tmp_path / "points.parquet")
    audit = AuditFolder(tmp_path, "0")
    told = audit.points("x", "y")
    assert (
        told["x"] == [1.0, 2.0]
        and told["y"] == [0.5, None]
        and told["by"]["label"] == ["fear", "joy"]
        and "k_means" in told["columns"]
    )
    assert audit.notices  # its result is not there


def test_every_kind_of_audit_is_known():
    from affectlens.audits.registry import AUDITS
    from affectlens.workbench.views.audits import EXAMPLES, RESULTS

    assert set(RESULTS) == set(AUDITS.names()) and set(EXAMPLES) <= set(RESULTS)
    assert FeatureAudit.kind == "features" and LatentAudit.kind == "latent"


def test_a_property_leads_to_its_matched_pairs_both_pictures_beside_each_other(tmp_path):
    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    matched = pd.DataFrame({
        "property": ["light", "light", "age"], "label": "fear", "first": ["a.png", "gone.png", "b.png"], "second": ["b.png", "a.png", "a.png"],
        "first_value": [0.9, 0.8, 50.0], "second_value": [0.1, 0.2, 20.0], "first_right": [True, True, False], "second_right": [False, True, True],
    })  # fmt: skip
    audit = SimpleNamespace(
        kind="properties", name="it", result=None, tables={"matched": matched, "pairs": pd.DataFrame({"property": ["light"]})}
    )
    found = Examples(Folders([tmp_path])).of(audit, {"property": "light"})
    assert found["total"] == 2 and [item["pair"] for item in found["items"]] == ["b.png", "a.png"]
    assert [shown["caption"] for shown in found["items"][0]["pictures"]] == ["a.png", "b.png"]
    assert found["items"][0]["values"]["second_right"] is False and found["items"][1]["lost"] == 1
    assert "1 of 2 items lie below none of the given folders" in found["notices"][0]["message"]
