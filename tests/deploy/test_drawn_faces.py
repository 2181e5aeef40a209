import numpy as np
import pytest

from insightrec.deploy.drawn_faces import drawn_faces


@pytest.mark.parametrize("size", [(112, 112), (112, 96), (4, 6), (600, 20)])
def test_sizes(size):
    faces = drawn_faces(2, size)
    assert (faces.shape, faces.dtype) == ((2, *size, 3), np.uint8)


def test_persons_differ_and_are_repeatable():
    faces = drawn_faces(3, (112, 112))
    np.testing.assert_array_equal(faces, drawn_faces(3, (112, 112)))
    assert np.abs(faces[0].astype(int) - faces[1]).mean() > 5
    assert np.abs(faces - drawn_faces(3, (112, 112), seed=1).astype(int)).mean() > 5
