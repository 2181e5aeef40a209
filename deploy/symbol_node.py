"""One node of an MXNet symbol graph, and its attributes, which MXNet writes as text, read by type."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from insightrec.recordio_tools.errors import ModelError

VARIABLE = "null"  # the op of a node that is an input: data, a parameter, a label

# Python 2 wrote long integers with an L; 18 digits keep every value inside 64 bits.
_INTEGER = re.compile(r"[+-]?\d{1,18}L?")
_SHAPE = re.compile(r"[(\[]([-+\dL,\s]*)[)\]]")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_UNSET = (None, "None")


class Entry(NamedTuple):
    """One output of one node: what edges and heads point at."""

    node: int
    output: int


@dataclass(frozen=True)
class Node:
    """A variable (``op == "null"``) or an operator.

    The readers of attributes (`integer`, `number`, `flag`, `shape`, `text`) return ``default`` where the
    attribute is absent or ``None``, and raise `ModelError` where it is malformed.
    """

    op: str
    name: str
    attributes: dict = field(default_factory=dict)
    inputs: tuple = ()  # of Entry
    source: str = "graph"  # the file, for errors

    @property
    def is_variable(self):
        return self.op == VARIABLE

    @property
    def output_count(self):
        """Visible outputs: BatchNorm's mean and variance and Dropout's mask are not."""
        return self.integer("num_outputs", 1) if self.op in ("SliceChannel", "split") else 1

    def output_name(self, index):
        """The name MXNet gives an output: ``fc1_output``, or ``slice0_output1`` where there are several."""
        if self.is_variable:
            return self.name
        return f"{self.name}_output" if self.output_count == 1 and index == 0 else f"{self.name}_output{index}"

    def text(self, key, default):
        value = self.attributes.get(key)
        return default if value in _UNSET else value

    def integer(self, key, default):
        value = self.text(key, None)
        if value is None:
            return default
        if not _INTEGER.fullmatch(value.strip()):
            raise self.error(f"attribute {key}: expected an integer, found {value!r}")
        return int(value.strip().rstrip("L"))

    def number(self, key, default):
        value = self.text(key, None)
        if value is None:
            return default
        try:
            return float(value)
        except ValueError:
            raise self.error(f"attribute {key}: expected a number, found {value!r}") from None

    def flag(self, key, default):
        value = self.text(key, None)
        if value is None:
            return default
        if value.strip().lower() not in _FLAGS:
            raise self.error(f"attribute {key}: expected True or False, found {value!r}")
        return _FLAGS[value.strip().lower()]

    def shape(self, key, default):
        """A tuple of integers, written ``(3, 3)``, ``[3,3]``, ``(3L, 3L)`` or, for one number, ``3``."""
        value = self.text(key, None)
        if value is None:
            return default
        bracketed = _SHAPE.fullmatch(value.strip())
        parts = [part.strip() for part in (bracketed.group(1) if bracketed else value).split(",")]
        if parts[-1] == "" and bracketed:  # (3,) and ()
            parts.pop()
        if not all(_INTEGER.fullmatch(part) for part in parts):
            raise self.error(f"attribute {key}: expected integers such as (3, 3), found {value!r}")
        return tuple(int(part.rstrip("L")) for part in parts)

    def error(self, message):
        """A `ModelError` that names the file, the node and the operator."""
        return ModelError(f"{self.source}: {self.op} node {self.name!r}: {message}")
