"""Images to embeddings: released models read without MXNet, converted to ONNX and run."""
