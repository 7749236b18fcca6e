"""Every registered explainer keeps to its contract, and each check catches one that does not."""

import numpy as np
import pytest
import torch

from affectlens.checks import CheckError, check_explainer
from affectlens.checks.explainer import CHECKS, small_model
from affectlens.core.errors import UsageError
from affectlens.explainers.cam import METHODS, CamEngine, register_cam
from affectlens.explainers.cam.outside import rise


@pytest.mark.parametrize("method", METHODS)
def test_every_registered_method(method):
    check_explainer(method)


def test_rise():
    def explain(model, pictures):
        maps = [rise(lambda x: model.predict(np.stack(x)), picture, np.random.default_rng(0), masks=20) for picture in pictures]
        return np.stack(maps)

    check_explainer(explain)


def sound(model, pictures):
    return CamEngine(model, "0")(pictures, "hirescam").maps


def flat(model, pictures):
    return sound(model, pictures).mean(axis=1)


def infinite(model, pictures):
    return np.log(sound(model, pictures) * 0)


def constant(model, pictures):
    return np.zeros_like(sound(model, pictures))


def scaled(model, pictures):
    maps = sound(model, pictures)
    return maps / np.abs(maps).max()


def ordered(model, pictures):
    maps = sound(model, pictures)
    return maps[np.argsort(maps.sum(axis=(1, 2, 3)))]


def drawn(model, pictures):
    return sound(model, pictures) + np.random.default_rng().normal(size=(1, 1, 12, 10)) * 1e-6


def seeds(model, pictures):
    torch.manual_seed(0)
    return sound(model, pictures)


def paints(model, pictures):
    maps = sound(model, pictures)
    pictures[:] = 0
    return maps


def accumulates(model, pictures):
    model.net(model.tensor(pictures)).sum().backward()
    return sound(model, pictures)


def listens(model, pictures):
    handle = model.net[0].register_forward_hook(lambda *_: None)
    maps = sound(model, pictures)
    handle.remove()
    return maps


BROKEN = {
    flat: ("shape", "maps are (4, 12, 10)"),
    infinite: ("shape", "not finite"),
    constant: ("shape", "all values of all maps are the same"),
    scaled: ("batches", "asked alone and together"),
    ordered: ("batches", "asked backwards"),
    drawn: ("repeated", "asked twice have different maps"),
    seeds: ("repeated", "global random numbers are moved"),
    paints: ("repeated", "the pictures are changed"),
    accumulates: ("untouched", "gradients of parameters of the network are not as they were"),
    listens: ("untouched", "hooks of the network are not as they were after an error"),
}


@pytest.mark.parametrize("explain", BROKEN)
def test_each_check_catches_an_explainer_that_does_not(explain):
    check, text = BROKEN[explain]
    pictures = np.random.default_rng(0).random((4, 1, 12, 10)).astype(np.float32)
    with pytest.raises(CheckError) as caught:
        check_explainer(explain, small_model(), pictures)
    assert any(text in problem for problem in caught.value.problems[check]), str(caught.value)


def test_targets_are_asked_of_methods():
    @register_cam("first only")
    def first_only(a, g):
        return (g[:, :1] * a[:, None]).sum(dim=2).expand(-1, g.shape[1], -1, -1)

    try:
        with pytest.raises(CheckError) as caught:
            check_explainer("first only")
        assert caught.value.problems.keys() == {"targets"}
    finally:
        METHODS.remove("first only")
    assert {check for check, _ in BROKEN.values()} | {"targets"} == set(CHECKS)


def test_what_is_not_given_is_told():
    with pytest.raises(UsageError, match="did you mean hirescam"):
        check_explainer("hirecam")
    with pytest.raises(UsageError, match="give pictures with the model"):
        check_explainer("hirescam", small_model())


def test_the_small_model_is_always_the_same():
    before = torch.get_rng_state()
    a, b = small_model(), small_model()
    assert all(torch.equal(x, y) for x, y in zip(a.net.parameters(), b.net.parameters(), strict=True))
    assert torch.equal(before, torch.get_rng_state())
