"""The pickle machine: every dialect is read, everything else is refused before it can do harm."""

import builtins
import contextlib
import io
import os
import pickle
import pickletools
import struct
import subprocess
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insightrec.recordio_tools import pack_unpickler
from insightrec.recordio_tools.errors import PackError
from insightrec.recordio_tools.pack_unpickler import Array, load_pickle

EVERY_BYTE = bytes(range(256))
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), 1 << 63) | st.binary(min_size=1, max_size=300),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=12,
)


@given(values, st.sampled_from(PROTOCOLS))
def test_reads_what_pickle_writes(value, protocol):
    assert load_pickle(pickle.dumps(value, protocol), "p") == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_text_comes_as_its_latin1_bytes(protocol):
    text = EVERY_BYTE.decode("latin-1")
    assert load_pickle(pickle.dumps([text, "x" * 300], protocol), "p") == [EVERY_BYTE, b"x" * 300]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", [0, 255, 256, 65535, 65536, -1, -(1 << 31), 1 << 40, (1 << 2000) - 1])
def test_integers_of_every_width(value, protocol):
    if value.bit_length() > 64 and protocol < 2:
        with pytest.raises(PackError, match="found no end of it"):
            load_pickle(pickle.dumps(value, protocol), "p")
    else:
        assert load_pickle(pickle.dumps(value, protocol), "p") == value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (b"S'plain'\n.", b"plain"),
        (
            rb"""S"it's\xff\\\n\t\r\'"
.""",
            b"it's\xff\\\n\t\r'",
        ),
        (b"U\x03\xff\xd8\xff.", b"\xff\xd8\xff"),
        (b"T\x03\x00\x00\x00\xff\xd8\xff.", b"\xff\xd8\xff"),
        (b"L12L\n.", 12),
        (b"I01\n.", True),
    ],
)
def test_python2_strings_and_numbers(written, meant):
    assert load_pickle(written, "p") == meant
    assert pickle.loads(written, encoding="bytes") == meant


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("shape", [(256,), (256, 1), (1, 256)])
def test_reads_uint8_arrays(shape, protocol):
    array = load_pickle(pickle.dumps(np.frombuffer(EVERY_BYTE, np.uint8).reshape(shape), protocol), "p")
    assert isinstance(array, Array)
    assert (array.dtype.code, array.data) == ("u1", EVERY_BYTE)
    writable = load_pickle(pickle.dumps(np.arange(256, dtype=np.uint8).reshape(shape), protocol), "p")
    assert writable.data == EVERY_BYTE


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_reads_numpy_scalars(protocol):
    scalars = [np.True_, np.False_, np.int64(-3), np.uint8(200), np.array(7, ">i2")[()]]
    assert load_pickle(pickle.dumps(scalars, protocol), "p") == [1, 0, -3, 200, 7]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("package", ["numpy.core", "numpy._core"])
def test_reads_arrays_of_numpy_1_and_2(package, protocol):
    data = pickle.dumps([np.arange(5, dtype=np.uint8), np.True_], protocol)
    array, scalar = load_pickle(with_numpy_package(data, package), "p")
    assert array.data == bytes(range(5))
    assert scalar == 1


def with_numpy_package(data, package):
    """The pickle as the NumPy with this package name writes it."""
    for module in ("multiarray", "numeric"):
        for old in ("numpy.core", "numpy._core"):
            before, after = f"{old}.{module}".encode(), f"{package}.{module}".encode()
            data = data.replace(bytes([0x8C, len(before)]) + before, bytes([0x8C, len(after)]) + after)
            data = data.replace(b"c" + before + b"\n", b"c" + after + b"\n")
    return data


def test_what_the_pickle_shares_is_shared():
    image = EVERY_BYTE * 10
    for protocol in PROTOCOLS:
        first, second, third = load_pickle(pickle.dumps([image, image, bytes(bytearray(image))], protocol), "p")
        assert first is second
        assert third == first


# What it refuses. Each of these would run code, take the memory or take the time if pickle loaded it.


