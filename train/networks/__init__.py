"""Embedding networks in Gluon, under the node and parameter names of InsightFace's graphs."""
