import os
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest

from insightrec.recordio_tools import image_codec
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_codec import decode_rgb, decode_to_size, encode_rgb, read_image, read_image_header


@pytest.mark.parametrize("encoding", [".jpg", ".png"])
def test_channels_are_rgb(encoding):
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 250
    found = decode_rgb(encode_rgb(red, encoding), "red")
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found, red, atol=3)


def test_equals_opencv_on_a_gray_image():
    data = cv2.imencode(".png", np.arange(256, dtype=np.uint8).reshape(16, 16))[1].tobytes()
    np.testing.assert_array_equal(decode_rgb(memoryview(data), "gray")[..., 1], np.arange(256).reshape(16, 16))


def test_quality_changes_the_size(faces):
    image = decode_rgb(faces(1), "x")
    assert len(encode_rgb(image, ".jpg", 30)) < len(encode_rgb(image, ".jpg", 95))
    np.testing.assert_array_equal(decode_rgb(encode_rgb(image, ".png", 9), "x"), image)


@pytest.mark.parametrize("encoding", [".jpg", ".png"])
def test_an_image_cut_anywhere_is_refused(faces, encoding):
    data = faces(2, encoding=encoding)
    for keep in range(0, len(data) - 8, 97):
        with pytest.raises(
            ImageError, match=r"^a\.jpg: (expected an image, found|image is cut short|cannot be decoded)"
        ):
            decode_rgb(data[:keep], "a.jpg")


def test_what_is_no_image_is_refused():
    for data in (b"", b"hello", bytes(5000), b"\xff\xd8\xff\xd9"):
        with pytest.raises(ImageError, match=r"^a\.jpg: "):
            decode_rgb(data, "a.jpg")
        with pytest.raises(ImageError, match=r"^a\.jpg: expected an image, found"):
            read_image_header(data, "a.jpg")


def test_a_png_that_claims_huge_dimensions_is_refused():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    with pytest.raises(ImageError, match=r"bomb\.png: "):
        decode_rgb(bomb, "bomb.png")


@pytest.mark.parametrize("module", ["recordio_tools.face_alignment", "deploy.embedder", "eval.pack_embeddings"])
def test_the_limit_holds_whatever_is_imported_first(module):
    """OpenCV reads its limit when it is imported; some modules import it before the codec."""
    code = (
        f"import insightrec.{module}, cv2, numpy as np\n"
        "image = cv2.imencode('.png', np.zeros((8300, 8300), np.uint8))[1]\n"
        "try: cv2.imdecode(image, cv2.IMREAD_GRAYSCALE)\n"
        "except cv2.error: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"


def test_header_gives_size_and_format(faces):
    assert read_image_header(faces(3, (112, 96)), "x") == ("JPEG", 112, 96)
    assert read_image_header(memoryview(faces(3, (30, 40), ".png")), "x") == ("PNG", 30, 40)


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


def test_bytes_after_the_end_are_said(faces):
    with pytest.raises(ImageError, match="or has bytes after its end"):
        decode_rgb(faces(1, encoding=".png") + bytes(100), "a.png")


def test_decode_to_size_scales_crops_of_the_same_proportions():
    small = np.kron(np.array([[10, 200], [90, 30]], np.uint8), np.ones((4, 4), np.uint8))[:, :, None].repeat(3, 2)
    encoded = encode_rgb(small, ".png")
    np.testing.assert_array_equal(decode_to_size(encoded, (8, 8), "x"), small)
    assert decode_to_size(encoded, (2, 2), "x")[:, :, 0].tolist() == [[10, 200], [90, 30]]
    assert decode_to_size(encoded, (16, 16), "x").shape == (16, 16, 3)


def test_decode_to_size_refuses_other_proportions():
    encoded = encode_rgb(np.zeros((112, 96, 3), np.uint8))
    with pytest.raises(ImageError, match=r"lfw.bin: image 0: expected an image of 112x112 .* found 112x96"):
        decode_to_size(encoded, (112, 112), "lfw.bin: image 0")


@pytest.mark.parametrize("encoding", [".jpg", ".png"])
def test_an_opencv_without_rgb_decoding_gives_the_same(faces, encoding, monkeypatch):
    straight = decode_rgb(faces(4, encoding=encoding), "x")
    monkeypatch.setattr(image_codec, "_READ_RGB", None)
    np.testing.assert_array_equal(decode_rgb(faces(4, encoding=encoding), "x"), straight)
