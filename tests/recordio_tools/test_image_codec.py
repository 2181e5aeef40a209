import io
import struct
import subprocess
import sys
import warnings
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from stand_ins.pictures import picture, saved

from insightrec.recordio_tools import image_codec
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_codec import decode_gray, decode_rgb, encode_rgb
from insightrec.recordio_tools.image_header import read_image_header


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


def test_what_is_no_image_is_refused():
    for data in (b"", b"hello", bytes(5000), b"\xff\xd8\xff\xd9"):
        with pytest.raises(ImageError, match=r"^a\.jpg: "):
            decode_rgb(data, "a.jpg")


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


@pytest.mark.parametrize("encoding", [".jpg", ".png"])
def test_an_opencv_without_rgb_decoding_gives_the_same(faces, encoding, monkeypatch):
    straight = decode_rgb(faces(4, encoding=encoding), "x")
    monkeypatch.setattr(image_codec, "_READ_RGB", None)
    np.testing.assert_array_equal(decode_rgb(faces(4, encoding=encoding), "x"), straight)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_alpha_is_dropped(kind):
    alpha = np.where(np.arange(28) % 2, 255, 60).astype(np.uint8) * np.ones((20, 1), np.uint8)
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(np.dstack([picture(), alpha]), kind, **options)
    np.testing.assert_array_equal(decode_rgb(data, "x"), picture())


def test_gray_palette_and_one_bit_are_rgb():
    gray = picture()[..., 0]
    for data in (
        saved(gray, "PNG"),
        saved(np.dstack([gray, gray // 2]), "PNG"),  # with alpha
        saved(gray, "BMP"),
        saved(gray, "GIF"),
        saved(gray, "TIFF"),
        saved(gray, "WEBP", lossless=True),
    ):
        np.testing.assert_array_equal(decode_rgb(data, "x"), np.dstack([gray] * 3))
    few = Image.fromarray(picture()).quantize(16)
    for data in (saved(few, "PNG"), saved(few, "PNG", transparency=3), saved(few, "GIF"), saved(few, "BMP")):
        np.testing.assert_array_equal(decode_rgb(data, "x"), np.asarray(few.convert("RGB")))
    bits = Image.fromarray(gray).convert("1")
    np.testing.assert_array_equal(decode_rgb(saved(bits, "PNG"), "x")[..., 2], np.asarray(bits) * 255)


@pytest.mark.parametrize("channels", [1, 3])
def test_of_16_bits_the_upper_8(channels):
    every = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)
    data = cv2.imencode(".png", every if channels == 1 else np.dstack([every] * 3))[1].tobytes()
    np.testing.assert_array_equal(decode_rgb(data, "x"), np.dstack([every >> 8] * 3))


@pytest.mark.parametrize("coding", ["CMYK", "YCCK", "without Adobe's mark"])
def test_four_color_jpegs_as_pillow_reads_them(coding):
    data = saved(Image.fromarray(picture()).convert("CMYK"), "JPEG", quality=95)
    mark = data.index(b"Adobe")
    if coding == "YCCK":
        data = data[: mark + 11] + b"\2" + data[mark + 12 :]  # the transform
    elif coding != "CMYK":
        data = data[: mark - 4] + data[mark + 12 :]
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    np.testing.assert_allclose(decode_rgb(data, "x").astype(int), expected.astype(int), atol=2)
    if coding != "YCCK":
        np.testing.assert_allclose(decode_rgb(data, "x").astype(int), picture().astype(int), atol=12)


def test_a_progressive_jpeg():
    expected = decode_rgb(saved(picture(), "JPEG", quality=90), "x")
    np.testing.assert_array_equal(decode_rgb(saved(picture(), "JPEG", quality=90, progressive=True), "x"), expected)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("GIF", {}), ("PNG", {}), ("PNG", {"default_image": True}), ("WEBP", {"lossless": True}), ("TIFF", {})],
    ids=["GIF", "APNG", "APNG with a still picture", "WebP", "TIFF"],
)
def test_of_an_animation_the_first_picture(kind, options):
    first, *others = (Image.fromarray(np.full((20, 28, 3), value, np.uint8)) for value in (200, 10, 90))
    data = saved(first, kind, save_all=True, append_images=others, **options)
    np.testing.assert_array_equal(decode_rgb(data, "x"), np.asarray(first))


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "WEBP"])
def test_gray_is_the_luma(kind):
    data = saved(picture(), kind)
    luma = cv2.cvtColor(decode_rgb(data, "x"), cv2.COLOR_RGB2GRAY)
    np.testing.assert_allclose(decode_gray(data, "x").astype(int), luma, atol=3)


