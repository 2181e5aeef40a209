"""Reads the pickle inside a verification pack without unpickling anything.

A pickle is a program for a stack machine, and Python's own machine calls whatever the program names,
or allocates whatever it claims. This machine knows only the operations that packs are made of, calls
nothing of pickle or NumPy, and works on bytes that are already there: a length beyond the end of the
file is an error before it is an allocation.

It reads what Python 2 and Python 3 write with any protocol (0..5) for lists and tuples of bytes,
strings, integers, bools and NumPy 1 or 2 arrays and scalars. Opcodes: CPython, ``pickletools``.
"""

import codecs
import functools
import math
import pickletools
import re
import types

from insightrec.recordio_tools.errors import PackError

# A pack of 7000 pairs of pickled arrays takes 0.4 million operations. One operation is one byte in the file
# but up to 64 bytes of memory (an empty list), so their number bounds what a hostile file can claim.
MAX_OPERATIONS = 1 << 22

MAX_NUMBER_DIGITS = 24  # int() of a long text takes time quadratic in its length
MAX_NAME = 256  # of a module or an attribute
STOP = ord(".")

_ODD_ESCAPE = re.compile(rb"""\\(?!['"nrtx])""")  # what repr() never writes, pairs of backslashes aside


class Dtype:
    """Stands in for a pickled numpy.dtype: ``code`` such as ``"u1"``, ``order`` one of ``| < > =``."""

    def __init__(self, code):
        self.code = code
        self.order = "|"


class Array:
    """Stands in for a pickled one-column numpy.ndarray: its ``dtype`` and its raw ``data``, not copied."""

    dtype = None
    data = None  # until the pickle has set the array's state

    def fill(self, shape, dtype, data):
        """Check that shape, dtype and data belong together, and keep them."""
        plain = isinstance(shape, tuple) and len(shape) in (1, 2) and isinstance(dtype, Dtype) and _is_bytes(data)
        if not plain or not all(isinstance(side, int) and side >= 0 for side in shape):
            raise PackError("expected an array of plain numbers, found another kind; this is no verification pack")
        if max(shape) != math.prod(shape) or max(shape) * int(dtype.code[1]) != len(data):
            raise PackError(f"expected an array of {len(data)} bytes in one column, found another shape")
        self.dtype, self.data = dtype, data


def load_pickle(data, source):
    """Read one pickle.

    Args:
        data: bytes or mmap, the whole file.
        source: what to call the file in an error.

    Returns:
        The pickled value, built of list, tuple, bytes, int, bool, None, `Array` and `Dtype`. Text
        comes as its Latin-1 bytes: Python 2 did not tell them apart. What the pickle shares is shared.

    Raises:
        PackError: damaged, cut short, or asking for anything else than the above; names the byte.
    """
    machine = _Machine(data)
    try:
        return machine.run()
    except PackError as error:
        reason = str(error)
    except (IndexError, KeyError, ValueError):  # an empty stack, an unknown memo, bad text or numbers
        reason = "expected a valid pickle, found a damaged one; get the file again"
    except MemoryError:
        reason = "the pack does not fit into memory"
    raise PackError(f"{source}: byte {machine.start}: {reason}")


