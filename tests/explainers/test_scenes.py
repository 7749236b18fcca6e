import cv2
import numpy as np
import pytest

from affectlens.explainers.interventions.registry import interventions
from affectlens.explainers.interventions.scenes import (
    blur_all_but,
    cut_out,
    insert,
    mask_of,
    remove,
    swap_background,
)  # fmt: skip


@pytest.fixture
def picture(rng):
    x = np.full((90, 120, 3), 90, np.uint8)
    x[:, :, 0] = np.linspace(60, 120, 120).astype(np.uint8)
    x[30:60, 40:80] = (250, 240, 20)
    return x


BOX = (40.0, 30.0, 80.0, 60.0)


@pytest.mark.parametrize("change", interventions("object"), ids=lambda c: c.name)
@pytest.mark.parametrize("grey", [False, True])
def test_objects_change_and_the_rest_stays(picture, change, grey):
    x = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if grey else picture
    out = change.change(x, mask_of([BOX], x.shape))
    assert out.shape == x.shape and out.dtype == np.uint8
    if change.name == "blur all but":
        assert (out[32:58, 42:78] == x[32:58, 42:78]).all()
    else:
        assert (out[:15] == x[:15]).all() and np.abs(out[35:55, 45:75].astype(int) - x[35:55, 45:75]).mean() > 2


def test_a_removed_object_is_filled_from_around_it(picture):
    out = remove(picture, mask_of([BOX], picture.shape))
    ground = np.array([90, 90, 90])
    assert np.abs(out[45, 60] - ground).max() < 12
    assert (remove(picture, np.ones(picture.shape[:2], np.float32)) == 127).all()  # nothing is left to fill in from


@pytest.mark.parametrize("change", interventions("scene"), ids=lambda c: c.name)
def test_whole_pictures_change(picture, change):
    out = change.change(picture)
    assert out.dtype == np.uint8 and (out.shape == picture.shape) == (change.name != "crop")
    assert change.name == "flip" or out.shape != picture.shape or (out != picture).any()
    assert change.change(np.ascontiguousarray(picture[..., 0])).ndim == 2


def test_another_background(picture):
    other = np.full((40, 40, 3), 7, np.uint8)
    out = swap_background(picture, mask_of([BOX], picture.shape), other)
    assert (out[:10] == 7).all() and np.abs(out[40:50, 50:70].astype(int) - picture[40:50, 50:70]).max() < 3
    assert blur_all_but(picture, mask_of([BOX], picture.shape)).shape == picture.shape


def test_things_are_cut_out_and_put_in(picture):
    thing, alpha = cut_out(picture, BOX)
    assert thing.shape[:2] == alpha.shape and alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] > 0.9 and alpha[0, 0] < 0.1
    ground = np.full((200, 300, 3), 30, np.uint8)
    out = insert(ground, thing, alpha, (1.0, 0.0), 0.3)
    changed = np.argwhere((out != 30).any(axis=2))
    assert changed[:, 1].max() >= 285 and changed[:, 0].max() < 80 and changed[:, 1].min() >= 205
    again = insert(ground, thing, alpha, (1.0, 0.0), 0.3)
    assert (again == out).all()
    flat = np.full((50, 50, 3), 9, np.uint8)
    assert cut_out(flat, (10, 10, 30, 30))[1].max() > 0.9  # no outline: the box
