"""What a reader of an audit's page sees first: asked, found, how sure, not known; plain words before numbers."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.compare.findings import glance as of_comparison
from affectlens.audits.concepts.findings import glance as of_concepts
from affectlens.audits.features.findings import glance as of_features
from affectlens.audits.latent.findings import glance as of_latent
from affectlens.audits.objects.findings import glance as of_objects
from affectlens.audits.properties.statistics import audit_properties
from affectlens.audits.registry import AUDITS
from affectlens.figures.page import Section, write_page

NOTHING = pd.DataFrame({"key": [], "reason": []})


def properties(strength):
    rng = np.random.default_rng(0)
    n = 300
    table = pd.DataFrame(
        {"light": rng.normal(size=n), "size": rng.normal(size=n), "flat": 1.0}, index=[f"i{i}" for i in range(n)]
    )
    logit = strength * table.light + rng.normal(size=n)
    p = pd.DataFrame({"joy": 1 / (1 + np.exp(-logit))}).assign(fear=lambda f: 1 - f.joy)
    labels = pd.Series(rng.choice(["joy", "fear"], n), index=table.index)
    return audit_properties(table, dict.fromkeys(table, "continuous"), p, labels=labels, rng=0).glance()


def objects(p_value, images=30):
    rows = [("anger", "mouth", 2.0), ("anger", "nose", 0.5), ("fear", "eyes", 0.8)]
    pairs = pd.DataFrame(rows, columns=["emotion", "object", "lift"]).assign(
        p_value=p_value, p_bh=p_value, smallest_p=0.001, images=images
    )
    return of_objects(SimpleNamespace(first=pairs, images=pd.DataFrame({"things": [1] * 9}), missed=NOTHING))


def concepts(p_value):
    tests = pd.DataFrame(
        {
            "concept": ["question", "question", "praise", "praise"],
            "class": ["joy", "fear"] * 2,
            "statistic": [2.0, -2.0, 0.1, -0.1],
        }
    )
    tests = tests.assign(p_max_t=[p_value, p_value, 0.9, 0.9], accuracy_p_value=0.01, smallest_p=0.005)
    return of_concepts(SimpleNamespace(tests=tests, unsupported={"smile": "no faces"}))


def latent(p_value):
    table = pd.DataFrame(
        {
            "clusters": "k-means",
            "factor": ["speaker", "label"],
            "p_holm": [p_value, 0.8],
            "p_value": [p_value, 0.8],
            "ari": [0.5, 0.1],
        }
    )
    table = table.assign(smallest_p=0.001)
    return of_latent(
        SimpleNamespace(agreement=table, left_out=NOTHING, shift=pd.DataFrame(), points=pd.DataFrame(index=range(40)))
    )


def features(p_value):
    groups = pd.DataFrame({"group": ["pitch", "energy"], "permuted": [0.1, 0.4], "left_out_p_holm": [0.9, p_value]})
    return of_features(
        SimpleNamespace(groups=groups, features=pd.DataFrame(index=range(88)), left_out=NOTHING, agreement=pd.DataFrame())
    )


def comparison(p_value):
    ranks = pd.DataFrame({"model": ["a", "b"], "shown_better_than": ["b" if p_value < 0.05 else "", ""]})
    claims = pd.DataFrame({"family": ["gap between groups"], "property": ["age"]})[: int(p_value < 0.05)]
    return of_comparison(SimpleNamespace(ranks=ranks, claims=claims, excluded={}, models=("a", "b"), n=500))


MADE = {"objects": objects, "concepts": concepts, "latent": latent, "features": features, "compare": comparison}
FOUND = {
    "objects": "the mouth under anger", "concepts": "“question” for joy", "latent": "More than by chance speaker",
    "features": "Most on energy, pitch. It cannot do without energy.", "compare": "a is right more often than b. How often a model is right depends on age.",
}  # fmt: skip
NONE = {
    "objects": "No object is shown", "concepts": "No concept is shown", "latent": "Nothing that was known of the clips", "features": "as far as is shown",
    "compare": "No model is shown to be right more often than another. No group is shown to be served worse.",
}  # fmt: skip


def test_every_audit_says_it():
    assert set(MADE) | {"properties"} == set(AUDITS.names())


@pytest.mark.parametrize("name", MADE)
def test_what_is_shown_is_named_and_what_is_not_is_not(name):
    found, none = MADE[name](0.01), MADE[name](0.5)
    assert FOUND[name] in found["Found"] and NONE[name] in none["Found"] and FOUND[name] not in none["Found"]
    for glance in (found, none):
        assert list(glance) == ["Asked", "Found", "How sure", "Not known"]
        assert not re.search(r"\bp [=≤<]|\d\.\d|Holm|Benjamini|log-odds|max-T", " ".join(glance.values()))
        assert all(text.endswith((".", "?")) and ".." not in text for text in glance.values())


def test_properties_name_what_answers_depend_on_and_what_could_not_be_tested():
    found, none = properties(2.0), properties(0.0)
    assert found["Found"] == "Yes, on light." and none["Found"] == "No dependence is shown."
    assert "flat: could not be tested" in found["Not known"] and "300 items" in found["Asked"]


def test_it_stands_first_and_methods_wait_to_be_asked_for(tmp_path):
    sections = [Section("What was found", ("Numbers.",)), Section("Methods", ("Long.",), quiet=True)]
    page = write_page(tmp_path, "An audit", "of something", sections, glance={"Found": "Little."}).read_text()
    assert (
        page.index("At a glance")
        < page.index("Little.")
        < page.index("What was found")
        < page.index("<details>")
        < page.index("Long.")
    )
    assert "At a glance" not in write_page(tmp_path, "An audit", "", sections).read_text()
