"""An ONNX graph under construction: nodes, initializers and values with shapes.

Opset 13 in IR version 8, which every ONNX Runtime since 1.10 (2021) runs. What the rules write means the same up to
opset 17; from 18 on, reductions and Split take other inputs.
"""

from typing import NamedTuple, Optional

import onnx
from onnx import TensorProto, helper

OPSET, IR_VERSION = 13, 8
OPSETS = range(OPSET, 18)


class Value(NamedTuple):
    """A tensor that flows through the graph; None stands for a dimension known only at run time."""

    name: str
    shape: "tuple[Optional[int], ...]"


class OnnxGraph:
    """Nodes and initializers in the order they are added, each value under a name of its own."""

    def __init__(self):
        self.nodes = []
        self.initializers = {}  # arrays by name
        self._names = set()

    def unique(self, name):
        """``name``, or the first of ``name_1``, ``name_2`` ... that no value has yet."""
        candidate, count = name, 0
        while candidate in self._names:
            count += 1
            candidate = f"{name}_{count}"
        self._names.add(candidate)
        return candidate

    def constant(self, name, array):
        """Add an initializer and return its name."""
        name = self.unique(name)
        self.initializers[name] = array
        return name

    def node(self, op_type, inputs, outputs, name, **attributes):
        """Add a node; attributes that are None are left out."""
        attributes = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(op_type, inputs, outputs, name=name, **attributes))

    def model(self, name, inputs, outputs, opset=OPSET):
        """The checked ``onnx.ModelProto``. Initializers are not listed as inputs, so that they can be folded."""
        described = ([self._described(value) for value in values] for values in (inputs, outputs))
        model = helper.make_model(
            helper.make_graph(self.nodes, name, *described),
            producer_name="insightrec",
            opset_imports=[helper.make_opsetid("", opset)],
            ir_version=IR_VERSION,
        )
        # Filled in place: make_graph and make_model would each copy every weight.
        for name, array in self.initializers.items():
            tensor = model.graph.initializer.add(name=name, dims=array.shape)
            tensor.data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
            tensor.raw_data = array.tobytes()
        onnx.checker.check_model(model)
        return model

    def _described(self, value):
        # The first dimension is the batch; other unknown ones are named by tensor and axis.
        names = ["batch"] + [f"{value.name}_axis{axis}" for axis in range(1, len(value.shape))]
        dims = [names[axis] if size is None else size for axis, size in enumerate(value.shape)]
        return helper.make_tensor_value_info(value.name, TensorProto.FLOAT, dims)
