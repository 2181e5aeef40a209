import hashlib
import json
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools.errors import OutputError, PackError
from insightrec.recordio_tools.verification_pack import read_pack, write_pack

IMAGES = [b"\xff\xd8a\xff\xd9", b"\xff\xd8" + bytes(range(256)) * 2, b"\x89PNG\r\n", b"\xff\xd8a\xff\xd9"]
IS_SAME = [True, False]
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.fixture
def read(tmp_path):
    """Function ``(value, protocol) -> VerificationPack`` that pickles a value and reads it back."""

    def read(value, protocol=2):
        (tmp_path / "p.bin").write_bytes(pickle.dumps(value, protocol))
        return read_pack(tmp_path / "p.bin")

    return read


def array(image):
    return np.frombuffer(image, np.uint8)


def column(image):
    return np.array(array(image)).reshape(-1, 1)


def text(image):
    return image.decode("latin-1")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("element", [bytes, text, array, column])
@pytest.mark.parametrize("flags", [list, tuple, np.array, lambda f: [int(x) for x in f], lambda f: list(np.array(f))])
@pytest.mark.parametrize("outer", [list, tuple])
def test_every_dialect(read, protocol, element, flags, outer):
    pack = read(outer(([element(image) for image in IMAGES], flags(IS_SAME))), protocol)
    assert pack.images == IMAGES
    assert all(type(image) is bytes for image in pack.images)
    assert pack.is_same.tolist() == IS_SAME
    assert pack.is_same.dtype == bool


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "<i2", ">i4", "<i8", ">u8"])
def test_flag_arrays_of_any_width(read, dtype):
    assert read((IMAGES, np.array(IS_SAME, dtype))).is_same.tolist() == IS_SAME
    assert read((IMAGES, list(np.array(IS_SAME, dtype)))).is_same.tolist() == IS_SAME


def python2_pack():
    """What Python 2's cPickle.dump(pack, f, 2) writes for two pairs that share an image; put together by hand."""
    first, second = b"\xff\xd8first", b"\xff\xd8" + b"x" * 300
    return (
        b"\x80\x02]q\x01("
        + (b"U\x07" + first + b"q\x02")  # SHORT_BINSTRING, BINPUT
        + (b"T" + struct.pack("<i", 302) + second + b"q\x03")  # BINSTRING
        + b"h\x02j\x03\x00\x00\x00"  # BINGET, LONG_BINGET
        + b"e]q\x04(\x88\x89e\x86q\x05."
    ), [first, second, first, second]


def test_python2_pack_with_shared_images(tmp_path):
    data, images = python2_pack()
    assert pickle.loads(data, encoding="bytes") == (images, IS_SAME)  # the bytes above are right
    (tmp_path / "p.bin").write_bytes(data)
    pack = read_pack(tmp_path / "p.bin")
    assert pack.images == images
    assert pack.images[0] is pack.images[2]
    assert pack.is_same.tolist() == IS_SAME


def test_distinct_goes_by_content(read):
    images, index = read((IMAGES, IS_SAME)).distinct()
    assert images == IMAGES[:3]
    assert index.tolist() == [0, 1, 2, 0]
    assert index.dtype == np.int64


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (([], []), "expected at least one pair, found 0 images and 0 flags"),
        ((IMAGES, []), "expected at least one pair, found 4 images and 0 flags"),
        ((IMAGES[:3], IS_SAME), "expected 4 images for 2 flags, found 3 images and 2 flags"),
        ((IMAGES, [*IS_SAME, True]), "expected 6 images for 3 flags"),
        ((IMAGES,), r"expected \(images, is_same\)"),
        ((IMAGES, IS_SAME, IS_SAME), r"expected \(images, is_same\)"),
        (IMAGES[0], r"expected \(images, is_same\)"),
        (None, r"expected \(images, is_same\)"),
        ((IMAGES[0], IS_SAME), r"expected \(images, is_same\)"),
        (([*IMAGES[:3], 5], IS_SAME), "image 3: expected an encoded image .* found int"),
        (([*IMAGES[:3], [b"x"]], IS_SAME), "image 3: expected an encoded image .* found list"),
        (([*IMAGES[:3], np.zeros(4, np.int8)], IS_SAME), "image 3: expected an encoded image .* found array"),
        (([*IMAGES[:3], np.zeros((2, 2, 3), np.uint8)], IS_SAME), "expected an array"),
        ((IMAGES, None), "expected a list of flags, found nonetype"),
        ((IMAGES, b"\x01\x00"), "expected a list of flags, found bytes"),
        ((IMAGES, [True, 2]), "pair 1: expected a flag .* found 2"),
        ((IMAGES, [-1, True]), "pair 0: expected a flag .* found -1"),
        ((IMAGES, [True, None]), "pair 1: expected a flag .* found nonetype"),
        ((IMAGES, [True, b"1"]), "pair 1: expected a flag .* found bytes"),
        ((IMAGES, [True, 1 << 2000]), "pair 1: expected a flag .* found int"),
        ((IMAGES, np.array([1, 7])), "pair 1: expected a flag .* found 7"),
        ((IMAGES, np.frombuffer(b"\x01\x02", bool)), "pair 1: expected a flag .* found 2"),
        ((IMAGES, np.array([1.0, 0.0])), "dtype"),
        ((IMAGES, [1.0, 0.0]), "BINFLOAT"),
    ],
)
def test_other_structures_are_refused(read, value, reason):
    with pytest.raises(PackError, match=rf"p\.bin: .*{reason}"):
        read(value)


