import numpy as np

from insightrec.deploy.network_input import network_input


def test_rgb_goes_channels_first_and_blank_rows_follow():
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 3, 3), np.uint8)
    batch = network_input(images, mean=127.5, scale=0.5, rows=3)
    assert (batch.shape, batch.dtype) == ((3, 3, 4, 3), np.float32)
    for image, channel, y, x in np.ndindex(2, 3, 4, 3):
        assert batch[image, channel, y, x] == (float(images[image, y, x, channel]) - 127.5) * 0.5
    assert (batch[2] == -63.75).all()


def test_gray_is_the_weighted_sum_of_the_colors():
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 3, 3), np.uint8)
    batch = network_input(images, color="gray")
    assert batch.shape == (2, 1, 4, 3)
    expected = images @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(batch[:, 0], expected, rtol=0, atol=1)
