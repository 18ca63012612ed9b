"""The bundled backbone: EfficientNet-Lite0's published weights as one ONNX file."""
