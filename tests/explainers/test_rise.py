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
