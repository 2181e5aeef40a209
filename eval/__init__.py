"""Embeddings to numbers: the verification protocol, ROC, reports."""

import insightrec.recordio_tools  # noqa: F401 - its limit on images must stand before OpenCV is imported