def test_an_opencv_without_rgb_decoding_gives_the_same_of_a_gif(monkeypatch):
    data = saved(picture(), "GIF")
    straight = decode_rgb(data, "x")
    monkeypatch.setattr(image_codec, "_READ_RGB", None)
    np.testing.assert_array_equal(decode_rgb(data, "x"), straight)


def test_photos_of_telephones_that_are_no_jpegs_are_named():
    with pytest.raises(ImageError, match=r"^a\.jpg: expected a JPEG.*found an AVIF or HEIC image; convert it$"):
        decode_rgb(b"\0\0\0\x18ftypheic" + bytes(500), "a.jpg")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"progressive": True}),
        ("BMP", {}),
        ("TIFF", {}),
        ("GIF", {}),
        ("WEBP", {}),
        ("WEBP", {"save_all": True}),
    ],
)
def test_every_format_cut_anywhere_is_refused(kind, options):
    frames = {"append_images": [Image.fromarray(255 - picture())]} if "save_all" in options else {}
    data = saved(picture(), kind, **options, **frames)
    for keep in range(0, len(data) // 2, max(1, len(data) // 200)):
        with pytest.raises(ImageError, match=r"^a\.jpg: [^\n]{20,400}$"):
            decode_rgb(data[:keep], "a.jpg")


def declared(kind, side):
    """A small file that declares side x side pixels."""
    data = bytearray(saved(picture(), kind.split()[0], **({"lossless": True} if kind == "WEBP" else {})))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", side, side)
    elif kind == "PNG":
        data[16:24] = struct.pack(">II", side, side)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", side, side)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", side, side)
    elif kind == "TIFF":
        for entry in (b"\0\1\4\0", b"\1\1\4\0"):  # width, height, of 4 bytes
            at = data.index(entry) + 8
            data[at : at + 4] = struct.pack("<I", side)
    else:
        bits = int.from_bytes(data[21:25], "little")
        data[21:25] = (bits >> 28 << 28 | (side - 1) << 14 | (side - 1)).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP"])
@pytest.mark.parametrize("side", [9500, 16000])  # Pillow warns of the first and refuses the second
def test_too_many_pixels_are_said_in_our_words(kind, side):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match=rf"^x: expected at most 67108864 pixels, found {side}x{side}; "):
            decode_rgb(declared(kind, side), "x")


@pytest.mark.parametrize(
    ("kind", "side"),
    [("JPEG", 65000), ("PNG", 1 << 30), ("BMP", 40000), ("GIF", 65535), ("TIFF", 60000), ("WEBP", 16384)],
)
def test_a_small_file_that_declares_a_huge_image_costs_no_memory(tmp_path, kind, side):
    (tmp_path / "bomb.jpg").write_bytes(declared(kind, side))
    code = (
        "import sys\n"
        "from insightrec.recordio_tools.image_file import read_image\n"
        "from insightrec.recordio_tools.errors import ImageError\n"
        "def peak(): return next(int(line.split()[1]) for line in open('/proc/self/status') if 'VmHWM' in line)\n"
        "before = peak()\n"
        "try: read_image(sys.argv[1])\n"
        "except ImageError as error: print(peak() - before, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "bomb.jpg")], capture_output=True, text=True)
    used, message = done.stdout.split(" ", 1)
    assert int(used) < 50_000  # KB
    assert message.startswith(f"{tmp_path}/bomb.jpg: ")
    assert message.count("\n") == 1


EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"  # orientation 6
WHOLE = {
    "JPEG": saved(picture(), "JPEG", exif=EXIF),
    "progressive": saved(picture(), "JPEG", progressive=True),
    "PNG": saved(picture(), "PNG", exif=EXIF),
    "APNG": saved(picture(), "PNG", save_all=True, append_images=[Image.fromarray(255 - picture())]),
    "WebP": saved(picture(), "WEBP", exif=EXIF),
    "animated WebP": saved(picture(), "WEBP", save_all=True, append_images=[Image.fromarray(255 - picture())]),
    "GIF": saved(picture(), "GIF"),
    "TIFF": saved(picture(), "TIFF", compression="tiff_lzw"),
    "BMP": saved(picture(), "BMP"),
}
CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", WHOLE)
@given(changes=CHANGES, in_head=st.booleans(), cut=st.none() | st.floats(0, 1))
@settings(max_examples=120)
def test_changed_bytes_give_pixels_or_an_image_error(kind, changes, in_head, cut):
    data = bytearray(WHOLE[kind])
    for place, value in changes:
        data[int(place * (min(len(data), 100) if in_head else len(data)))] = value
    data = bytes(data if cut is None else data[: int(cut * len(data))])
    for read in (decode_rgb, read_image_header):
        try:
            found = read(data, "x.jpg")
        except ImageError as error:
            assert "\n" not in str(error)
        else:
            assert read is read_image_header or (found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3)
