"""ONNX Runtime sessions and execution providers, and ONNX model files."""
