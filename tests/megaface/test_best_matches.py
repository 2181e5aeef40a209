import numpy as np
import pytest

from insightrec.eval.pair_distance import normalized
from insightrec.megaface.best_matches import Match, best_matches, identity_centers


def brute_force(counterparts, rows, threshold):
    """Every pair, one by one, in float64."""
    found = []
    for row, feature in enumerate(rows):
        unit = feature.astype(np.float64) / np.linalg.norm(feature.astype(np.float64))
        cosines = [float(other @ unit) for other in counterparts]
        best = max(range(len(cosines)), key=lambda place: (cosines[place], -place))
        if cosines[best] >= threshold:
            found.append(Match(row, best, cosines[best]))
    return found


@pytest.mark.parametrize("block", [1, 7, 200])
def test_as_brute_force_whatever_the_blocks(block):
    rng = np.random.default_rng(0)
    counterparts = normalized(rng.normal(size=(30, 16)))
    rows = rng.normal(size=(200, 16)).astype(np.float32) * rng.uniform(0.1, 30, (200, 1)).astype(np.float32)
    rows[50] = counterparts[3] * 8
    blocks = [rows[start : start + block] for start in range(0, len(rows), block)]
    found = [match for _, match in best_matches([(counterparts, 0.5)], blocks)]
    expected = brute_force(counterparts, rows, 0.5)
    assert len(expected) > 20
    assert [match[:2] for match in found] == [match[:2] for match in expected]
    assert [match.cosine for match in found] == pytest.approx([match.cosine for match in expected], abs=1e-12)


def test_equal_counterparts_give_the_first_and_nearly_equal_ones_the_better():
    unit = normalized(np.array([[1.0, 0.0], [1.0, 1e-7], [1.0, 0.0]]))
    (first,) = best_matches([(unit, 0.9)], [np.array([[2.0, 0.0]])])
    assert first == (0, (0, 0, 1.0))
    (second,) = best_matches([(unit, 0.9)], [np.array([[1.0, 2e-7]])])
    assert second[1].counterpart == 1


def test_the_threshold_is_exact():
    unit = np.array([[1.0, 0.0]])
    row = np.array([[0.6, 0.8]])
    assert list(best_matches([(unit, 0.6)], [row]))
    assert not list(best_matches([(unit, np.nextafter(0.6, 1))], [row]))


def test_searches_are_of_their_own_and_rows_counted_through():
    unit = np.eye(3)
    searches = [(unit[:2], 0.9), (unit[2:], 0.9)]
    blocks = [np.eye(3)[[2]], np.eye(3)[[0, 2]]]
    assert list(best_matches(searches, blocks)) == [(1, (0, 0, 1.0)), (0, (1, 0, 1.0)), (1, (2, 0, 1.0))]


def test_a_zero_row_resembles_nobody():
    assert not list(best_matches([(np.eye(2), 0.1)], [np.zeros((1, 2))]))


def test_centers_weigh_every_image_alike():
    rows = np.array([[1.0, 0.0], [0.0, 50.0], [-3.0, 0.0], [0.0, 2.0]])
    names, centers = identity_centers([rows[:1], rows[1:]], ["b", "a", "c", "b"])
    assert names == ["b", "a", "c"]
    np.testing.assert_allclose(centers, [[np.sqrt(0.5), np.sqrt(0.5)], [0, 1], [-1, 0]])


def test_what_float32_would_decide_wrongly():
    """Thresholds that are met exactly, and counterparts that differ by less than a float32 product is off by."""
    rng = np.random.default_rng(0)
    counterpart = normalized(rng.normal(size=(1, 512)))
    rows = rng.normal(size=(100, 512))
    for row in rows:
        exact = float(counterpart[0] @ normalized(row[None])[0])
        assert [match.cosine for _, match in best_matches([(counterpart, exact)], [row[None]])] == [exact]
    near = normalized(counterpart + 1e-8 * rng.normal(size=(5, 512)))
    for row in rows:
        cosines = [float(other @ normalized(row[None])[0]) for other in near]
        ((_, match),) = best_matches([(near, -1)], [row[None]])
        assert match.counterpart == int(np.argmax(cosines))
