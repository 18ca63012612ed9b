"""A model that is checked, and the outcome of a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from mediaml.core.frame import Frame
from mediaml.core.prediction import Prediction
from mediaml.pipeline.models import LoadedModel, ResolvedModel, load_model
from mediaml.registry.options import options_record


@dataclass(frozen=True, slots=True)
class Row:
    """The outcome of one check.

    Attributes:
        check: its name. outcome: `ok`, `failed`, or `skipped` where it does not apply.
        found: what was seen. advice: what to do; empty where nothing is.
    """

    check: str
    outcome: Literal["ok", "failed", "skipped"]
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model that is checked.

    Attributes:
        resolved: with its weights and options. loaded: on the CPU.
        frames: of the small files. answers: of the model to them.
    """

    resolved: ResolvedModel
    loaded: LoadedModel
    frames: Sequence[Frame]
    answers: Sequence[Prediction]

    def again(self, *, device: str = "cpu", threads: int | None = None, options: Any = None) -> LoadedModel:
        """The model loaded once more, perhaps with exactly these options."""
        resolved = self.resolved
        if options is not None:
            text = msgspec.json.encode(options_record(options)).decode()
            resolved = replace(resolved, identity=replace(resolved.identity, options=text))
        return load_for_check(resolved, device, threads)


def load_for_check(resolved: ResolvedModel, device: str = "cpu", threads: int | None = None) -> LoadedModel:
    """The model loaded on a device.

    Raises:
        MediamlError: see `load_model`.
    """
    from mediaml.onnx.providers import parse_device

    return load_model(resolved, parse_device(device), threads=threads, warn=lambda _: None)
