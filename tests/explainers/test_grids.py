import numpy as np
import pytest
import torch

from affectlens.core.errors import ModelError
from affectlens.explainers.cam.grids import Grid, grid_of, zeros


def kind_of(shape, picture, *more):
    grid = grid_of(torch.zeros(1, *shape), picture, "layer", *more)
    return grid.kind, grid.height, grid.width, grid.prefix


@pytest.mark.parametrize(
    ("shape", "picture", "want"),
    [
        ((8, 6, 4), (24, 16), ("first", 6, 4, 0)),
        ((6, 4, 8), (24, 16), ("last", 6, 4, 0)),
        ((5, 5, 5), (10, 10), ("first", 5, 5, 0)),  # where both fit, channels come first
        ((64, 2, 3), (16, 24), ("first", 2, 3, 0)),  # a grid of 64 x 2 is finer than the picture
        ((197, 16), (224, 224), ("tokens", 14, 14, 1)),
        ((24, 16), (16, 24), ("tokens", 4, 6, 0)),
        ((29, 16), (16, 24), ("tokens", 4, 6, 5)),
        ((32, 16), (16, 24), ("tokens", 4, 6, 8)),
    ],
)
def test_layouts_are_told_by_the_pictures_form(shape, picture, want):
    assert kind_of(shape, picture) == want


def test_a_given_grid_settles_what_is_open():
    assert kind_of((4, 6, 6), (24, 24), (4, 6)) == ("last", 4, 6, 0)
    assert kind_of((4, 6, 6), (24, 24), (6, 6)) == ("first", 6, 6, 0)
    assert kind_of((6, 6, 6), (24, 24), (6, 6)) == ("first", 6, 6, 0)
    assert kind_of((26, 3), (24, 24), (4, 6)) == ("tokens", 4, 6, 2)
    assert kind_of((32, 3), (24, 24), (4, 6)) == ("tokens", 4, 6, 8)
    for shape, given in (((33, 3), (4, 6)), ((23, 3), (4, 6))):
        with pytest.raises(ModelError, match="no map can be drawn"):
            kind_of(shape, (24, 24), given)


@pytest.mark.parametrize("shape", [(7,), (33, 16), (1, 16), (2, 3, 4, 5)])
def test_what_has_no_grid_is_refused(shape):
    with pytest.raises(ModelError, match="no map can be drawn"):
        kind_of(shape, (16, 24))


def test_planes_bring_the_channels_before_the_grid():
    x = torch.arange(2 * 3 * 2 * 2.0).reshape(2, 3, 2, 2)
    torch.testing.assert_close(Grid("first", 2, 2).planes(x), x)
    last = x.permute(0, 2, 3, 1)
    torch.testing.assert_close(Grid("last", 2, 2).planes(last), x)
    tokens = torch.cat([torch.full((2, 2, 3), 99.0), last.reshape(2, 4, 3)], dim=1)
    torch.testing.assert_close(Grid("tokens", 2, 2, 2).planes(tokens), x)
    stack = torch.stack([tokens, 2 * tokens], dim=1)
    torch.testing.assert_close(Grid("tokens", 2, 2, 2).planes(stack, 2), torch.stack([x, 2 * x], dim=1))
    torch.testing.assert_close(Grid("last", 2, 2).planes(torch.stack([last, last], dim=1), 2), torch.stack([x, x], dim=1))


def test_channels_are_taken_out_and_prefix_tokens_stay():
    keep = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    x = torch.rand(1, 2, 2, 3, generator=torch.Generator().manual_seed(0)) + 1
    first = Grid("first", 2, 3).without(x, keep)
    assert first.shape == (3, 2, 2, 3) and (first[0, 1] == 0).all() and torch.equal(first[1, 1], x[0, 1])
    last = Grid("last", 2, 3).without(x.permute(0, 2, 3, 1), keep)
    torch.testing.assert_close(last.permute(0, 3, 1, 2), first)
    tokens = torch.rand(1, 7, 2, generator=torch.Generator().manual_seed(0)) + 1
    out = Grid("tokens", 2, 3, 1).without(tokens, keep)
    assert torch.equal(out[:, 0], tokens[0, 0].expand(3, 2)) and (out[0, 1:, 1] == 0).all()
    assert torch.equal(out[0, 1:, 0], tokens[0, 1:, 0])


def test_the_reference_is_the_second_half():
    x = torch.arange(4.0)[:, None] + 1
    np.testing.assert_array_equal(zeros(x)[:, 0].numpy(), [1, 2, 0, 0])
