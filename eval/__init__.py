"""Embeddings to numbers: the verification protocol, ROC, reports."""
