"""Attributes a crash: which order and step ended a worker process, and the failure to record."""

from __future__ import annotations

import signal
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec

import mediaml.core.errors
from mediaml.core.errors import CrashError, MediaError, MediamlError, TimeLimitError
from mediaml.core.work import Failure, Stage, Task, Want
from mediaml.engine.messages import ReadSource, StepStarted, WorkerFailed
from mediaml.ledger.encoding import TaskRecord

_STEPS: dict[Stage, str] = {
    "open": "the file was being opened",
    "decode": "the file was being decoded",
    "prepare": "{model} was preparing a frame",
    "infer": "{model} was processing a frame",
}
_MEANT = {
    "SIGSEGV": "a crash",
    "SIGBUS": "a crash, or the file shrank while it was read",
    "SIGABRT": "a library aborted",
    "SIGKILL": "perhaps out of memory",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a worker process ended: the type of error, and a predicate for the message."""

    error: type[MediaError]
    ending: str


def cause_of_exit(code: int) -> Cause:
    """The cause for an exit code; a negative one is a signal."""
    if code >= 0:
        return Cause(CrashError, f"exited with code {code}")
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return Cause(CrashError, f"was ended by {name}" + (f" ({_MEANT[name]})" if name in _MEANT else ""))


def cause_of_failed_device(text: str) -> Cause:
    """The device failed while it was used."""
    return Cause(CrashError, f"gave up, for {text}")


def cause_of_silence(seconds: float) -> Cause:
    """The worker sent no heartbeat for too long."""
    return Cause(TimeLimitError, f"made no progress for {seconds:g} s (--stall-timeout)")


def cause_of_time(seconds: float) -> Cause:
    """The file took too long."""
    return Cause(TimeLimitError, f"took longer than {seconds:g} s (--timeout-per-file)")


def failure_of(cause: Cause, mark: StepStarted | None, names: tuple[str, ...]) -> Failure:
    """The failure of an order that was run alone.

    Args:
        mark: the step that was taken last. names: of the models of the run.
    """
    stage = mark.stage if mark else "open"
    model = names[mark.model] if mark and mark.model is not None else ""
    step = _STEPS[stage].format(model=model)
    moment = f" at {mark.time_s:.2f} s" if mark and mark.time_s > 0 else ""
    hint = (
        f"If other files fail like this, report it to the author of {model}."
        if model
        else "Check that other programs can open the file."
    )
    text = f"the worker process {cause.ending} while {step}{moment}."
    return Failure(stage, cause.error.__name__, f"{text}\n{hint}")


def attribute(
    order: ReadSource, failure: Failure, mark: StepStarted | None
) -> tuple[list[TaskRecord], ReadSource | None]:
    """Fail what remained of an order; returns the failures, and the order for the models not involved."""
    guilty = mark.model if mark else None
    wants = order.wants
    failed = [want for want in wants if guilty is None or want.index == guilty]
    rest = tuple(want for want in wants if want not in failed)
    records = [
        TaskRecord(Task(order.source, want.model, want.next_slice), failure=failure) for want in failed
    ]
    return records, _with_wants(order, rest)


def advance(order: ReadSource, record: TaskRecord) -> ReadSource | None:
    """What remains of an order after one of its tasks is done; `None` for nothing more."""
    rest = []
    for want in order.wants:
        if want.model != record.task.model:
            rest.append(want)
        elif not (record.last or record.failure) and want.is_before_end(record.task.slice + 1):
            frames = want.frames_before + len(record.frames)
            since_s = record.frames[-1].time_s if record.frames else want.since_s
            rest.append(
                replace(want, next_slice=record.task.slice + 1, frames_before=frames, since_s=since_s)
            )
    return _with_wants(order, tuple(rest))


def _with_wants(order: ReadSource, wants: tuple[Want, ...]) -> ReadSource | None:
    """The order for these wants; `None` where there are none."""
    if not wants:
        return None
    return msgspec.structs.replace(order, wants=wants)


def error_of(what: WorkerFailed) -> Exception:
    """The error that a worker raised, with its traceback there as a note."""
    kind = getattr(mediaml.core.errors, what.type, None)
    error: Exception = RuntimeError(f"{what.type}: {what.text}")
    if isinstance(kind, type) and issubclass(kind, MediamlError):
        with suppress(TypeError):
            error = kind(what.text, what.hint)
    error.add_note(what.trace)
    return error
