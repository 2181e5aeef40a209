"""Does a network of the cascade compute what the released one does? One fixed input, known answers.

A detector fails quietly: with other weights, damaged ones, or a runtime that computes a layer wrongly there are
still boxes, some pixels off.
"""

import numpy as np

from insightrec.recordio_tools.errors import ModelError

TOLERANCE = 1e-3  # float32 arithmetic in another order stays below 1e-5, and the answers are written to 1e-4
# Inputs (C, H, W); the first has two places, of which one lies at the edge where pooling rounds up.
SHAPES = {"det1": (3, 13, 12), "det2": (3, 24, 24), "det3": (3, 48, 48), "det4": (15, 24, 24)}
# All outputs of each network of kpzhang93's release, as MXNet computes them from InsightFace's files (logits instead
# of probabilities), one after the other.
ANSWERS = {
    "det1": (
         0.2442,  0.2527,  0.1267,  0.1824, -0.0996, -0.0527,
        -0.0260,  0.0634,  2.8510,  2.6526, -2.2016, -2.1294,
    ),
    "det2": (
         0.0653,  0.0095, -0.1749, -0.0175,  2.9618, -2.9598,
    ),
    "det3": (
         0.3489,  0.6931,  0.5283,  0.3800,  0.6193,  0.2945,
         0.2785,  0.4739,  0.7618,  0.7716,  0.1685, -0.0360,
        -0.1275, -0.0497,  3.7528, -3.7491,
    ),
    "det4": (
         0.4774,  0.6666,  0.2179,  0.4638,  0.6403,  0.6351,
         0.6802,  0.6127,  0.5384,  0.4172,
    ),
}  # fmt: skip


def check_network(stage, network):
    """Compare a network's outputs for `fixed_input` with the released network's.

    Args:
        stage: ``"det1"`` to ``"det4"``.
        network: the `MtcnnNetwork`.

    Raises:
        ModelError: they differ.
    """
    found = np.concatenate([array.ravel() for array in network(fixed_input(stage))])
    expected = np.array(ANSWERS[stage])
    found = found.astype(np.float64)  # rounded below, which overflows float32
    difference = np.abs(found - expected).max() if found.shape == expected.shape else np.inf
    if not difference <= TOLERANCE:  # nor NaN
        raise ModelError(
            f"{network.source}: expected {expected[:4].tolist()} ... ({len(expected)} numbers) for the fixed input of "
            f"{stage}, found {found[:4].round(4).tolist()} ... ({len(found)}); the file is damaged or not MTCNN's "
            "released one, or ONNX Runtime computes it wrongly here"
        )


def fixed_input(stage):
    """float32 (1, C, H, W) of `SHAPES`, -1..1, without any symmetry."""
    shape = SHAPES[stage]
    numbers = np.arange(np.prod(shape), dtype=np.int64)
    return ((numbers * numbers + 37 * numbers) % 257 / 128 - 1).astype(np.float32).reshape(1, *shape)
