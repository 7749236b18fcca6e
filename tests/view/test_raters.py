"""Raters and the model: agreement of the labels that were given, and the reasons where there is too little."""

import numpy as np
import pytest

from affectlens.stats.agreement import cohen_kappa, krippendorff_alpha

FIRST = ["neutral", "neutral", "happiness", "surprise", "neutral", "anger"]  # what the run says of person 0
SECOND = ["neutral", "happiness", "happiness", "surprise", "anger", "anger"]


def rate(client, name, rater, labels):
    entries = [
        {"action": "label", "values": {"person": 0, "start": second, "end": second + 1, "label": label}}
        for second, label in enumerate(labels)
    ]
    assert client.post(f"/api/runs/{name}/edits", json={"author": rater, "entries": entries}).status_code == 200


def test_raters_agree_with_each_other_and_with_the_model(own):
    client, name, _ = own
    rate(client, name, "eva", FIRST)
    rate(client, name, "max", SECOND)
    told = client.get(f"/api/runs/{name}/agreement").json()
    assert told["raters"] == ["eva", "max"] and told["items"] == 6
    assert told["alpha"]["value"] == pytest.approx(krippendorff_alpha(np.array([FIRST, SECOND], object)), abs=1e-5)
    assert told["alpha"]["low"] <= told["alpha"]["value"] <= told["alpha"]["high"]
    (pair,) = told["kappas"]
    assert pair["value"] == pytest.approx(cohen_kappa(FIRST, SECOND), abs=1e-5) and pair["items"] == 6
    model = {entry["rater"]: entry for entry in told["model"]}
    assert model["eva"]["value"] == 1.0 and model["eva"]["agreement"] == 1.0
    assert model["max"]["agreement"] == pytest.approx(4 / 6, abs=1e-5)
    confusion = next(entry for entry in told["confusions"] if entry["rater"] == "max")
    assert np.trace(confusion["counts"]) == 4 and np.sum(confusion["counts"]) == 6
    assert (
        told["items_listed"][1]["labels"] == {"eva": "neutral", "max": "happiness"}
        and told["items_listed"][1]["model"] == "neutral"
    )


def test_what_one_cannot_tell_is_missing(own):
    client, name, _ = own
    rate(client, name, "eva", FIRST)
    rate(client, name, "max", [None, *SECOND[1:]])
    told = client.get(f"/api/runs/{name}/agreement").json()
    assert told["kappas"][0]["items"] == 5 and told["kappas"][0]["value"] == pytest.approx(
        cohen_kappa(FIRST[1:], SECOND[1:]), abs=1e-5
    )


def test_too_little_is_said(own):
    client, name, _ = own
    assert "two raters" in client.get(f"/api/runs/{name}/agreement").json()["alpha"]["why"]
    rate(client, name, "eva", FIRST[:1])
    told = client.get(f"/api/runs/{name}/agreement").json()
    assert told["alpha"]["value"] is None and told["model"][0]["value"] is None and "needed" in told["model"][0]["why"]
    rate(client, name, "max", ["neutral", "neutral"])
    rate(client, name, "eva", ["neutral", "neutral"])
    told = client.get(f"/api/runs/{name}/agreement").json()
    assert told["kappas"][0]["value"] is None and "all labels are the same" in told["kappas"][0]["why"]


def test_labels_of_merged_people_belong_together(own):
    client, name, _ = own
    rate(client, name, "eva", FIRST)
    client.post(f"/api/runs/{name}/edits", json={"author": "max", "action": "merge", "values": {"people": [0], "into": 1}})
    told = client.get(f"/api/runs/{name}/agreement").json()
    assert {item["person"] for item in told["items_listed"]} == {1}


def test_a_level_that_cannot_be(client, run_id):
    assert client.get(f"/api/runs/{run_id}/agreement?level=2").status_code == 400
