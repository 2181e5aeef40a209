import numpy as np
import pytest

from insightrec.megaface.feature_source import PackedFeatures
from insightrec.megaface.noise_policy import person_centers, push_away, replace_by_centers, zero
from insightrec.megaface.packed_store import write_store
from insightrec.recordio_tools.errors import FeatureError

ROWS = np.random.default_rng(0).standard_normal((12, 4)).astype(np.float32)
PATHS = [f"{'abc'[i % 3]}/{i}.png" for i in range(12)]
NOISY = np.isin(np.arange(12), [0, 4, 7])  # one of a; two of b, which leaves it 1 and 10


@pytest.fixture
def source(tmp_path):
    write_store(tmp_path / "store", ROWS, PATHS, 4)
    return PackedFeatures(tmp_path / "store")


def test_a_noisy_distractor_is_far_from_all(source):
    changed = push_away(source, NOISY)
    rows = np.vstack([changed.read(0, 5), changed.read(5, 12)])
    assert rows.dtype == np.float32
    assert rows.shape == (12, changed.dimension) == (12, 5)
    np.testing.assert_array_equal(rows[:, :4], ROWS)
    np.testing.assert_array_equal(rows[:, 4], np.where(NOISY, 100, 0))
    probe = np.append(ROWS[1], 0)
    assert (((rows - probe) ** 2).sum(axis=1) >= 10000).tolist() == NOISY.tolist()


def test_zero(source):
    changed = zero(source, NOISY)
    rows = np.vstack([changed.read(0, 5), changed.read(5, 12)])
    assert rows.dtype == np.float32
    assert rows.shape == (12, changed.dimension) == (12, 4)
    np.testing.assert_array_equal(rows, np.where(NOISY[:, None], 0, ROWS))


def test_a_noisy_probe_is_nearly_its_persons_center(source):
    changed = replace_by_centers(source, NOISY, seed=0)
    rows = np.vstack([changed.read(0, 5), changed.read(5, 12)])
    assert rows.dtype == np.float32
    assert rows.shape == (12, changed.dimension) == (12, 5)
    np.testing.assert_array_equal(rows[~NOISY], np.pad(ROWS, ((0, 0), (0, 1)))[~NOISY])
    assert (rows[:, 4] == 0).all()
    for index, others in {0: [3, 6, 9], 4: [1, 10], 7: [1, 10]}.items():
        center = ROWS[others].astype(np.float64).sum(axis=0)  # a sum: the noise is small beside it, not beside a mean
        assert np.linalg.norm(rows[index]) == pytest.approx(1, abs=1e-6)
        moved = rows[index, :4] * np.linalg.norm(center) - center
        assert 0 < np.abs(moved).max() < 0.001 * (1 + 2 * np.sqrt(4))  # the norm moved too
    assert not np.array_equal(rows[4], rows[7])


def test_the_noise_is_uniform_within_a_thousandth(tmp_path):
    rows = np.zeros((2, 4000), np.float32)
    rows[0, 0] = 1
    write_store(tmp_path / "store", rows, ["a/1", "a/2"], 4000)
    (row,) = person_centers(PackedFeatures(tmp_path / "store"), np.array([False, True]), 3).values()
    moved = row[1:4000] / row[0]
    assert 0.00099 < np.abs(moved).max() < 0.001002
    assert np.abs(moved).mean() == pytest.approx(0.0005, rel=0.05)
    assert np.abs(moved.mean()) < 0.00005


def test_the_order_of_the_list_makes_no_difference(source, tmp_path):
    centers = person_centers(source, NOISY, 5)
    order = np.random.default_rng(1).permutation(12)
    shuffled = PackedFeatures(tmp_path / "store", [PATHS[i] for i in order])
    again = person_centers(shuffled, NOISY[order], 5)
    assert {shuffled.paths[i]: row.tobytes() for i, row in again.items()} == {
        PATHS[i]: row.tobytes() for i, row in centers.items()
    }


def test_the_seed_makes_one(source):
    first, again, other = (person_centers(source, NOISY, seed)[4] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_golden_replacement(source):
    # A change of these numbers changes the results of everyone who gives --seed.
    golden = [-0.43867984, 0.45815572, 0.64751637, 0.42234567, 0]
    np.testing.assert_allclose(person_centers(source, NOISY, 0)[4], golden, rtol=1e-6)


def test_a_person_without_a_clean_image(source):
    with pytest.raises(FeatureError, match=r"b: expected an image that is not noisy .*; give --policy drop"):
        person_centers(source, np.isin(np.arange(12), [1, 4, 7, 10]), 0)