class Call:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def test_nothing_that_a_pickle_names_is_run(tmp_path):
    canary = tmp_path / "canary"
    attacks = [
        Call(os.system, f"touch {canary}"),
        Call(eval, f"open({str(canary)!r}, 'w')"),
        Call(exec, f"open({str(canary)!r}, 'w')"),
        Call(open, str(canary), "w"),
        Call(subprocess.Popen, ["touch", str(canary)]),
        Call(getattr, Call(__import__, "os"), "system"),
        Call(np.save, str(canary), 0),
        Call(np.frombuffer, b"x"),
    ]
    for attack in attacks:
        for protocol in PROTOCOLS:
            data = pickle.dumps(([attack], [True]), protocol)
            with pytest.raises(PackError, match=r"evil\.bin: byte \d+: refused to load "):
                load_pickle(data, "evil.bin")
    assert not canary.exists()


def test_the_error_names_what_was_refused():
    with pytest.raises(PackError, match=r"x\.bin: byte 2: refused to load (posix|nt)\.system, which no"):
        load_pickle(pickle.dumps(os.system, 2), "x.bin")


@pytest.mark.parametrize(
    "name",
    [
        *(b"numpy\nload", b"numpy\nload.__globals__", b"numpy\ndtype.__new__", b"_codecs\ndecode", b"_codecs\nlookup"),
        *(
            b"numpy.core.multiarray\nfromfile",
            b"numpy.core.multiarray\n_reconstruct.__globals__",
            b"\n",
            b"copyreg\n_rec",
        ),
    ],
)
def test_names_are_exact(name):
    with pytest.raises(PackError, match="refused to load"):
        load_pickle(b"c" + name + b"\n.", "p")
    module, attribute = name.split(b"\n")
    joined = b"".join(b"\x8c" + bytes([len(part)]) + part for part in (module, attribute))
    with pytest.raises(PackError, match="refused to load"):
        load_pickle(joined + b"\x93.", "p")


KNOWN = set(pack_unpickler._OPERATIONS) | {pack_unpickler.STOP}


@pytest.mark.parametrize("code", sorted(set(range(256)) - KNOWN))
def test_other_operations_are_refused(code):
    with pytest.raises(PackError, match="p: byte 0: refused the pickle operation"):
        load_pickle(bytes([code]) + bytes(20), "p")


def test_dangerous_operations_are_not_known():
    dangerous = (
        "EXT1 EXT2 EXT4 PERSID BINPERSID INST OBJ NEWOBJ NEWOBJ_EX NEXT_BUFFER READONLY_BUFFER DUP LONG4 SETITEMS"
    )
    codes = {opcode.name: ord(opcode.code) for opcode in pickletools.opcodes}
    assert not KNOWN & {codes[name] for name in dangerous.split()}


DTYPE = b"cnumpy\ndtype\n(S'%s'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"
EMPTY_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(%stS'b'\ntR"


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (b"(S'O8'\nI0\nI1\ntR", "dtype"),  # completed below: an array of objects
        (b"(S'V1000000000'\nI0\nI1\ntR", "dtype"),
        (b"((lp0\ntR", "dtype"),
        (b")R", "name of a dtype"),
        (b"(S'u1'\nI0\nI1\ntR}b", "EMPTY_DICT"),
        (b"(S'u1'\nI0\nI1\ntRNb", "set the state"),
        (b"(S'u1'\nI0\nI1\ntR(I3\nNNNNI-1\nI-1\nI0\ntb", "set the state"),
        (b"(S'u1'\nI0\nI1\ntR(I3\nS'!'\nNNNI-1\nI-1\nI0\ntb", "byte order"),
        (b"(S'u1'\nI0\nI1\ntR)R", "refused to call"),
    ],
)
def test_dtypes_other_than_plain_numbers_are_refused(attack, reason):
    with pytest.raises(PackError, match=reason):
        load_pickle(b"cnumpy\ndtype\n" + attack + b".", "p")


