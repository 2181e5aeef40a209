"""The order of photos."""

from insightrec.megaface.protocol_photo import ProtocolPhoto, photo_order


def test_a_folder_stays_together_whatever_sorts_before_a_slash():
    paths = ["a/2", "a-b/1", "a", "a/b/1", "a/10", "a b/1", "b"]
    assert sorted(paths, key=photo_order) == ["a", "b", "a/10", "a/2", "a/b/1", "a b/1", "a-b/1"]


def test_a_photo_is_known_by_its_crop():
    photo = ProtocolPhoto("in/a b/1.jpg", "a_b/1.png", 0)
    assert (photo.photo, photo.crop) == ("a_b/1.png", "a_b/1.png")
