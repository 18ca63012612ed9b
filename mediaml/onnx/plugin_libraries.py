"""Libraries of plugin execution providers: found among the installed packages, and registered once.

A package such as `onnxruntime-ep-openvino` brings a module `onnxruntime_ep_*` whose `get_library_path` names
a library. Source: ONNX Runtime's "Plugin Execution Provider Library Packaging Guidance".
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mediaml.onnx.runtime import import_runtime, one_line

LIBRARIES = "MEDIAML_PROVIDER_LIBRARIES"
"""The environment variable that names more libraries, divided as `PATH` is."""

_PREFIX = "onnxruntime_ep_"


@dataclass(frozen=True, slots=True)
class PluginLibrary:
    """A library of execution providers.

    Attributes:
        name: of its module, or its path.
        problem: why it cannot be used; empty where it is registered.
    """

    name: str
    problem: str = ""


@cache
def registered_libraries() -> tuple[PluginLibrary, ...]:
    """Register every library with ONNX Runtime; once per process."""
    return tuple(_registered(name, path) for name, path in _found())


def _found() -> Iterator[tuple[str, Path | str]]:
    """Names of libraries with their paths, or with why there is none."""
    for name in sorted(module.name for module in pkgutil.iter_modules() if module.name.startswith(_PREFIX)):
        try:
            yield name, Path(importlib.import_module(name).get_library_path())
        except Exception as error:  # noqa: BLE001  the code of a package may raise anything
            yield name, one_line(error) or type(error).__name__
    for text in filter(None, os.environ.get(LIBRARIES, "").split(os.pathsep)):
        yield text, Path(text)


def _registered(name: str, path: Path | str) -> PluginLibrary:
    if isinstance(path, str):
        return PluginLibrary(name, path)
    if not path.is_file():
        return PluginLibrary(name, f"there is no file {path}")
    try:
        import_runtime().register_execution_provider_library(_registration(name), str(path))
    except Exception as error:  # noqa: BLE001  ONNX Runtime's errors have no common base
        return PluginLibrary(name, one_line(error))
    return PluginLibrary(name)


def _registration(name: str) -> str:
    """The name to register under, which some providers take as their own: `a` of `libonnxruntime_a.so`."""
    stem = Path(name).name.partition(".")[0].removeprefix("lib")
    for prefix in ("onnxruntime_", "providers_", "ep_"):
        stem = stem.removeprefix(prefix)
    return stem
