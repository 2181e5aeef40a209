import numpy as np
import pytest

from insightrec.train.class_angles import ClassAngles, class_angles


def at(degrees, length=1.0):
    return [length * np.cos(np.radians(degrees)), length * np.sin(np.radians(degrees))]


def test_angles_of_a_hand_made_plane():
    # Centres at 350, 40 and 200 degrees; lengths do not count.
    degrees = [346, 354, 40, 40, 198, 202]
    embeddings = [at(angle, length) for angle, length in zip(degrees, (1, 1, 0.1, 30, 5, 5))]
    angles = class_angles(embeddings, [7, 7, 2, 2, 4, 4])
    assert angles.within == pytest.approx((4 + 4 + 0 + 0 + 2 + 2) / 6, abs=1e-5)
    assert angles.between == pytest.approx(50)
    assert angles.ratio == pytest.approx(25)


def test_loop_oracle_in_any_dimension():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 4
    embeddings = rng.normal(size=(40, 5)) + 4 * rng.normal(size=(4, 5))[labels]
    unit = [row / np.linalg.norm(row) for row in embeddings]
    centers = []
    for label in range(4):
        mean = sum(row for row, own in zip(unit, labels) if own == label)
        centers.append(mean / np.linalg.norm(mean))

    def angle(a, b):
        return np.degrees(np.arccos(a @ b))

    within = np.mean([angle(row, centers[label]) for row, label in zip(unit, labels)])
    between = min(angle(centers[a], centers[b]) for a in range(4) for b in range(a))
    assert class_angles(embeddings, labels) == pytest.approx((within, between))


def test_no_spread_and_no_direction():
    assert ClassAngles(0.0, 36.0).ratio == float("inf")
    assert class_angles([[0, 0], at(0), at(90)], [0, 0, 1]) == pytest.approx((30, 90))


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="two classes or more, found 1"):
        class_angles([at(0), at(1)], [3, 3])
