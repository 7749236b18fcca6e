import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from affectlens.learning.augmentation import photometric as changes


@pytest.fixture
def crops(rng):
    """Smooth pictures with every grey level alike, as FER2013 has them."""
    smooth = gaussian_filter(rng.random((24, 48, 48)), (0, 3, 3))
    ranks = smooth.reshape(24, -1).argsort(1).argsort(1).reshape(smooth.shape)
    return torch.from_numpy((ranks / (48 * 48 - 1)).astype(np.float32)).unsqueeze(1)


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", ["uneven", "lit", "contrasted", "blurred", "coarse", "noisy", "jpeg", "photometric"])
def test_a_change_is_seeded_bounded_and_does_something(crops, name):
    change = getattr(changes, name)
    first, again, other = change(crops, seeded()), change(crops, seeded()), change(crops, seeded(2))
    assert torch.equal(first, again) and not torch.equal(first, other) and not torch.equal(first, crops)
    assert first.shape == crops.shape and first.min() >= -1e-6 and first.max() <= 1 + 1e-6


def test_the_tone_curve_keeps_the_order_of_grey_levels_and_makes_them_uneven(crops):
    out = changes.uneven(crops, seeded())
    for before, after in zip(crops, out, strict=True):
        order = before.flatten().argsort()
        assert (after.flatten()[order].diff() >= -1e-6).all()
    heights = torch.stack([torch.histc(picture, 8, 0, 1) for picture in out]) / (48 * 48)
    assert (heights.std(1) > 0.02).all()  # equalised pictures have 1/8 in each


def test_blur_is_that_of_scipy(crops, monkeypatch):
    monkeypatch.setattr(changes, "_uniform", lambda n, low, high, generator: torch.full((n, 1, 1, 1), 1.2))
    expected = gaussian_filter(crops[0, 0].numpy(), 1.2, mode="nearest", truncate=4 / 1.2)
    np.testing.assert_allclose(changes.blurred(crops, seeded())[0, 0].numpy(), expected, atol=2e-3)


def test_jpeg_is_near_what_a_jpeg_library_makes(crops, monkeypatch):
    monkeypatch.setattr(changes, "_uniform", lambda n, low, high, generator: torch.full((n, 1, 1, 1), 20.0))
    ours = changes.jpeg(crops, seeded())[0, 0].numpy() * 255
    held = io.BytesIO()
    Image.fromarray((crops[0, 0].numpy() * 255).round().astype(np.uint8)).save(held, "JPEG", quality=20)
    theirs = np.asarray(Image.open(held)).astype(float)
    lost = np.abs(theirs - crops[0, 0].numpy() * 255).mean()
    assert np.abs(ours - theirs).mean() < 0.35 * lost  # the library rounds its table and its colours


def test_light_from_a_side_darkens_along_one_direction():
    white = torch.ones(40, 1, 48, 48)
    out = changes.lit(white, seeded())
    assert (out.amax((1, 2, 3)) <= 1).all() and (out.amin((1, 2, 3)) >= 0.39).all()
    second = out.diff(dim=3).diff(dim=3).abs().max()
    assert second < 1e-5  # a ramp, no spot


def test_without_strength_nothing_changes(crops):
    assert torch.equal(changes.photometric(crops, seeded(), 0.0), crops)
