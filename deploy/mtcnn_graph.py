"""MTCNN's ONNX graphs without their last layer, a softmax over two channels.

The first network has one for every place of a photo, of which the caller needs one of two numbers, at few places
(`mtcnn_network.face_probability`).
"""

from onnx import helper


def without_softmax(model):
    """Rewrite an ``onnx.ModelProto`` in place: what was a probability becomes the number the softmax was taken of
    (logit). The outputs keep their names.
    """
    graph = model.graph
    nodes = [
        helper.make_node("Identity", node.input, node.output) if node.op_type == "Softmax" else node
        for node in graph.node
    ]
    del graph.node[:]
    graph.node.extend(nodes)
    return model
