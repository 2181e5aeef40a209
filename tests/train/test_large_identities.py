import pytest

from insightrec.recordio_tools.errors import RecordError
from insightrec.train.large_identities import images_of, large_identities


def test_images_of_small_identities_are_left_out(make_faces):
    faces = make_faces([0, 1, 1, 1, 2, 2, 3, 3, 3])
    assert images_of(large_identities(faces, 1)).tolist() == list(range(9))
    assert images_of(large_identities(faces, 2)).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert large_identities(faces, 3).tolist() == [[1, 4], [6, 9]]
    with pytest.raises(RecordError, match=r"expected an identity of 4 images or more, found at most 3; lower --images"):
        large_identities(faces, 4)