@pytest.mark.parametrize(
    ("shape", "data"),
    [
        (b"I1000000000000\n", b"S'abc'\n"),
        (b"I-3\n", b"S'abc'\n"),
        (b"I-1\nI-3\n", b"S'abc'\n"),
        (b"I2\n", b"S'abc'\n"),
        (b"", b"S'abc'\n"),
        (b"I2\nI2\n", b"S'abcd'\n"),
        (b"I3\nI1\nI1\n", b"S'abc'\n"),
        (b"S'3'\n", b"S'abc'\n"),
        (b"I3\n", b"(lp0\n"),
        (b"I3\n", b"I3\n"),
    ],
)
def test_arrays_must_fit_their_bytes(shape, data):
    state = b"(I1\n(" + shape + b"t" + DTYPE % b"u1" + b"I00\n" + data + b"tb."
    with pytest.raises(PackError, match="expected an array"):
        load_pickle(EMPTY_ARRAY % b"I0\n" + state, "p")


def test_an_array_claims_no_memory_before_its_data():
    empty = load_pickle(EMPTY_ARRAY % b"I1000000000000\n" + b".", "p")
    assert empty.data is None


@pytest.mark.parametrize(
    "call",
    [
        b"c_codecs\nencode\n(S'x'\nS'zip_codec'\ntR.",
        b"c_codecs\nencode\n(S'x'\nS'bz2'\ntR.",
        b"c_codecs\nencode\n(S'x'\ntR.",
        b"c_codecs\nencode\n(I1\nS'latin1'\ntR.",
        b"c_codecs\nencode\nI1\nR.",
        b"cnumpy\nndarray\n)R.",
        b"cnumpy.core.multiarray\nscalar\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\nscalar\n(" + DTYPE % b"i8" + b"S'x'\ntR.",
        b"cnumpy.core.multiarray\nscalar\n(NS'x'\ntR.",
        b"cnumpy.core.numeric\n_frombuffer\n(S'x'\ntR.",
        b"cnumpy.core.numeric\n_frombuffer\n(S'x'\nN(I1\ntS'C'\ntR.",
        b"S'system'\n)R.",
        b"(lS'x'\nb.",
    ],
)
def test_allowed_names_cannot_be_abused(call):
    with pytest.raises(PackError):
        load_pickle(call, "p")


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x8e" + struct.pack("<Q", 1 << 62) + b"x",  # BINBYTES8 of 4 EiB
        b"\x96" + struct.pack("<Q", 1 << 40) + b"x",
        b"\x8d" + struct.pack("<Q", (1 << 64) - 1) + b"x",
        b"B\xff\xff\xff\xffx",
        b"T\xff\xff\xff\xffx",
        b"X\xff\xff\xff\x7fx",
        b"\x95" + struct.pack("<Q", 1 << 62) + b".",  # FRAME
        b"Nr\xff\xff\xff\xff.",  # the C unpickler makes room for 2^32 memo entries
        b"I" + b"9" * 5000 + b"\n.",
        b"L" + b"9" * 5000 + b"L\n.",
        b"c" + b"a" * 100000 + b"\n.",
    ],
)
def test_a_claimed_size_allocates_nothing(bomb):
    tracemalloc.start()
    try:
        with pytest.raises(PackError):
            load_pickle(bomb + b"(", "p")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_sharing_does_not_multiply():
    """A thousand uses of one long text, through encoding and as arrays, are a thousand references."""
    length = 1 << 20
    text = b"X" + struct.pack("<I", length) + b"a" * length + b"p1\n"
    encoded = b"c_codecs\nencode\n(g1\nS'latin1'\ntR"
    array = b"cnumpy.core.numeric\n_frombuffer\n(g1\n" + DTYPE % b"u1" + b"(I%d\ntS'C'\ntR" % length
    tracemalloc.start()
    try:
        items = load_pickle(b"(" + text + (encoded + array) * 1000 + b"l.", "p")
        assert tracemalloc.get_traced_memory()[1] < 8 * length
    finally:
        tracemalloc.stop()
    assert all(item is items[0] for item in items[1::2])
    assert all(item.data is items[0] for item in items[2::2])


