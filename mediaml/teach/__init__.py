"""`mediaml train`: classes of a user's own, from examples to one ONNX file."""