class _Machine:
    """The stack, the marks and the memo of one pickle; ``start`` is where the current operation begins."""

    def __init__(self, data):
        self.data, self.size = data, len(data)
        self.start = self.at = 0
        self.stack, self.marks, self.memo = [], [], {}

    def run(self):
        for _ in range(MAX_OPERATIONS):
            self.start = self.at
            code = self.take(1)[0]
            if code == STOP:
                break
            operation = _OPERATIONS.get(code)
            if operation is None:
                known = pickletools.code2op.get(chr(code))
                raise PackError(f"refused the pickle operation {known.name if known else hex(code)}; {_DISTRUST}")
            operation(self)
        else:
            raise PackError(f"expected at most {MAX_OPERATIONS} pickle operations, found more; {_DISTRUST}")
        if self.at != self.size:
            raise PackError(f"expected the end of the file, found {self.size - self.at} more bytes")
        return self.stack.pop()

    def take(self, count):
        end = self.at + count
        if end > self.size:
            raise PackError(f"expected {count} more bytes, found {self.size - self.at}; the file is cut short")
        piece = self.data[self.at : end]
        self.at = end
        return piece

    def line(self, limit):
        end = self.data.find(b"\n", self.at, min(self.at + limit, self.size))
        if end < 0:
            raise PackError("expected a line, found no end of it; the file is damaged")
        piece = self.data[self.at : end]
        self.at = end + 1
        return piece

    def unsigned(self, width):
        return int.from_bytes(self.take(width), "little")

    def since_mark(self):
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    # Operations. Each takes its operands from the file and the stack and pushes its result.

    def push(self, value):
        self.stack.append(value)

    def mark(self):
        self.marks.append(len(self.stack))

    def sized_bytes(self, width):
        self.push(self.take(self.unsigned(width)))

    def sized_text(self, width):
        self.push(self.take(self.unsigned(width)).decode("utf-8").encode("latin-1"))

    def text_line(self):
        self.push(self.line(self.size).decode("raw-unicode-escape").encode("latin-1"))

    def python2_string_line(self):
        line = self.line(self.size)
        quote, string = line[:1], line[1:-1]
        if quote not in (b"'", b'"') or not line[1:].endswith(quote) or _ODD_ESCAPE.search(string.replace(rb"\\", b"")):
            raise PackError("expected a quoted string, found something else; the file is damaged")
        self.push(codecs.escape_decode(string)[0])

    def signed(self, width):
        self.push(int.from_bytes(self.take(width), "little", signed=True))

    def integer_line(self):
        digits = self.line(MAX_NUMBER_DIGITS)
        self.push(digits == b"01" if digits in (b"00", b"01") else int(digits.rstrip(b"L")))

    def new_tuple(self, count):
        items = tuple(self.stack.pop() for _ in range(count))
        self.push(items[::-1])

    def extend(self, items):
        if not isinstance(self.stack[-1], list):
            raise PackError("expected a list to append to, found something else; the file is damaged")
        self.stack[-1].extend(items)

    def global_lines(self):
        self.push_global(self.line(MAX_NAME), self.line(MAX_NAME))

    def stack_global(self):
        name, module = self.stack.pop(), self.stack.pop()
        if not (_is_bytes(name) and _is_bytes(module)):
            raise PackError("expected a name, found something else; the file is damaged")
        self.push_global(module, name)

    def push_global(self, module, name):
        key = (module.replace(b"numpy._core.", b"numpy.core."), name)  # NumPy 2 moved it
        if key not in _GLOBALS:
            asked = b".".join((module, name))[:MAX_NAME].decode("ascii", "backslashreplace")
            raise PackError(f"refused to load {asked}, which no verification pack needs; {_DISTRUST}")
        self.push(_GLOBALS[key])

    def reduce(self):
        arguments, function = self.stack.pop(), self.stack.pop()
        if not (isinstance(function, types.FunctionType) and isinstance(arguments, tuple)):
            raise PackError(f"refused to call something that is no array or string; {_DISTRUST}")
        self.push(function(arguments))

    def build(self):
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Array) and isinstance(state, tuple) and len(state) == 5:
            _, shape, dtype, _, data = state  # version, ..., Fortran order: no matter in one column
            target.fill(shape, dtype, data)
        elif isinstance(target, Dtype) and isinstance(state, tuple) and len(state) >= 8 and _is_bytes(state[1]):
            target.order = _known(state[1], (b"|", b"<", b">", b"="), "byte order")
        else:
            raise PackError(f"refused to set the state of something that is no array; {_DISTRUST}")


_DISTRUST = "do not trust this file"


def _is_bytes(value):
    return isinstance(value, bytes)


def _known(value, choices, what):
    if not _is_bytes(value) or value not in choices:
        raise PackError(f"refused an unknown {what}; this is no verification pack")
    return value.decode("ascii")


# What a pickle may name, and what is built for it here. Each takes the tuple of arguments.


def _encode(arguments):
    """How Python 3 writes bytes below protocol 3: text, to be encoded as Latin-1. It is Latin-1 already."""
    if len(arguments) != 2 or not _is_bytes(arguments[0]):
        raise PackError(f"refused to encode something that is no text; {_DISTRUST}")
    _known(arguments[1], (b"latin1",), "text encoding")
    return arguments[0]


