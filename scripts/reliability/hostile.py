"""A plugin that misbehaves on demand; the torture installs it in a folder of its own.

The environment variable `HOSTILE` says how. It misbehaves on pictures that are red in the upper left corner,
and answers all others with the label "fine".
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from mediaml.core.errors import DeviceError
from mediaml.plugin import Array, Box, Detection, Frame, Label, LoadContext, ModelSpec, hookimpl

HOW = os.environ.get("HOSTILE", "")
_LEAKED: list[bytearray] = []


def _raise() -> Any:
    raise ValueError("hostile")


def _recurse() -> Any:
    return _recurse()


def _leak() -> Any:
    _LEAKED.append(bytearray(os.urandom(1) * (256 << 20)))
    return [Label("fine", 1.0)]


def _crash_in_a_thread() -> Any:
    thread = threading.Thread(target=ctypes.string_at, args=(0,))
    thread.start()
    thread.join()


def _fail_as_a_gpu() -> Any:
    raise DeviceError("cuda:0 failed while running the model: CUDA failure 700: an illegal memory access")


def _hold_the_interpreter() -> Any:
    ctypes.PyDLL(None).sleep(10_000)


def _print() -> Any:
    print("hostile output " * 1000)
    os.write(1, b"hostile bytes\n")
    return [Label("fine", 1.0)]


BEHAVIOURS: dict[str, Callable[[], Any]] = {
    "raise": _raise,
    "raise MemoryError": lambda: (_ for _ in ()).throw(MemoryError()),
    "raise a group": lambda: (_ for _ in ()).throw(ExceptionGroup("hostile", [ValueError("one")])),
    "recurse without end": _recurse,
    "answer None": lambda: None,
    "answer a number": lambda: 7,
    "answer strings": lambda: ["cat", "dog"],
    "answer NaN": lambda: [Label("x", float("nan"))],
    "answer a box of NaN": lambda: [Detection(Label("x", 0.5), Box(float("nan"), 0, 1, 1))],
    "answer numpy numbers": lambda: [Label("fine", np.float32(1.0))],  # type: ignore[arg-type]
    "answer a name that is bytes": lambda: [Label(b"fine", 1.0)],  # type: ignore[arg-type]
    "answer a lone surrogate": lambda: [Label("\ud800", 1.0)],
    "leak 256 MiB": _leak,
    "exit by sys.exit(0)": lambda: sys.exit(0),
    "exit by os._exit(0)": lambda: os._exit(0),
    "crash": lambda: ctypes.string_at(0),
    "crash in a thread of its own": _crash_in_a_thread,
    "abort": os.abort,
    "be killed, as for want of memory": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "fail as a GPU does": _fail_as_a_gpu,
    "hang": lambda: time.sleep(10_000),
    "hang and hold the interpreter": _hold_the_interpreter,
    "print to stdout": _print,
}


class Hostile:
    """Fine with every picture but the red ones."""

    def predict(self, frames: Sequence[Frame]) -> list[Any]:
        """One answer a frame."""
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Any:
        red, green, _ = frame.image[0, 0].tolist()
        return BEHAVIOURS[HOW]() if red > 200 and green < 50 else [Label("fine", 1.0)]


class TooFew(Hostile):
    """Answers fewer frames than it is asked, always."""

    def predict(self, frames: Sequence[Frame]) -> list[Any]:
        """Not one answer a frame."""
        return super().predict(frames)[1:]


class Staged(Hostile):
    """Misbehaves in the stage that is named."""

    def prepare(self, frame: Frame) -> Array:
        """A tiny array; of another size, or an error, for red pictures."""
        corner: Array = np.asarray(frame.image[0, 0], np.float32)
        hostile = corner[0] > 200 and corner[1] < 50
        if hostile and HOW == "raise in prepare":
            raise ValueError("hostile")
        if hostile and HOW == "exit by os._exit(0) in prepare":
            os._exit(0)
        return np.zeros(0, np.float32) if hostile and HOW == "prepare nothing" else corner

    def run(self, batch: Array) -> Sequence[Array]:
        """The batch again."""
        if HOW == "raise in run" and bool((batch[:, 0] > 200).any()):
            raise ValueError("hostile")
        return [batch]

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> list[Any]:
        """All fine."""
        if HOW == "raise in decode" and bool((outputs[0][:, 0] > 200).any()):
            raise ValueError("hostile")
        if outputs[0].shape[1] != 3:
            raise ValueError("nothing was prepared")
        return [[Label("fine", 1.0)] for _ in frames]


def _load(context: LoadContext) -> Any:
    if HOW == "raise in load":
        raise ValueError("hostile")
    if HOW == "exit in load":
        sys.exit(0)
    if HOW == "exit by os._exit(0) in load":
        os._exit(0)
    if HOW == "crash in load":
        ctypes.string_at(0)
    if HOW == "answer too few":
        return TooFew()
    return Staged() if "prepare" in HOW or HOW in ("raise in run", "raise in decode") else Hostile()


@hookimpl
def mediaml_models() -> Iterable[ModelSpec]:
    """The one model."""
    yield ModelSpec("hostile", task="classify", load=_load)
