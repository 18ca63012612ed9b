"""Why CUDA does not start, and how to fix it, according to the NVIDIA driver and the loader."""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from mediaml.onnx.runtime import import_runtime

INSTALL = "pip install 'mediaml[gpu]'"
OTHERWISE = "or run with --device cpu"
PCI_FOLDER = Path("/sys/bus/pci/devices")
_CAPABILITY_MAJOR = 75


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What prevents CUDA from starting, and a hint; one sentence each."""

    what: str
    remedy: str


def cuda_obstacle(index: int = 0) -> Obstacle | None:
    """The first thing that prevents ONNX Runtime from using GPU `index`; `None` where nothing is found.

    Loads the CUDA libraries that pip has installed on the way: a session opened afterwards finds them.
    """
    return _build_obstacle() or _library_obstacle() or _driver_obstacle(index)


def _build_obstacle() -> Obstacle | None:
    """ONNX Runtime itself was built without CUDA."""
    if "CUDAExecutionProvider" in import_runtime().get_available_providers():
        return None
    if _installed("onnxruntime") and _installed("onnxruntime-gpu"):
        return Obstacle(
            "the CPU package onnxruntime is installed beside onnxruntime-gpu and hides it",
            f"Run `pip uninstall -y onnxruntime onnxruntime-gpu`, then `{INSTALL}`, {OTHERWISE}.",
        )
    if sys.platform == "darwin":
        return Obstacle("there is no CUDA on macOS", "Run with --device auto or --device cpu.")
    return Obstacle(
        "this ONNX Runtime was built without CUDA",
        f"Run `pip uninstall -y onnxruntime`, then `{INSTALL}`, {OTHERWISE}.",
    )


def _library_obstacle() -> Obstacle | None:
    """The driver or a CUDA library cannot be loaded."""
    version = str(getattr(import_runtime(), "cuda_version", "") or "")
    preload_libraries()
    driver = [] if _loads(driver_library()) else [driver_library()]
    libraries = [name for name in cuda_libraries(version) if not _loads(name)]
    if not driver and not libraries:
        return None
    remedies = []
    if driver:
        remedies.append("install the NVIDIA driver and check it with `nvidia-smi`")
    if libraries:
        remedies.append(f"install CUDA {_major(version)} and cuDNN 9 with `{INSTALL}`")
    named = [f"{name} (the NVIDIA driver)" for name in driver] + libraries
    verb = "is" if len(named) == 1 else "are"
    remedy = ", ".join([*remedies, OTHERWISE]) + "."
    return Obstacle(f"{', '.join(named)} {verb} missing", remedy[0].upper() + remedy[1:])


def _driver_obstacle(index: int) -> Obstacle | None:
    """The driver is there, but it is too old or has no such GPU. Source: the CUDA driver API, `cuda.h`."""
    driver = ctypes.CDLL(driver_library())
    check = f"Check `nvidia-smi`, {OTHERWISE}."
    code = driver.cuInit(0)
    if code != 0:
        reason = "finds no GPU" if code == 100 else f"does not start (CUDA error {code})"
        return Obstacle(f"the NVIDIA driver {reason}", check)
    number = ctypes.c_int()
    driver.cuDriverGetVersion(ctypes.byref(number))
    needed = _major(str(getattr(import_runtime(), "cuda_version", "") or ""))
    if needed.isdigit() and number.value // 1000 < int(needed):
        supported = f"{number.value // 1000}.{number.value % 1000 // 10}"
        return Obstacle(
            f"the NVIDIA driver supports CUDA {supported}, this ONNX Runtime needs CUDA {needed}",
            f"Update the NVIDIA driver, {OTHERWISE}.",
        )
    driver.cuDeviceGetCount(ctypes.byref(number))
    if index >= number.value:
        gpus = "1 GPU" if number.value == 1 else f"{number.value} GPUs"
        return Obstacle(f"there is no GPU {index}: the NVIDIA driver has {gpus}, counted from 0", check)
    return None


def gpu_names() -> tuple[str, ...]:
    """Names of the GPUs that the NVIDIA driver reports, in CUDA's order; empty without a driver."""
    if not _loads(driver_library()):
        return ()
    driver = ctypes.CDLL(driver_library())
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return ()
    names = []
    for index in range(count.value):
        device = ctypes.c_int()
        buffer = ctypes.create_string_buffer(256)
        if driver.cuDeviceGet(ctypes.byref(device), index) == 0:
            driver.cuDeviceGetName(buffer, len(buffer), device)
            names.append(buffer.value.decode("utf-8", "replace"))
    return tuple(names)


def compute_capability(index: int) -> int:
    """Major compute capability of a GPU, such as 8 for Ampere; 0 where there is no such GPU.

    Source: the CUDA driver API, `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR`.
    """
    if index >= len(gpu_names()):
        return 0
    driver = ctypes.CDLL(driver_library())
    device, major = ctypes.c_int(), ctypes.c_int()
    if driver.cuDeviceGet(ctypes.byref(device), index) != 0:
        return 0
    code = driver.cuDeviceGetAttribute(ctypes.byref(major), _CAPABILITY_MAJOR, device)
    return major.value if code == 0 else 0


def has_nvidia_gpu(folder: Path = PCI_FOLDER) -> bool:
    """Whether there is an NVIDIA GPU, by the driver or the PCI bus (Linux), working or not."""
    if gpu_names():
        return True
    for vendor in folder.glob("*/vendor"):
        try:
            display = (vendor.parent / "class").read_text().startswith("0x03")
            if display and vendor.read_text().strip() == "0x10de":
                return True
        except OSError:
            continue
    return False


def driver_library() -> str:
    """The file name of the NVIDIA driver's library."""
    return "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def cuda_libraries(version: str) -> tuple[str, ...]:
    """File names of the CUDA and cuDNN libraries that an ONNX Runtime built for CUDA `version` loads.

    Args:
        version: such as `13.0`; unknown where empty, and then no file is named.

    Source: the dynamic section of its CUDA provider library, and ONNX Runtime's CUDA requirements page
    (cuDNN 9 for CUDA 12 and later).
    """
    major = _major(version)
    if not major.isdigit():
        return ()
    if sys.platform == "win32":
        return (f"cudart64_{major}.dll", f"cublasLt64_{major}.dll", f"cublas64_{major}.dll", "cudnn64_9.dll")
    versioned = tuple(f"lib{name}.so.{major}" for name in ("cudart", "cublasLt", "cublas"))
    return (*versioned, "libcurand.so.10", "libcudnn.so.9")


def preload_libraries() -> None:
    """Load the CUDA and cuDNN libraries that pip has installed, where ONNX Runtime can (1.21 and later).

    What it prints about missing ones is dropped: `cuda_obstacle` says it in a sentence.
    """
    preload = getattr(import_runtime(), "preload_dlls", None)
    if preload is not None:
        with contextlib.redirect_stdout(io.StringIO()):
            preload()


def _major(version: str) -> str:
    return version.split(".", maxsplit=1)[0]


def _installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _loads(library: str) -> bool:
    """Whether the system's loader finds the library (or this process has loaded it before)."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
