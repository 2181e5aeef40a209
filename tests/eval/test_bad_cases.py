import numpy as np

from insightrec.eval.bad_cases import CAPTION_HEIGHT, GAP, BadCase, bad_case_pages, bad_cases
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.verification_pack import VerificationPack


def test_each_pair_is_judged_at_its_own_folds_threshold():
    distance = [0.9, 1.1, 0.5, 0.9, 0.4, 1.1]
    is_same = [True, True, False, True, False, False]
    accepts, rejects = bad_cases(distance, is_same, fold_threshold=[1.0, 0.8])
    assert accepts == [BadCase(4, 0.4, 0.8), BadCase(2, 0.5, 1.0)]  # the closest two people first
    assert rejects == [BadCase(1, 1.1, 1.0), BadCase(3, 0.9, 0.8)]  # the most distant person first


def test_a_distance_on_the_threshold_is_a_reject():
    assert bad_cases([1.0], [True], [1.0]) == ([], [BadCase(0, 1.0, 1.0)])
    assert bad_cases([1.0], [False], [1.0]) == ([], [])


def test_pages_show_both_images_of_each_pair_over_a_caption():
    shades = [np.full((112, 96, 3), shade, np.uint8) for shade in range(0, 240, 4)]
    pack = VerificationPack([encode_rgb(image, ".png") for image in shades], np.zeros(30, bool))
    cases = [BadCase(pair, 0.5, 1.0) for pair in reversed(range(30))]
    (page,) = bad_case_pages(cases, pack, (112, 96), "lfw.bin")
    tile_height, tile_width = 112 + CAPTION_HEIGHT + GAP, 192 + GAP
    assert page.shape == (8 * tile_height + GAP, 4 * tile_width + GAP, 3)
    for number, case in enumerate(cases):
        top, left = GAP + number // 4 * tile_height, GAP + number % 4 * tile_width
        assert (page[top : top + 112, left : left + 96] == 8 * case.pair).all()
        assert (page[top : top + 112, left + 96 : left + 192] == 8 * case.pair + 4).all()
        caption = page[top + 112 : top + 112 + CAPTION_HEIGHT, left : left + 192]
        assert caption.min() < 64
        assert caption.max() == 255


def test_many_cases_take_several_pages():
    image = encode_rgb(np.zeros((20, 20, 3), np.uint8), ".png")
    pack = VerificationPack([image] * 164, np.zeros(82, bool))
    pages = list(bad_case_pages([BadCase(pair, 0.5, 1.0) for pair in range(82)], pack, (20, 20), "lfw.bin"))
    assert len(pages) == 3
    assert pages[0].shape == pages[1].shape
    assert pages[2].shape[0] == 20 + CAPTION_HEIGHT + 2 * GAP
    assert list(bad_case_pages([], pack, (20, 20), "lfw.bin")) == []