def test_nested_and_self_referring_values_do_no_harm():
    depth = 50_000
    load_pickle(b"N" + b"\x85" * depth + b".", "p")  # freed without recursion, too
    load_pickle(b"]" * depth + b"a" * (depth - 1) + b".", "p")
    load_pickle(b"]q\x00h\x00a.", "p")
    laughs = b")q\x00" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(200)) + b"."
    load_pickle(laughs, "p")
    nested = b"N" + b"\x85" * depth
    for use in (b"cnumpy\ndtype\n" + nested + b"R.", b"S'a'\n" + nested + b"\x93.", nested + b"S'a'\n\x93."):
        with pytest.raises(PackError):
            load_pickle(use, "p")
    for function in (b"c_codecs\nencode\n", b"cnumpy\ndtype\n", b"cnumpy.core.multiarray\nscalar\n"):
        with pytest.raises(PackError):
            load_pickle(function + nested + nested + b"\x86R.", "p")


def test_number_of_operations_is_bounded(monkeypatch):
    monkeypatch.setattr(pack_unpickler, "MAX_OPERATIONS", 1000)
    assert load_pickle(b"N" * 999 + b".", "p") is None
    with pytest.raises(PackError, match="expected at most 1000 pickle operations"):
        load_pickle(b"]" * 1000 + b".", "p")


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b".", b"N", b"K", b"N.N.", b"Na.", b"e.", b"(e.", b"N\x86.", b"R.", b"b.", b"\x93.", b"NN\x93.", b"c."),
        *(b"p1\n.", b"g5\n.", b"h\x05.", b"Ia\n.", b"I\n.", b"I1_0.\n", b"V\\u12\n.", b"V\\u1234\n."),
        *(b"X\x01\x00\x00\x00\xff.", b"X\x03\x00\x00\x00\xe1\x88\xb4."),
        *(b"S'a\n.", b"Sa\n.", b"S'\n.", b"S\n.", rb"S'\q'" + b"\n.", rb"S'\'" + b"\n.", rb"S'\\\'" + b"\n."),
        *(rb"S'\x\\41'" + b"\n.", rb"S'\x4'" + b"\n.", rb"S'\101'" + b"\n.", b"S'\\"),
    ],
)
def test_damaged(data):
    with pytest.raises(PackError, match=r"^p: byte \d+: "):
        load_pickle(data, "p")


PACKS = [
    pickle.dumps(([b"\xff\xd8one", b"\xff\xd8two"] * 2, [True, False]), 2),
    pickle.dumps(([np.arange(40, dtype=np.uint8).reshape(-1, 1)] * 2, np.array([True])), 3),
    pickle.dumps(([np.arange(40, dtype=np.uint8), "text"], [np.True_]), 5),
    pickle.dumps(([np.arange(40, dtype=np.uint8), b"one"], [1]), 0),
    b"\x80\x02](T\x05\x00\x00\x00\xff\xd8onej\x01\x00\x00\x00e](\x88e\x86.",
]


@pytest.mark.parametrize("pack", PACKS)
def test_cut_short_anywhere(pack):
    for end in range(len(pack)):
        with pytest.raises(PackError):
            load_pickle(pack[:end], "p")


@given(st.sampled_from(PACKS), st.data())
def test_random_changes_are_read_or_refused(pack, data):
    changed = bytearray(pack)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(pack) - 1))
        changed[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    with_any_outcome(bytes(changed))


@given(st.binary(max_size=100))
def test_random_bytes_are_read_or_refused(data):
    with_any_outcome(data)


codes = sorted(KNOWN)


@given(
    st.lists(st.sampled_from(codes).map(lambda code: bytes([code])) | st.binary(max_size=4), max_size=60).map(b"".join)
)
def test_random_programs_are_read_or_refused(program):
    with_any_outcome(b"NN]q\x00)q\x01(cnumpy\ndtype\nq\x02" + program + b".")


def with_any_outcome(data):
    with contextlib.suppress(PackError):
        load_pickle(data, "p")


def test_the_machine_uses_no_unpickler(monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("unpickled")

    data = pickle.dumps([np.arange(3, dtype=np.uint8), b"x"], 2)
    for module, name in ((pickle, "loads"), (pickle, "load"), (pickle, "Unpickler"), (builtins, "eval"), (io, "open")):
        monkeypatch.setattr(module, name, forbidden)
    assert load_pickle(data, "p")[1] == b"x"
