"""A source of random numbers is a whole number or a generator, in every public function of the room; equal ones draw alike."""

import importlib
import inspect
import pkgutil

import numpy as np
import pandas as pd
import pytest

import affectlens.explainers
from affectlens.core.errors import UsageError
from affectlens.explainers.cam.outside import rise
from affectlens.explainers.faithfulness import faithfulness
from affectlens.explainers.interventions.dose import dose_response
from affectlens.stats.generators import generator, seed_of


def drawn_faithfulness(rng):
    weights = np.array([0.5, 0.3, 0.2, 0.1])
    return faithfulness(weights, lambda kept: kept @ weights**2, rng).to_frame()


def drawn_rise(rng):
    picture = np.random.default_rng(1).random((8, 8))
    answer = rise(lambda pictures: np.array([[x.mean(), x.max()] for x in pictures]), picture, rng, masks=6)
    return pd.DataFrame(answer.reshape(2, -1))


def drawn_doses(rng):
    items = list(np.random.default_rng(2).normal(size=30))

    def predict(values):
        return np.column_stack([1 / (1 + np.exp(-np.asarray(values))), 1 / (1 + np.exp(np.asarray(values)))])

    return dose_response("shift", "u", items, (0, 1), lambda x, dose: x + dose * x, predict, ("a", "b"), rng).curve


CASES = {"faithfulness": drawn_faithfulness, "rise": drawn_rise, "dose_response": drawn_doses}


def public():
    """Public functions and classes of the room that take a source of random numbers, with the annotation of it."""
    for module in pkgutil.walk_packages(affectlens.explainers.__path__, "affectlens.explainers."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if not name.startswith("_") and callable(value) and getattr(value, "__module__", "") == module.name:
                parameters = inspect.signature(value).parameters
                for parameter in ("rng", "seed"):
                    if parameter in parameters:
                        yield value.__name__, parameter, str(parameters[parameter].annotation)


def test_every_public_function_says_that_it_takes_both():
    listed = {name: (parameter, kind) for name, parameter, kind in public()}
    inside = {"Inside"}  # what methods are given, with a seed that is a number by then
    assert set(CASES) | {"CamEngine"} == set(listed) - inside
    assert all(listed[name] == ("rng", "Rng") for name in set(listed) - inside)


@pytest.mark.parametrize("name", CASES)
def test_a_number_and_a_generator_of_it_draw_alike(name):
    drawn = [CASES[name](rng) for rng in (3, np.int64(3), np.random.default_rng(3), 4)]
    pd.testing.assert_frame_equal(drawn[0], drawn[1])
    pd.testing.assert_frame_equal(drawn[0], drawn[2])
    assert not drawn[0].equals(drawn[3])
    with pytest.raises(UsageError, match="a whole number of at least 0 or a numpy.random.Generator was expected"):
        CASES[name]("3")


def test_a_generator_goes_on_and_a_seed_is_itself():
    source = np.random.default_rng(1)
    assert generator(source) is source and seed_of(7) == 7
    assert seed_of(np.random.default_rng(1)) == seed_of(np.random.default_rng(1)) != seed_of(np.random.default_rng(2))
    for wrong in (None, -1, 1.5, True, "7", np.random.RandomState(0)):
        with pytest.raises(UsageError):
            generator(wrong)
