import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.deploy.crop_names import crop_names


@pytest.mark.parametrize(
    ("photos", "encoding", "names"),
    [
        (["a.jpeg", "b.c.png", "d.JPG"], ".jpg", ["a.jpg", "b.c.jpg", "d.jpg"]),
        (["a.jpeg"], ".png", ["a.png"]),
        (["a.jpg", "a.png", "b.jpg"], ".jpg", ["a.jpg.jpg", "a.png.jpg", "b.jpg"]),
        # The second is the stem of the third: its whole name is taken.
        (["a.bmp", "a.jpg", "a.jpg.png"], ".jpg", ["a.bmp.jpg", "a.jpg.jpg", "a.jpg.png.jpg"]),
    ],
)
def test_names(photos, encoding, names):
    assert crop_names(photos, encoding) == names


@given(st.lists(st.text("ab.", min_size=1, max_size=4).map(lambda stem: f"a{stem}.jpg"), unique=True))
def test_no_two_crops_share_a_name(photos):
    photos += [photo + ending for photo in photos for ending in (".jpg", ".png") if photo + ending not in photos]
    names = crop_names(photos, ".jpg")
    assert len(set(names)) == len(names) == len(photos)
    assert all(name.endswith(".jpg") for name in names)
