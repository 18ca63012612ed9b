"""The error tree of mediaml; each class knows the exit code it ends a process with.

    MediamlError                 1
    ├── UsageError               2   what was typed cannot be meant
    │   ├── OptionError          2   a plugin option is unknown or of the wrong type
    │   └── OutputError          2   the output folder cannot be used
    ├── DeviceError              3   the device asked for was not obtained, or has failed
    │   └── MemoryLimitError     3   a batch does not fit in the memory of its device
    ├── PluginError              4   a plugin is unknown, broken or breaks its contract
    ├── ModelError               4   a model file is unreadable or does not fit
    │   └── ChecksumError        4   a model file is not the one that was promised
    ├── NoInputsError            5   nothing that was named is a media file
    └── MediaError               1   one media file cannot be (fully) read or written
        ├── NoSoundError         1   one media file holds no sound
        ├── LimitError           1   one media file is larger than the limits allow
        ├── CrashError           1   working on one media file ended the process that did it
        └── TimeLimitError       1   one media file took longer than it may

A message is one or two lines: what is wrong, where, and what to do next. Only `mediaml.cli` turns an
error into text on stderr and an exit code.
"""

from __future__ import annotations

from typing import ClassVar

from mediaml.core.text import escape_control


class MediamlError(Exception):
    """Base of every error that mediaml raises on purpose.

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
    """What was typed cannot be meant."""

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
    """A model file's bytes are not the ones its catalogue entry promises."""


class NoInputsError(MediamlError):
    """No media file was found in what was named."""

    exit_code = 5


class MediaError(MediamlError):
    """One media file cannot be read or written; the other files go on.

    Its message names the file, whose name may hold anything: control characters are escaped.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(escape_control(message), hint)


class ChangedError(MediaError):
    """One media file is no longer the one that was planned or read; nothing of it is kept."""


class NoSoundError(MediaError):
    """One media file holds no sound; a video may well be silent."""


class LimitError(MediaError):
    """One media file exceeds a limit on pixels, streams or duration."""


class CrashError(MediaError):
    """Working on one media file ended the process that did it: a decoder or a plugin crashed or left."""


class TimeLimitError(MediaError):
    """One media file took longer than it may, or nothing came of it for too long."""


def require(condition: bool, what: str) -> None:
    """Raise `ValueError(what)` unless the condition holds: records refuse nonsense when they are made."""
    if not condition:
        raise ValueError(what)
