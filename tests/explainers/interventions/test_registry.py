import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.explainers.interventions import registry
from affectlens.explainers.interventions.registry import (
    Intervention,
    intervention,
    interventions,
    register_intervention,
)


@pytest.fixture
def inverted():
    @register_intervention("inverted", "scene", says="a negative")
    def invert(picture):
        return 255 - picture

    yield invert
    registry._REGISTRIES["scene"].remove("inverted")


def test_all_kinds_are_known_in_the_order_in_which_they_were_registered():
    assert [i.name for i in interventions("object")] == ["remove", "blur", "grey", "blur all but"]
    assert [i.name for i in interventions("scene")] == ["no colour", "other colours", "darker", "lighter", "flip", "crop"]
    assert [i.name for i in interventions("voice")][:3] == ["level", "noise", "tempo"] and len(interventions("face")) == 13
    assert len(interventions("words")) == 6 and interventions("gait") == []
    assert [i.name for i in interventions("object") if not i.controlled] == ["blur all but"]
    assert intervention("blur", "face").doses and not intervention("blur", "object").doses  # one name, two kinds


def test_one_that_is_added_comes_last(inverted):
    assert interventions("scene")[-1].name == "inverted"
    assert (intervention("inverted", "scene").change(np.zeros((2, 2), np.uint8)) == 255).all()


def test_wrong_ones_are_refused():
    with pytest.raises(UsageError, match="did you mean brightness"):
        intervention("brightnes", "face")
    with pytest.raises(UsageError, match="'smell' is not changed"):
        register_intervention("x", "smell")
    with pytest.raises(UsageError, match="give doses"):
        register_intervention("x", "face")


def test_two_doses_are_enough_and_objects_have_a_control():
    def change(picture, dose=0.0):
        return picture

    register_intervention("two doses", "face", doses=(0, 1))(change)
    register_intervention("nothing", "object")(change)
    try:
        assert intervention("two doses", "face").doses == (0, 1) and intervention("nothing", "object").controlled
        with pytest.raises(UsageError, match="give doses"):
            register_intervention("one dose", "voice", doses=(0,))
    finally:
        registry._REGISTRIES["face"].remove("two doses")
        registry._REGISTRIES["object"].remove("nothing")
    assert Intervention("x", "scene", change).controlled
