"""What a run notes of itself, and the model store of this process."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mediaml import __version__
from mediaml.engine.messages import ModelDevices
from mediaml.onnx.precision import precision_of
from mediaml.pipeline.models import ResolvedModel
from mediaml.registry.entry_points import Registry, load_registry
from mediaml.store.cache import Cache
from mediaml.store.catalogue import load_catalogue
from mediaml.store.network import Network
from mediaml.store.store import Store
from mediaml.store.watcher import Watcher

_PACKAGES = (
    *("av", "numpy", "onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-ep-openvino"),
    "opencv-python",
)


def versions() -> dict[str, str]:
    """mediaml, Python, and the installed packages that decode and infer: the versions that affect results."""
    found = {"mediaml": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def run_header(models: Sequence[ResolvedModel], devices: Mapping[str, ModelDevices]) -> dict[str, Any]:
    """What the ledger keeps of a run: versions, and by model its devices and how its weights are stored."""
    return {
        "versions": versions(),
        "devices": {name: list(facts.devices) for name, facts in devices.items()},
        "weight_precisions": {
            model.spec.name: precision_of(model.weights)
            for model in models
            if model.weights is not None and model.weights.suffix == ".onnx"
        },
    }


def open_store(watcher: Watcher, registry: Registry | None = None, *, offline: bool = False) -> Store:
    """The model store of this process; `MEDIAML_CACHE`, `MEDIAML_MODELS` and `MEDIAML_OFFLINE` apply.

    Args:
        watcher: follows downloads.
        registry: when already loaded; its plugins add to the catalogue.
        offline: never touch the network.

    Raises:
        UsageError: `MEDIAML_MODELS` is neither a folder nor an http or https URL.
    """
    registry = registry or load_registry()
    return Store(
        load_catalogue(registry.entries()),
        Cache.of(os.environ),
        Network.of(os.environ, offline=offline),
        watcher,
    )
