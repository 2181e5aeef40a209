from typing import NamedTuple

import pytest

from insightrec.deploy.face_choice import choose_face, ordered_faces


class Face(NamedTuple):
    box: tuple


CORNER = Face((0, 0, 60, 60))
CENTER = Face((80, 80, 120, 120))


def test_the_rules_differ_on_a_large_face_in_the_corner():
    # The image's centre is (100, 100): 3600 - 2 * (70^2 + 70^2) against 1600 - 0.
    assert choose_face([CORNER, CENTER], (200, 200)) is CENTER
    assert choose_face([CORNER, CENTER], (200, 200), rule="largest") is CORNER


def test_a_face_much_larger_wins_though_it_is_off_centre():
    # Centre (60, 100): 120 * 120 - 2 * 40^2 = 11200 against 1600.
    large = Face((0, 40, 120, 160))
    assert choose_face([CENTER, large], (200, 200)) is large


def test_the_distance_counts_twice():
    # Centre (130, 100): 60 * 50 - 2 * 30^2 = 1200 against 1600; counted once it would be 2100.
    near = Face((100, 75, 160, 125))
    assert choose_face([near, CENTER], (200, 200)) is CENTER
    # Centre (120, 100): 60 * 50 - 2 * 20^2 = 2200; counted three times it would be 1800, and four times 1400.
    nearer = Face((90, 75, 150, 125))
    assert choose_face([CENTER, nearer], (200, 200)) is nearer
    # 41 * 60 - 2 * 20^2 = 1660; three times: 1260.
    assert choose_face([CENTER, narrow := Face((99.5, 70, 140.5, 130))], (200, 200)) is narrow


def test_the_order_of_all():
    large = Face((0, 40, 120, 160))
    again = Face(CENTER.box)
    assert ordered_faces([CORNER, CENTER, large, again], (200, 200)) == [large, CENTER, again, CORNER]
    assert ordered_faces([CENTER, again, CORNER], (200, 200))[1] is again  # equals stay in their order
    assert ordered_faces([CENTER, CORNER, large], (200, 200), "largest") == [large, CORNER, CENTER]
    assert ordered_faces([], (200, 200)) == []


def test_the_size_is_height_then_width():
    left, right = Face((40, 0, 60, 20)), Face((190, 40, 210, 60))
    assert choose_face([right, left], (100, 100)) is left
    assert choose_face([right, left], (100, 400)) is right


@pytest.mark.parametrize("rule", ["central", "largest"])
def test_no_face_one_face_and_equal_faces(rule):
    assert choose_face([], (200, 200), rule) is None
    assert choose_face([CORNER], (200, 200), rule) is CORNER
    first, second = Face((10, 10, 20, 20)), Face((10, 10, 20, 20))
    assert choose_face([first, second], (200, 200), rule) is first


def test_another_rule():
    with pytest.raises(ValueError, match=r"expected a rule of central, largest, found 'first'"):
        choose_face([CORNER], (200, 200), "first")