def _dtype(arguments):
    if not arguments:
        raise PackError("expected the name of a dtype, found none; the file is damaged")
    codes = (b"b1", b"i1", b"i2", b"i4", b"i8", b"u1", b"u2", b"u4", b"u8")
    return Dtype(_known(arguments[0], codes, "dtype of an array"))


def _reconstruct(arguments):
    """An empty array of whatever size is claimed; its state, which follows, is what counts."""
    return Array()


def _from_buffer(arguments):
    """How NumPy writes an array with protocol 5: buffer, dtype, shape, order."""
    if len(arguments) != 4:
        raise PackError("expected the four parts of an array, found another number; the file is damaged")
    data, dtype, shape, _ = arguments
    array = Array()
    array.fill(shape, dtype, data)
    return array


def _scalar(arguments):
    if len(arguments) != 2:
        raise PackError("expected the two parts of a NumPy scalar, found another number; the file is damaged")
    dtype, data = arguments
    one = Array()
    one.fill((1,), dtype, data)
    return int.from_bytes(data, "big" if dtype.order == ">" else "little", signed=dtype.code[0] == "i")


_GLOBALS = {
    (b"_codecs", b"encode"): _encode,
    (b"numpy", b"dtype"): _dtype,
    (b"numpy", b"ndarray"): None,  # only ever an argument of _reconstruct
    (b"numpy.core.multiarray", b"_reconstruct"): _reconstruct,
    (b"numpy.core.multiarray", b"scalar"): _scalar,
    (b"numpy.core.numeric", b"_frombuffer"): _from_buffer,
}


def _operations():
    def memoize(machine, index):
        machine.memo[index] = machine.stack[-1]

    table = {
        b"\x80": lambda m: m.take(1),  # PROTO: the operations tell
        b"\x95": lambda m: m.take(8),  # FRAME: a hint for buffered reading
        b"(": _Machine.mark,
        b"N": lambda m: m.push(None),
        b"\x88": lambda m: m.push(True),
        b"\x89": lambda m: m.push(False),
        b"I": _Machine.integer_line,
        b"L": _Machine.integer_line,
        b"K": lambda m: m.push(m.unsigned(1)),
        b"M": lambda m: m.push(m.unsigned(2)),
        b"J": lambda m: m.signed(4),
        b"\x8a": lambda m: m.signed(m.unsigned(1)),
        b"S": _Machine.python2_string_line,
        b"V": _Machine.text_line,
        b"]": lambda m: m.push([]),
        b"l": lambda m: m.push(m.since_mark()),
        b"a": lambda m: m.extend((m.stack.pop(),)),
        b"e": lambda m: m.extend(m.since_mark()),
        b")": lambda m: m.push(()),
        b"t": lambda m: m.push(tuple(m.since_mark())),
        b"p": lambda m: memoize(m, int(m.line(MAX_NUMBER_DIGITS))),
        b"q": lambda m: memoize(m, m.unsigned(1)),
        b"r": lambda m: memoize(m, m.unsigned(4)),
        b"\x94": lambda m: memoize(m, len(m.memo)),
        b"g": lambda m: m.push(m.memo[int(m.line(MAX_NUMBER_DIGITS))]),
        b"h": lambda m: m.push(m.memo[m.unsigned(1)]),
        b"j": lambda m: m.push(m.memo[m.unsigned(4)]),
        b"c": _Machine.global_lines,
        b"\x93": _Machine.stack_global,
        b"R": _Machine.reduce,
        b"b": _Machine.build,
    }
    for code, width in ((b"U", 1), (b"T", 4), (b"C", 1), (b"B", 4), (b"\x8e", 8), (b"\x96", 8)):
        table[code] = functools.partial(_Machine.sized_bytes, width=width)
    for code, width in ((b"\x8c", 1), (b"X", 4), (b"\x8d", 8)):
        table[code] = functools.partial(_Machine.sized_text, width=width)
    for code, count in ((b"\x85", 1), (b"\x86", 2), (b"\x87", 3)):
        table[code] = functools.partial(_Machine.new_tuple, count=count)
    return {ord(code): operation for code, operation in table.items()}


_OPERATIONS = _operations()
