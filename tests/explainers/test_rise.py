import numpy as np

from affectlens.explainers.cam.outside import rise


def test_the_part_that_decides_is_found_and_the_rest_is_zero(rng):
    picture = rng.integers(60, 190, (48, 64, 3)).astype(np.uint8)
    picture[10:20, 40:55] = 255

    def answer(batch):
        p = np.array([x[10:20, 40:55].mean() / 255 for x in batch])
        return np.stack([p, 1 - p], axis=1)

    maps = rise(answer, picture, np.random.default_rng(0))
    assert maps.shape == (2, 48, 64)
    y, x = np.unravel_index(maps[0].argmax(), (48, 64))
    assert 6 <= y <= 24 and 36 <= x <= 58
    np.testing.assert_allclose(maps[0], -maps[1], atol=1e-6)  # what speaks for one speaks against the other
    assert abs(maps[0][35:, :20].mean()) < 0.3 * maps[0].max()


def test_any_form_and_batch_size(rng):
    def answer(batch):
        return np.stack([[np.mean(x), 1.0] for x in batch])

    x = rng.random((3, 30, 40)).astype(np.float32)
    a = rise(answer, x, np.random.default_rng(1), masks=40, batch_size=7)
    b = rise(answer, x, np.random.default_rng(1), masks=40, batch_size=40)
    assert a.shape == (2, 30, 40)
    np.testing.assert_allclose(a, b, atol=1e-6)
    assert rise(answer, x[0], np.random.default_rng(1), masks=5).shape == (2, 30, 40)


def test_maps_are_the_covariance_of_being_seen_and_the_answer(rng):
    """From what the model was asked: a white picture over a black ground shows the masks themselves."""
    seen = []

    def answer(batch):
        stack = np.stack(batch)
        seen.append(stack)
        p = stack[:, 5:9, 5:9].mean(axis=(1, 2))
        return np.stack([p, 1 - p], axis=1)

    picture = rng.random((20, 24)).astype(np.float32)
    maps = rise(answer, picture, np.random.default_rng(0), masks=50, cells=5, batch_size=16)
    assert [len(s) for s in seen] == [16, 16, 16, 2]
    import cv2

    ground = cv2.GaussianBlur(picture, (0, 0), 24 / 12)
    shown = np.concatenate(seen)
    masks = (shown - ground) / (picture - ground)
    sure = np.abs(picture - ground) > 0.05  # where the mask can be told from the pixel
    p = answer(list(shown))[:, 0]
    want = ((p - p.mean())[:, None, None] * (masks - masks.mean(axis=0))).mean(axis=0)
    np.testing.assert_allclose(maps[0][sure], want[sure], atol=1e-4)
    assert masks[:, sure].min() > -0.01 and masks[:, sure].max() < 1.01
    assert 0.4 < masks[:, sure].mean() < 0.6  # about half of the picture is seen


def test_four_hundred_masks_in_seven_cells_unless_told(rng):
    counts = []

    def answer(batch):
        counts.append(len(batch))
        return np.ones((len(batch), 1))

    rise(answer, rng.integers(0, 255, (16, 16)).astype(np.uint8), np.random.default_rng(0))
    assert sum(counts) == 400 and max(counts) == 32


def test_channels_come_first_or_last(rng):
    def answer(batch):
        return np.stack([[np.mean(x), 0.0] for x in batch])

    first = rng.random((4, 12, 16)).astype(np.float32)
    a = rise(answer, first, np.random.default_rng(0), masks=20)
    b = rise(answer, np.moveaxis(first, 0, -1), np.random.default_rng(0), masks=20)
    assert a.shape == (2, 12, 16)
    np.testing.assert_allclose(a, b, atol=1e-6)
