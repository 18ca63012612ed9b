"""The error tree of mediaml; each class knows the exit code it ends a process with.

    MediamlError                 1
    ├── UsageError               2   the command line is not valid
    │   ├── OptionError          2   a plugin option is unknown or of the wrong type
    │   └── OutputError          2   the output folder cannot be used
    ├── DeviceError              3   the device asked for was not obtained, or has failed
    │   └── MemoryLimitError     3   a batch does not fit in the memory of its device
    ├── PluginError              4   a plugin is unknown, broken or breaks its contract
    ├── ModelError               4   a model file is unreadable or does not fit
    │   └── ChecksumError        4   a model file's checksum is wrong
    ├── NoInputsError            5   no input is a media file
    └── MediaError               1   one media file cannot be (fully) read or written
        ├── NoAudioError         1   one media file has no audio
        ├── LimitError           1   one media file is larger than the limits allow
        ├── CrashError           1   a worker process died while processing one media file
        └── TimeLimitError       1   one media file took too long

A message is one or two lines: what is wrong, where, and what to do next. Only `mediaml.cli` turns an
error into text on stderr and an exit code.
"""

from __future__ import annotations

from typing import ClassVar

from mediaml.core.text import escape_control


class MediamlError(Exception):
    """Base of every error that mediaml raises deliberately.

    Args:
        message: what is wrong and where, one sentence.
        hint: what to do next, one sentence; empty when there is nothing to do.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(MediamlError):
    """The command line is not valid."""

    exit_code = 2


class OptionError(UsageError):
    """A plugin option is unknown, of the wrong type or out of its range."""


class OutputError(UsageError):
    """The output folder cannot be created, written or trusted."""


class DeviceError(MediamlError):
    """The device asked for with `--device` was not obtained, or has failed."""

    exit_code = 3


class MemoryLimitError(DeviceError):
    """A batch does not fit in the memory of its device; a smaller one may."""


class PluginError(MediamlError):
    """A plugin is unknown, failed to import or broke its contract."""

    exit_code = 4


class ModelError(MediamlError):
    """A model file cannot be read, or its graph does not fit its use."""

    exit_code = 4


class ChecksumError(ModelError):
    """A model file's bytes are not those of its catalogue entry."""


class NoInputsError(MediamlError):
    """No media file was found among the inputs."""

    exit_code = 5


class MediaError(MediamlError):
    """One media file cannot be read or written; the other files go on.

    Its message names the file, whose name may hold anything: control characters are escaped.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(escape_control(message), hint)


class ChangedError(MediaError):
    """One media file is no longer the one that was planned or read; nothing of it is kept."""


class NoAudioError(MediaError):
    """One media file has no audio; a video may well have none."""


class LimitError(MediaError):
    """One media file exceeds a limit on pixels, streams or duration."""


class CrashError(MediaError):
    """A worker process died while processing one media file: a decoder or a plugin crashed or exited."""


class TimeLimitError(MediaError):
    """One media file took too long, or made no progress for too long."""


def require(condition: bool, what: str) -> None:
    """Raise `ValueError(what)` unless the condition holds: records validate themselves when they are made."""
    if not condition:
        raise ValueError(what)
