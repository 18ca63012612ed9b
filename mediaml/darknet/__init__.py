"""The importer: Darknet cfg and weights to ONNX."""
