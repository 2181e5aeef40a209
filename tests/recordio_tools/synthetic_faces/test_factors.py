"""People and views: repeatable, and as spread as their factors say."""

from dataclasses import fields

import numpy as np
import pytest

from insightrec.recordio_tools.synthetic_faces.factors import CLIP_SIGMA, FaceIdentity, FaceView, person_rng


def person(seed, number):
    return FaceIdentity.sample(person_rng(seed, number))


def test_seed_changes_the_person():
    assert person(0, 1) == person(0, 1)
    assert person(0, 1) != person(1, 1)
    assert person(0, 1) != person(0, 2)


def test_pictures_of_a_person_have_generators_of_their_own():
    views = [FaceView.sample(person_rng(0, 1, number)) for number in (1, 2, 1)]
    assert views[0] == views[2]
    assert views[0] != views[1]
    assert FaceIdentity.sample(person_rng(0, 1, 1)) != person(0, 1)


@pytest.mark.parametrize("kind", [FaceIdentity, FaceView])
def test_factors_are_normal_and_cut(kind):
    samples = [kind.sample(person_rng(0, number)) for number in range(400)]
    for factor in (f for f in fields(kind) if f.metadata):
        values = np.array([getattr(sample, factor.name) for sample in samples])
        z = (values - factor.default) / factor.metadata["spread"]
        assert np.abs(z).max() <= CLIP_SIGMA + 1e-9
        assert abs(z.mean()) < 0.25
        assert 0.8 < z.std() < 1.1
