import numpy as np
import pytest
import torch

from affectlens.learning.augmentation.cover import HARMLESS, PLACES, covered_crops, fit_cover
from affectlens.models.nets.face import FaceNetConfig, TwoStreamFaceNet

NARROW = FaceNetConfig(plain=(8, 8, 8), attention=(8, 8, 8))


@pytest.fixture
def faces(rng):
    """Dark eyes and a dark mouth on a light ground, a little different each time."""
    images = 190 + rng.normal(0, 8, (420, 48, 48))
    for image in images:
        dy, dx = rng.integers(-1, 2, 2)
        for top, bottom, left, right in ((16, 21, 11, 18), (16, 21, 30, 37), (35, 40, 17, 31)):
            image[top + dy : bottom + dy, left + dx : right + dx] = 40
    return images.clip(0, 255).astype(np.uint8)


def test_patches_lie_where_they_are_said_to(faces):
    pictures = torch.from_numpy(faces).float().div(255).unsqueeze(1)
    out, which = covered_crops(pictures, torch.Generator().manual_seed(0))
    again, _ = covered_crops(pictures, torch.Generator().manual_seed(0))
    assert torch.equal(out, again)
    changed = (out != pictures)[:, 0]
    shares = which.mean(0)
    assert (shares > 0.25).all() and (shares < 0.42).all() and which.sum(1).max() == 1
    for part, (top, bottom, left, right) in enumerate(PLACES.values()):
        middle = changed[:, int(48 * (top + bottom) / 2), int(48 * (left + right) / 2)]
        assert middle[which[:, part] == 1].float().mean() > 0.95
        assert not middle[which[:, part] == 0].any()
    assert (~changed[which.sum(1) == 0].any(2).any(1)).any() and HARMLESS  # some are left as they are


def test_covered_parts_are_told_on_other_crops(faces):
    torch.manual_seed(0)
    net = TwoStreamFaceNet(NARROW).eval()
    learnt = fit_cover(net, faces[:300])
    pictures = torch.from_numpy(faces[300:]).float().div(255).unsqueeze(1)
    covered, which = covered_crops(pictures, torch.Generator().manual_seed(5))
    with torch.no_grad():
        probability = torch.sigmoid(net.bands(covered) @ learnt["cover.weight"].T + learnt["cover.bias"])
    for part in range(2):
        inside, outside = probability[which[:, part] == 1, part], probability[which[:, part] == 0, part]
        rank = (inside[:, None] > outside[None, :]).float().mean()
        assert rank > 0.9
