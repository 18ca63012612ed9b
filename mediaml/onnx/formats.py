"""Files that are not ONNX, known by their endings or first bytes: what they are, and what to do about it."""

from __future__ import annotations

from pathlib import PurePath

_TORCH = "Export it to ONNX with `torch.onnx.export`"
_DARKNET = "`mediaml models import {cfg} {weights} -o {stem}.onnx` converts it."
_KERAS = ("a Keras file", "Export it to ONNX with `model.export(..., format='onnx')` or tf2onnx.")
_TENSORFLOW = ("a TensorFlow graph", "Convert it to ONNX: `python -m tf2onnx.convert --help`.")
_TENSORRT = (
    "a TensorRT engine, which runs on one kind of GPU only",
    "Use the ONNX file that it was built from.",
)
_COREML = ("a Core ML model", "Export the original model to ONNX; Core ML cannot be converted back.")
_FORMATS: dict[str, tuple[str, str]] = {
    ".pt": (
        "a PyTorch file",
        f"{_TORCH}, or with `yolo export model={{name}} format=onnx` if it is from ultralytics.",
    ),
    ".pth": ("a PyTorch file", f"{_TORCH}."),
    ".ckpt": ("a training checkpoint", f"{_TORCH}."),
    ".safetensors": (
        "weights without a graph (safetensors)",
        "Export the model that they belong to: `optimum-cli export onnx --help`.",
    ),
    ".gguf": ("a GGUF file", "Export the original model to ONNX."),
    ".weights": ("a Darknet file", _DARKNET),
    ".cfg": ("a Darknet file", _DARKNET),
    ".tflite": (
        "a TensorFlow Lite model",
        "Convert it to ONNX: `python -m tf2onnx.convert --tflite {name} --output {stem}.onnx`.",
    ),
    ".pb": _TENSORFLOW,
    ".savedmodel": _TENSORFLOW,
    ".h5": _KERAS,
    ".keras": _KERAS,
    ".engine": _TENSORRT,
    ".trt": _TENSORRT,
    ".plan": _TENSORRT,
    ".mlmodel": _COREML,
    ".mlpackage": _COREML,
    ".caffemodel": ("a Caffe model", "Convert it to ONNX, for example with caffe2onnx."),
    ".xml": ("an OpenVINO model", "Use the ONNX file that it was converted from."),
    ".ort": ("an ONNX Runtime file (.ort)", "Use the .onnx file that it was converted from."),
}
_PAGE = (
    "a web page",
    "Download the file itself: on GitHub with 'Raw', on Hugging Face with `/resolve/` in the URL.",
)
# An ONNX file begins with its protobuf field 1, the byte 8; none of these does.
_CONTENTS: tuple[tuple[int, bytes, tuple[str, str]], ...] = (
    (0, b"version https://git-lfs", ("a Git LFS pointer", "`git lfs pull` fetches the file itself.")),
    (0, b"<!doctype html", _PAGE),
    (0, b"<html", _PAGE),
    (0, b"pk\x03\x04", ("a ZIP archive, as PyTorch's own files are", f"{_TORCH}, or unpack it.")),
    (0, b"\x1f\x8b", ("compressed with gzip", "Unpack it with `gunzip`.")),
    (0, b"\x89hdf", _KERAS),
    (4, b"tfl3", ("a TensorFlow Lite model", "Convert it to ONNX: `python -m tf2onnx.convert --help`.")),
)


def foreign_format(path: PurePath) -> tuple[str, str] | None:
    """What a file that is not ONNX is, and how to convert it; `None` for any other ending."""
    known = _FORMATS.get(path.suffix.lower())
    if known is None:
        return None
    what, advice = known
    pair = {"cfg": path.with_suffix(".cfg"), "weights": path.with_suffix(".weights")}
    return what, advice.format(name=path.name, stem=path.stem, **pair)


def foreign_content(head: bytes) -> tuple[str, str] | None:
    """What a file is by its first bytes, and what to do about it; `None` for what may be ONNX.

    Args:
        head: at least 64 of its first bytes, or all.
    """
    folded = head[:256].lstrip().lower()
    found = (known for start, magic, known in _CONTENTS if folded.startswith(magic, start))
    return next(found, None)
