"""The order of photos."""

from insightrec.megaface.protocol_photo import photo_order


def test_a_folder_stays_together_whatever_sorts_before_a_slash():
    paths = ["a/2", "a-b/1", "a", "a/b/1", "a/10", "a b/1", "b"]
    assert sorted(paths, key=photo_order) == ["a", "b", "a/10", "a/2", "a/b/1", "a b/1", "a-b/1"]
