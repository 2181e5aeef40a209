import numpy as np
import pytest

from insightrec.megaface.devkit_score import score_matrix
from insightrec.megaface.score_tile import ScoreTile, prepare
from insightrec.megaface.traditional_galleries import TRIALS, MinimalStandard, draw_galleries, images_ahead


def test_ten_thousandth_number_of_the_standard():
    """C++11, 26.5.5: the 10000th number of a minstd_rand0 that starts with 1 is 1043618065."""
    random = MinimalStandard()
    for _ in range(9999):
        random.draw(2147483645)  # one number a draw
    assert random.draw(2147483645) == 1043618065 - 1


def test_first_draws():
    random = MinimalStandard()  # 16807, 282475249, 1622650073, 984943658
    span = 2147483645 // 10
    assert [random.draw(10) for _ in range(4)] == [(x - 1) // span for x in (16807, 282475249, 1622650073, 984943658)]


def test_numbers_too_large_are_drawn_again():
    random = MinimalStandard()
    count = 2147483645 // 2 + 1  # whole spans of 1: half of the numbers are refused
    assert [random.draw(count) for _ in range(3)] == [16806, 282475248, 984943657]


def test_galleries_have_one_image_of_each_person():
    subjects = [np.array([0, 4, 5]), np.array([1]), np.array([2, 3])]
    trials = list(draw_galleries(subjects))
    assert len(trials) == TRIALS
    for gallery, probes in trials:
        assert [image in images for image, images in zip(gallery, subjects)] == [True] * 3
        assert sorted([*gallery, *probes]) == list(range(6))
        assert probes.tolist() == [image for images in subjects for image in images if image not in gallery]
    assert len({tuple(gallery) for gallery, _ in trials}) > 1


@pytest.mark.parametrize("ties", [True, False])
def test_images_ahead_equals_sorting(ties):
    random = np.random.default_rng(2)
    values = random.standard_normal((60, 8), np.float32)
    if ties:
        values = np.sign(values)
    images = prepare(values)
    matrix = score_matrix(images.features, images.features)
    gallery = random.permutation(60)[:15]
    probes = np.setdiff1d(np.arange(60), gallery)
    own = random.integers(0, 15, len(probes))
    scores = matrix[probes, gallery[own]]
    order = np.sort(gallery)  # columns of the tile stand in list order
    tile = ScoreTile(images, images.rows(order))
    ahead = images_ahead(tile, np.searchsorted(order, gallery), probes, own, scores)
    for position, probe in enumerate(probes):
        found = sorted(gallery, key=lambda image: (-matrix[probe, image], -image))
        assert ahead[position] == found.index(gallery[own[position]])
