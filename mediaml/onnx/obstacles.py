"""Why a device cannot be used on this machine, and what to do about it."""

from __future__ import annotations

import ctypes
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from mediaml.onnx.cuda import OTHERWISE, Obstacle, cuda_obstacle
from mediaml.onnx.offers import offer_of, offers
from mediaml.onnx.plugin_libraries import registered_libraries
from mediaml.onnx.providers import NUMBERED, Device

_OPENVINO = "onnxruntime_ep_openvino"
_TENSORRT_FILES = ("libnvinfer.so.10", "libnvinfer_plugin.so.10", "libnvonnxparser.so.10")
_ELSEWHERE = (
    "On other processors run `pip uninstall -y onnxruntime-gpu onnxruntime-ep-openvino` and "
    f"`pip install onnxruntime-openvino`, {OTHERWISE}."
)


def obstacle(device: Device) -> Obstacle | None:
    """The first thing that prevents a session on `device`; `None` where nothing is found.

    Loads the NVIDIA libraries that pip has installed on the way: a session opened afterwards finds them.
    """
    if device.name == "cpu":
        return None
    offer = offer_of(device)
    if device.name in NUMBERED and (offer is None or not offer.is_plugin):
        found = cuda_obstacle(int(device.unit or 0))
        return found or (_tensorrt_obstacle() if device.name == "tensorrt" else None)
    if offer is not None:
        return None
    others = [str(one.device) for one in offers() if one.device.name == device.name]
    if others:
        return Obstacle(f"there is no {device}, but {', '.join(others)}", f"Use one of these, {OTHERWISE}.")
    return _openvino_obstacle() if device.name == "openvino" else _not_offered(device)


def library_problems() -> tuple[str, ...]:
    """One sentence per plugin library that does not load."""
    return tuple(f"{one.name} does not load: {one.problem}" for one in registered_libraries() if one.problem)


def _openvino_obstacle() -> Obstacle:
    for library in registered_libraries():
        if library.name == _OPENVINO and library.problem:
            return Obstacle(
                f"{_OPENVINO} does not load: {library.problem}",
                f"Run `pip install --force-reinstall onnxruntime-ep-openvino`, {OTHERWISE}.",
            )
        if library.name == _OPENVINO:
            version = metadata.version("onnxruntime-ep-openvino")
            return Obstacle(
                f"onnxruntime-ep-openvino {version} offers no device here, it takes Intel hardware",
                _ELSEWHERE,
            )
    return Obstacle(
        "OpenVINO is not installed",
        f"Run `pip install 'mediaml[openvino]'` on an Intel processor. {_ELSEWHERE}",
    )


def _not_offered(device: Device) -> Obstacle:
    names = ", ".join(["cpu", *(str(one.device) for one in offers())])
    problems = "".join(f"; {problem}" for problem in library_problems())
    return Obstacle(
        f"ONNX Runtime offers no {device.name} on this machine, but {names}{problems}",
        f"Install the package of that execution provider, {OTHERWISE}.",
    )


def _tensorrt_obstacle() -> Obstacle | None:
    """TensorRT's libraries cannot be loaded. Source: the dynamic section of ONNX Runtime's library for it."""
    for name in _TENSORRT_FILES:
        if not _loads_tensorrt(name):
            return Obstacle(f"{name} is missing", f"Run `pip install 'mediaml[tensorrt]'`, {OTHERWISE}.")
    return None


def _loads_tensorrt(name: str) -> bool:
    """Whether a library of TensorRT loads, from the system's places or from the package `tensorrt_libs`."""
    spec = find_spec("tensorrt_libs")
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ()) if spec] if spec else []
    for path in (name, *(str(folder / name) for folder in folders)):
        try:
            ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
        return True
    return False