def test_files_that_are_no_pack(tmp_path):
    (tmp_path / "empty.bin").touch()
    with pytest.raises(PackError, match="found 0 bytes"):
        read_pack(tmp_path / "empty.bin")
    with open(tmp_path / "huge.bin", "wb") as file:
        file.truncate(1 << 40)  # sparse
    with pytest.raises(PackError, match="expected a pack of at most 2147483648 bytes"):
        read_pack(tmp_path / "huge.bin")
    (tmp_path / "photo.bin").write_bytes(IMAGES[0])
    with pytest.raises(PackError, match="byte 0: refused the pickle operation"):
        read_pack(tmp_path / "photo.bin")


# Writing


def test_golden_bytes(tmp_path):
    facts = write_pack(tmp_path / "p.bin", [b"\xff\xd8A", b"B", b"B", b"\xff\xd8A"], [True, False])
    expected = bytes.fromhex(
        "80 02 5d 28"
        "54 03000000 ffd841 72 01000000"  # the first image, remembered as 1
        "54 01000000 42     72 02000000"
        "6a 02000000 6a 01000000"
        "65 5d 28 88 89 65 86 2e"
    )
    assert (tmp_path / "p.bin").read_bytes() == expected
    assert facts["bytes"] == len(expected)
    assert facts["sha256"] == hashlib.sha256(expected).hexdigest()


def test_python_reads_it_with_both_encodings(tmp_path):
    write_pack(tmp_path / "p.bin", IMAGES, IS_SAME)
    data = (tmp_path / "p.bin").read_bytes()
    assert pickle.loads(data, encoding="bytes") == (IMAGES, IS_SAME)
    assert pickle.loads(data, encoding="latin1") == ([text(image) for image in IMAGES], IS_SAME)
    with pytest.raises(UnicodeDecodeError):  # what makes InsightFace's reader try encoding="bytes"
        pickle.loads(data)


@given(st.lists(st.tuples(st.binary(max_size=400), st.sampled_from(IMAGES), st.booleans()), min_size=1, max_size=20))
def test_write_read_write(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("round") / "p.bin"
    images, is_same = [image for pair in pairs for image in pair[:2]], [pair[2] for pair in pairs]
    write_pack(path, images, is_same)
    first = path.read_bytes()
    pack = read_pack(path)
    assert (pack.images, pack.is_same.tolist()) == (images, is_same)
    write_pack(path, pack.images, pack.is_same, overwrite=True)
    assert path.read_bytes() == first


def test_description(tmp_path):
    facts = write_pack(tmp_path / "a" / "lfw.bin", IMAGES, IS_SAME, description={"kind": "lfw"})
    assert json.loads((tmp_path / "a" / "lfw.bin.json").read_text()) == facts
    counts = {name: facts[name] for name in ("kind", "pairs", "same", "different", "distinct_images")}
    assert counts == {"kind": "lfw", "pairs": 2, "same": 1, "different": 1, "distinct_images": 3}
    assert facts["written_by"].startswith("insightrec ")


def test_refuses_to_overwrite_either_file(tmp_path):
    path, notes = tmp_path / "p.bin", tmp_path / "p.bin.json"
    write_pack(path, IMAGES, IS_SAME)
    before = path.read_bytes()
    for gone in (path, notes):
        gone.unlink()
        with pytest.raises(OutputError, match="exists already"):
            write_pack(path, IMAGES[:2], [True])
        write_pack(path, IMAGES, IS_SAME, overwrite=True)
    assert path.read_bytes() == before


def test_a_failed_write_leaves_the_old_pack(tmp_path):
    path = tmp_path / "p.bin"
    write_pack(path, IMAGES, IS_SAME)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(TypeError):
        write_pack(path, [*IMAGES[:3], None], IS_SAME, overwrite=True)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize(("images", "flags"), [(IMAGES[:3], IS_SAME), ([], []), (IMAGES, [True])])
def test_writer_checks_the_counts(tmp_path, images, flags):
    with pytest.raises(PackError, match="expected"):
        write_pack(tmp_path / "p.bin", images, flags)
    assert list(tmp_path.iterdir()) == []
