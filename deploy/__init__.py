"""Images to embeddings: released models read without MXNet, converted to ONNX and run."""

import insightrec.recordio_tools  # noqa: F401 - its limit on images must stand before OpenCV is imported
