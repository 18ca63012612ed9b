"""What was found when a model first met a provider, remembered in the cache folder.

A verdict belongs to the model's bytes, the provider and its version, the precision, the threads and the
machine. A folder that cannot be written costs the trial again in the next run, never the run.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from mediaml.core.atomic_file import write_atomically
from mediaml.core.cache_folder import cache_folder
from mediaml.core.errors import OutputError
from mediaml.onnx.graph_file import GraphFile
from mediaml.onnx.offers import Offer
from mediaml.onnx.provider_options import Demand, processor_name
from mediaml.onnx.runtime import quiet_runtime

_FORMAT = 1
_GAIN = 0.95
"""A provider must take at most this share of the CPU's time to be taken by `--device auto`."""


class Verdict(msgspec.Struct, frozen=True):
    """The outcome of a trial.

    Attributes:
        key: what it belongs to, in words.
        problem: why its answers cannot be used; empty where they can.
        deviation: largest difference from the CPU's answers, as a share of each output's largest value.
        ms, cpu_ms: shortest time of one batch there and on the CPU, milliseconds; 0 where it was not run.
    """

    key: str
    problem: str = ""
    deviation: float = 0.0
    ms: float = 0.0
    cpu_ms: float = 0.0

    @property
    def is_faster(self) -> bool:
        """Whether it is clearly faster than the CPU."""
        return 0 < self.ms <= _GAIN * self.cpu_ms


def engines_folder() -> Path:
    """Where verdicts and compiled models are kept."""
    return cache_folder(os.environ) / "engines"


def compiled_folder(offer: Offer) -> Path | None:
    """Where a provider may keep compiled models; `None` where the cache folder cannot be written."""
    version = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in offer.version)
    folder = engines_folder() / f"{offer.device.name}-{version}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def verdict_key(graph: GraphFile, offer: Offer, demand: Demand, tolerance: float) -> str:
    """What a verdict belongs to, in words."""
    return (
        f"{_FORMAT} {graph.sha256} on {offer.device} ({offer.provider} {offer.version}, {offer.detail}), "
        f"{demand.precision} within {tolerance:g}, {demand.threads} threads of {processor_name()}, "
        f"ONNX Runtime {quiet_runtime().__version__}"
    )


def remembered(key: str) -> Verdict | None:
    """The verdict of an earlier run; `None` where there is none that can be read."""
    try:
        verdict = msgspec.json.decode(_path(key).read_bytes(), type=Verdict)
    except (OSError, msgspec.DecodeError):
        return None
    return verdict if verdict.key == key else None


def remember(verdict: Verdict) -> bool:
    """Keep a verdict; gives whether that was possible."""
    try:
        write_atomically(_path(verdict.key), msgspec.json.format(msgspec.json.encode(verdict)))
    except OutputError:
        return False
    return True


def forget(key: str) -> None:
    """Drop a verdict that did not hold."""
    try:
        _path(key).unlink(missing_ok=True)
    except OSError:
        return


def _path(key: str) -> Path:
    return engines_folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
