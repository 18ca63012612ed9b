"""ONNX Runtime sessions, execution providers and the darknet importer."""
