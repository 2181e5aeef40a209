import os

import numpy as np
import pytest

from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_codec import decode_rgb, encode_rgb
from insightrec.recordio_tools.image_file import read_image


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", "/dev/zero", tmp_path):
        with pytest.raises(ImageError, match="expected a regular file of at most 536870911 bytes, found something"):
            read_image(path)


def test_a_file_larger_than_a_record_is_not_read(tmp_path):
    with open(tmp_path / "big.jpg", "wb") as file:
        file.truncate(1 << 29)  # a sparse file
    with pytest.raises(ImageError, match=r"big\.jpg: expected .*, found 536870912 bytes"):
        read_image(tmp_path / "big.jpg")


@pytest.mark.parametrize(("name", "reason"), [("a\0b.jpg", "null"), ("absent.jpg", "No such file")])
def test_a_name_that_cannot_be_opened_is_an_image_error(tmp_path, name, reason):
    with pytest.raises(ImageError, match=f"cannot be read .*{reason}"):
        read_image(tmp_path / name)


def test_gray_images_keep_one_channel(tmp_path):
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = tmp_path / "gray.png"
    path.write_bytes(encode_rgb(gray, ".png"))
    assert path.read_bytes()[25] == 0  # PNG's color type, gray
    np.testing.assert_array_equal(read_image(path, gray=True)[1], gray)
    assert read_image(path)[1].shape == (16, 16, 3)


def test_the_ending_of_the_name_does_not_matter(tmp_path, faces):
    (tmp_path / "photo.jpg").write_bytes(faces(1, (20, 28), ".png"))
    np.testing.assert_array_equal(read_image(tmp_path / "photo.jpg")[1], decode_rgb(faces(1, (20, 28), ".png"), "x"))
