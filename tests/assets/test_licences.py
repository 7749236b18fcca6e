"""The register of licences covers what is shipped, and says what its cards and the manifest say."""

import json

import pytest
from safetensors import safe_open

from affectlens import licences
from affectlens.assets.licences import ANSWERS, register
from affectlens.assets.manifest import manifest
from affectlens.core.errors import UsageError
from affectlens.corpora.base import corpora
from affectlens.models.weights import weights_path


def test_every_weight_and_asset_has_its_entry():
    shipped = {path.stem for path in weights_path("face").parent.glob("*.safetensors")}
    kinds = {kind: {one.name for one in register().values() if one.kind == kind} for kind in ("weights", "asset", "corpus")}
    assert kinds["weights"] == shipped and kinds["asset"] == set(manifest())
    for one in register().values():
        assert one.terms and one.evidence and one.commercial in ANSWERS and one.research in ANSWERS


def test_terms_of_corpora_are_those_of_their_readers():
    readers = {info.name: info for info in corpora()}
    for one in register().values():
        if one.kind == "corpus" and one.name in readers:
            assert readers[one.name].title == one.title
            assert readers[one.name].licence.split(" ")[0] in one.terms


@pytest.mark.parametrize("name", sorted(one.name for one in register().values() if one.kind == "weights"))
def test_weights_rest_on_what_their_files_name(name):
    with safe_open(str(weights_path("face").with_name(f"{name}.safetensors")), "np") as file:
        told = " ".join(file.metadata().values())
    behind = [register()[one] for one in register()[name].rests if register()[one].kind == "corpus"]
    named = [
        one
        for one in register().values()
        if one.kind == "corpus" and (one.title in told or json.dumps(one.title)[1:-1] in told)
    ]
    assert {one.name for one in named if one.name not in ("ferplus", "muxspace")} <= {one.name for one in behind} | {
        "goemotions"
    }
    assert behind


def test_weights_are_as_strict_as_the_strictest_of_what_they_rest_on():
    for one in register().values():
        for purpose in ("commercial", "research"):
            if one.rests:
                worst = max(ANSWERS.index(register()[name].allows(purpose)) for name in one.rests)
                assert ANSWERS.index(one.allows(purpose)) == worst


def test_what_may_not_be_used_is_named_with_its_reason():
    found = licences("commercial")
    assert {"face", "fer2013", "voice", "gait", "fusion"} <= set(found.refused.name) and "yunet" not in set(found.refused.name)
    said = " ".join(found.findings())
    assert "face: may not be used for commercial purposes: it rests on FER2013" in said and "no legal advice" in said
    assert "words: it is not clear whether it may be used" in said
    assert licences("research").refused.empty and len(licences().table) == len(register())
    with pytest.raises(UsageError, match="did you mean commercial"):
        licences("comercial")
