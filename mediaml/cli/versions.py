"""The versions that decide a run's numbers."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from mediaml import __version__

_PACKAGES = ("av", "numpy", "onnxruntime", "onnxruntime-gpu", "opencv-python")


def versions() -> dict[str, str]:
    """mediaml, Python, and the packages that decode and infer, as far as they are installed."""
    found = {"mediaml": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
