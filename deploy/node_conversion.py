"""What a conversion rule sees of one MXNet node, and the table of rules by operator.

A rule takes a `NodeConversion`, adds ONNX nodes through it and returns the node's outputs, with shapes.
"""

import math

import numpy as np

from insightrec.deploy.onnx_graph import Value

RULES = {}  # operator -> rule
MAX_NUMBERS = 1 << 28  # in one output for one image, 1 GB; released networks have some millions


def rule(*operators):
    """Register the decorated function as the rule of these operators."""

    def register(function):
        RULES.update(dict.fromkeys(operators, function))
        return function

    return register


class NodeConversion:
    """One node on its way from MXNet to ONNX.

    Args:
        node: the `Node`.
        inputs: its inputs in order, each a `Value`, or the name of a variable.
        arrays: the model's parameters by variable name.
        onnx: the `OnnxGraph` to add to.
        source: what to call the parameters in an error.
    """

    def __init__(self, node, inputs, arrays, onnx, source):
        self.node = node
        self.onnx = onnx
        self._input_count = len(inputs)
        self._inputs = inputs
        self._arrays = arrays
        self._source = source

    def value(self, index=0):
        """The `Value` that enters at ``index``; a parameter becomes an initializer."""
        value = self._input(index)
        if isinstance(value, Value):
            return value
        array = self._array(value)
        return Value(self.onnx.constant(value, array), array.shape)

    def values(self):
        """Every input, at least one."""
        return [self.value(index) for index in range(max(self._input_count, 1))]

    def parameter(self, index, shape, stored_shape=None):
        """Add the parameter that enters at ``index`` as an initializer; returns its name.

        ``shape`` is what MXNet's own shape inference asks for, None being any size; the initializer takes
        ``stored_shape`` where ONNX wants another.
        """
        name = self._input(index)
        if isinstance(name, Value):
            raise self.node.error(f"input {index}: expected a parameter, found the computed value {name.name!r}")
        array = self._array(name)
        if array.ndim != len(shape) or any(want not in (None, size) for want, size in zip(shape, array.shape)):
            raise self.node.error(
                f"parameter {name!r} of {self._source}: expected shape {_text(shape)} after an input of shape "
                f"{_text(self.value(0).shape)}, found {_text(array.shape)}; is the image size or colour another?"
            )
        return self.onnx.constant(name, array.reshape(stored_shape) if stored_shape else array)

    def constant(self, what, array, dtype=np.float32):
        """Add an initializer that is no parameter, such as a scalar; returns its name."""
        return self.onnx.constant(f"{self.node.name}_{what}", np.asarray(array, dtype))

    def step(self, op_type, *inputs, **attributes):
        """Add an ONNX node whose output is used inside the rule only; returns the output's name."""
        name = self.onnx.unique(f"{self.node.name}_{op_type.lower()}")
        self.onnx.node(op_type, inputs, [name], name, **attributes)
        return name

    def result(self, op_type, inputs, *shapes, **attributes):
        """Add the ONNX node that ends the rule; returns its outputs, one for each of ``shapes``."""
        for shape in shapes:
            if any(size is not None and size < 1 for size in shape):
                raise self.node.error(
                    f"expected an output of 1 or more in every dimension, found {_text(shape)} from an input of "
                    f"shape {_text(self.value(0).shape)}; is the image too small?"
                )
            if math.prod(size or 1 for size in shape) > MAX_NUMBERS:  # a small file may ask for any padding
                raise self.node.error(f"expected at most {MAX_NUMBERS} numbers an image, found {_text(shape)}")
        names = [self.onnx.unique(self.node.output_name(index)) for index in range(len(shapes))]
        self.onnx.node(op_type, inputs, names, self.node.name, **attributes)
        return [Value(name, tuple(shape)) for name, shape in zip(names, shapes)]

    def unsupported(self, what):
        """A `ModelError`: the operator is known, but not in this form."""
        return self.node.error(f"{what} is not supported; choose an output before this node")

    def _input(self, index):
        if index >= self._input_count:
            raise self.node.error(f"expected an input {index}, found {self._input_count} inputs")
        return self._inputs[index]

    def _array(self, name):
        if name not in self._arrays:
            raise self.node.error(f"expected parameter {name!r} in {self._source}, found none of that name")
        return np.asarray(self._arrays[name], np.float32)


def _text(shape):
    return f"({', '.join('?' if size is None else str(size) for size in shape)})"
