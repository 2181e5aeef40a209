import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insightrec.train.augmentation import (
    JITTER,
    LUMA,
    Augmentation,
    ImageDraws,
    cut_out,
    draw_images,
    jitter_color,
    recompress,
)

NOTHING = ImageDraws(*[0.999] * len(ImageDraws._fields))  # of one image


@pytest.fixture
def image():
    """Uneven in rows, columns and channels: uint8 (11, 14, 3)."""
    return np.random.default_rng(0).integers(0, 256, (11, 14, 3), np.uint8)


def applied(augmentation, image, draw):
    out = np.full_like(image, 77)
    draws = ImageDraws(*(np.array([0.0, number]) for number in draw))
    augmentation.apply(image.copy(), draws, 1, out)
    return out


@settings(max_examples=50)
@given(st.integers(0, 2**40), st.integers(0, 10**12), st.integers(0, 30), st.integers(1, 30))
def test_an_images_numbers_depend_on_its_place_only(seed, first, skip, count):
    whole, part = draw_images(seed, first, skip + count), draw_images(seed, first + skip, count)
    np.testing.assert_array_equal(np.array(whole)[:, skip:], np.array(part))


def test_numbers_are_uniform_and_independent():
    """20,000 of each kind: mean 1/2 within 5 standard errors, correlations near 0, also with the next image's."""
    numbers = np.stack(draw_images(5, 1000, 20_000), axis=1)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    np.testing.assert_allclose(numbers.mean(0), 0.5, atol=5 * 0.2887 / 20_000**0.5)
    both = np.corrcoef(np.hstack([numbers[1:], numbers[:-1]]).T)
    assert np.abs(both - np.eye(len(both))).max() < 0.04
    assert draw_images(6, 1000, 1).mirror != draw_images(5, 1000, 1).mirror


def test_mirrored_images_are_flipped(image):
    np.testing.assert_array_equal(applied(Augmentation(), image, NOTHING._replace(mirror=0.499)), np.flip(image, 1))
    np.testing.assert_array_equal(applied(Augmentation(), image, NOTHING._replace(mirror=0.5)), image)
    np.testing.assert_array_equal(applied(Augmentation(mirror=False), image, NOTHING._replace(mirror=0.0)), image)


def jitter_oracle(image, factors, order):
    """The steps one after another as ``mx.image`` makes them, in float64."""
    image = image.astype(np.float64)
    for step in order:
        factor = factors[step]
        luma = (image * LUMA).sum(axis=2, keepdims=True)
        image = image * factor + (1 - factor) * {"brightness": 0, "contrast": luma.mean(), "saturation": luma}[step]
    return image


@pytest.mark.parametrize("order", list(itertools.permutations(("brightness", "contrast", "saturation"))))
def test_jitter_is_the_three_steps_in_any_order(image, order):
    rng = np.random.default_rng(1)
    for _ in range(20):
        factors = dict(zip(("brightness", "contrast", "saturation"), rng.uniform(1 - JITTER, 1 + JITTER, 3)))
        expected = np.clip(jitter_oracle(image, factors, order), 0, 255)
        np.testing.assert_allclose(jitter_color(image, **factors), expected, atol=1)


def test_jitter_of_no_change(image):
    np.testing.assert_array_equal(jitter_color(image, 1.0, 1.0, 1.0), image)


@pytest.mark.parametrize("step", ["brightness", "contrast", "saturation"])
def test_each_factor_is_drawn_from_end_to_end(image, step):
    neutral = dict.fromkeys(("brightness", "contrast", "saturation"), 0.5)
    for number, factor in ((0.0, 1 - JITTER), (0.999999, 1 + JITTER)):
        found = applied(Augmentation(color=1), image, NOTHING._replace(**{**neutral, step: number}))
        factors = {**dict.fromkeys(neutral, 1.0), step: factor}
        np.testing.assert_allclose(found, np.clip(jitter_oracle(image, factors, [step]), 0, 255), atol=1)
        assert np.abs(found.astype(int) - image).max() > 3


def test_recompression_comes_first_and_at_every_other_image(image):
    draw = NOTHING._replace(recompress=0.49, quality=0.0, brightness=0.5, contrast=0.5, saturation=0.5)
    found = applied(Augmentation(color=2), image, draw)
    np.testing.assert_allclose(found, recompress(image, 2), atol=1)
    best = applied(Augmentation(color=2), image, draw._replace(quality=0.9999))
    np.testing.assert_allclose(best, recompress(image, 20), atol=1)
    for kept in (
        applied(Augmentation(color=2), image, draw._replace(recompress=0.5)),
        applied(Augmentation(color=1), image, draw),
    ):
        np.testing.assert_array_equal(kept, image)


@pytest.mark.parametrize("side", [1, 4, 5, 40])
def test_cut_out_is_a_clipped_square(side):
    for row, column in itertools.product((0, 3, 10), (0, 6, 13)):
        image = np.full((11, 14, 3), 9, np.uint8)
        cut_out(image, side, row, column)
        rows, columns = np.arange(11)[:, None], np.arange(14)
        low, high = -(side // 2), side - side // 2
        inside = (low <= rows - row) & (rows - row < high) & (low <= columns - column) & (columns - column < high)
        np.testing.assert_array_equal(image, np.where(inside, 128, 9)[..., None].repeat(3, 2))


def test_cut_out_is_centred_anywhere_at_every_other_image(image):
    cut = Augmentation(mirror=False, cutoff=1)
    for place in np.ndindex(11, 14):
        expected = image.copy()
        expected[place] = 128
        row, column = (np.array(place) + 0.5) / (11, 14)
        found = applied(cut, image, NOTHING._replace(cut=0.49, cut_row=row, cut_column=column))
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(applied(cut, image, NOTHING._replace(cut=0.5)), image)
