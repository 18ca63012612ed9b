"""Which frames of a file are looked at: all of them, or some by number, time, keyframe or shot.

The frames of a range have times t with start <= t < end, on the file's clock. Of these are taken, each once:

- `every` N: the first, and every Nth after it;
- `step_s` T: for each target time start + k T (k = 0, 1, ...; without a start k T) the first frame at or
  after it;
- `keyframes`: those that are decoded by themselves, as FFmpeg flags them;
- `scenes`: the first one of every shot.

Containers round time stamps to ticks of their clocks, of at most 1 ms: a frame that is no more than half a
tick before a target, or a bound of the range, is at it. Else a third of 30 frames per second is late in
Matroska.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from mediaml.core.errors import UsageError, require

_COUNT = re.compile(r"\d{1,9}")
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?|\.\d{1,9}")
_RATE = re.compile(r"\d{1,9}/\d{1,9}")
_SPARSE = ("every", "every_s", "keyframes", "scenes")
_RANGE = ("start_s", "end_s")
RECORD_NAMES = (*_SPARSE, *_RANGE, "still")
"""The names in `Sampling.record`."""
Number = str | int | float | Fraction


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames are looked at; the default takes all.

    Attributes:
        every: one of so many frames.
        step_s: seconds between two target times; `None` goes by number.
        keyframes: only keyframes. scenes: only the first frame of each shot.
        start_s, end_s: the range, seconds; `None` is open.
        still: a frame that differs by no more than this from the last one inferred takes over its answer; see
            `mediaml.ops.difference`. `None` infers every frame.

    Raises:
        ValueError: a number is out of its range, or two ways are mixed.
    """

    every: int = 1
    step_s: Fraction | None = None
    keyframes: bool = False
    scenes: bool = False
    start_s: Fraction | None = None
    end_s: Fraction | None = None
    still: float | None = None

    def __post_init__(self) -> None:
        require(self.every >= 1, f"every must be at least 1, not {self.every}")
        require(self.step_s is None or self.step_s > 0, f"step_s must be positive, not {self.step_s}")
        ways = (self.every > 1) + (self.step_s is not None) + self.keyframes + self.scenes
        require(ways <= 1, "only one of every, step_s, keyframes and scenes can be chosen")
        start, end = self.start_s, self.end_s
        require(start is None or start >= 0, f"start_s must not be negative, not {start}")
        require(end is None or end > (start or 0), f"end_s must be after start_s, not {end}")
        require(self.still is None or 0 < self.still < 1, f"still must be between 0 and 1, not {self.still}")

    @classmethod
    def of(
        cls,
        *,
        every: str | int | None = None,
        fps: Number | None = None,
        keyframes: bool = False,
        scenes: bool = False,
        start: Number | None = None,
        end: Number | None = None,
        duration: Number | None = None,
        still: float | None = None,
    ) -> Sampling:
        """The sampling that a user asks for.

        Args:
            every: a number of frames (`10`), or seconds (`"0.5s"`, `"500ms"`).
            fps: frames per second, as `2`, `0.5` or `"30000/1001"`.
            start, end, duration: seconds, or `[H:]M:S` with a fraction.

        Raises:
            UsageError: a value cannot be read or is out of its range, or two of them contradict each other.
        """
        named = {"--every": every is not None, "--fps": fps is not None}
        named |= {"--keyframes": keyframes, "--scenes": scenes}
        ways = [flag for flag, given in named.items() if given]
        if len(ways) > 1:
            raise UsageError(f"{ways[0]} and {ways[1]} contradict each other.", "Choose one of them.")
        if end is not None and duration is not None:
            raise UsageError("--end and --duration contradict each other.", "Choose one of them.")
        count, step_s = (1, None) if every is None else _every(str(every))
        if fps is not None:
            step_s = 1 / _rate(str(fps))
        start_s = None if start is None else _time(start, "--start")
        end_s = None if end is None else _time(end, "--end")
        if duration is not None:
            end_s = (start_s or Fraction(0)) + _time(duration, "--duration")
        if end_s is not None and end_s <= (start_s or 0):
            if duration is not None:
                raise UsageError("--duration must be more than 0.", "For example: --duration 10")
            raise UsageError(
                f"--end {end} is not after --start {start or 0}.", "Give the later time to --end."
            )
        if still is not None and not 0 < still < 1:
            raise UsageError(f"--still {still} is not between 0 and 1.", "For example: --still 0.02")
        return cls(count, step_s, keyframes, scenes, start_s, end_s, still)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Sampling:
        """The sampling of `record`."""
        values = dict(record)
        step = values.pop("every_s", None)
        for name in ("start_s", "end_s"):
            if name in values:
                values[name] = Fraction(values[name])
        return cls(**values, step_s=None if step is None else Fraction(step))

    def record(self) -> dict[str, Any]:
        """What differs from the default, as plain JSON values; seconds as exact fractions in text."""
        every_s, start_s, end_s = (
            None if value is None else str(value) for value in (self.step_s, self.start_s, self.end_s)
        )
        values = {
            "every": None if self.every == 1 else self.every,
            "every_s": every_s,
            "keyframes": self.keyframes or None,
            "scenes": self.scenes or None,
            "start_s": start_s,
            "end_s": end_s,
            "still": self.still,
        }
        return {name: value for name, value in values.items() if value is not None}

    @property
    def is_sparse(self) -> bool:
        """Whether frames between others are left out."""
        return self.every > 1 or self.step_s is not None or self.keyframes or self.scenes

    @property
    def range(self) -> Sampling:
        """The same range with all of its frames: what applies to audio."""
        return Sampling(start_s=self.start_s, end_s=self.end_s)

    @property
    def chosen(self) -> Sampling:
        """The same without `still`, which drops no frame."""
        return replace(self, still=None)

    def __str__(self) -> str:
        by_number = f"every {self.every} frames" if self.every > 1 else "all frames"
        by_time = f"every {seconds_text(self.step_s)} s" if self.step_s is not None else by_number
        parts = ["keyframes" if self.keyframes else "first frames of shots" if self.scenes else by_time]
        if self.start_s is not None:
            parts.append(f"from {seconds_text(self.start_s)} s")
        if self.end_s is not None:
            parts.append(f"to {seconds_text(self.end_s)} s")
        if self.still is not None:
            parts.append(f"(still {self.still:g})")
        return " ".join(parts)


ALL_FRAMES = Sampling()


def is_sparse(record: Mapping[str, Any], mark: str = "") -> bool:
    """Whether a record of how files were read leaves out frames between others.

    Args:
        mark: what its names begin with.
    """
    return any(f"{mark}{name}" in record for name in _SPARSE)


def is_partial(record: Mapping[str, Any], mark: str = "") -> bool:
    """Whether a record of how files were read leaves out any frames; see `is_sparse`."""
    return is_sparse(record, mark) or any(f"{mark}{name}" in record for name in _RANGE)


def seconds_text(seconds: Fraction) -> str:
    """Seconds as a decimal number of at most 6 places."""
    return f"{float(seconds):.6f}".rstrip("0").rstrip(".")


def _every(text: str) -> tuple[int, Fraction | None]:
    """Frames, or 1 and seconds, of `--every`."""
    typed = text.strip()
    unit = "ms" if typed.endswith("ms") else "s" if typed.endswith("s") else ""
    number = typed.removesuffix(unit).strip()
    if not (_SECONDS if unit else _COUNT).fullmatch(number):
        raise UsageError(
            f"--every {text!r} is neither a number of frames nor seconds.",
            "For example: --every 10, --every 0.5s",
        )
    if Fraction(number) == 0:
        raise UsageError(f"--every {text} must be more than 0.", "For example: --every 10, --every 0.5s")
    if not unit:
        return int(number), None
    return 1, Fraction(number) / (1000 if unit == "ms" else 1)


def _rate(text: str) -> Fraction:
    if not (_SECONDS.fullmatch(text) or _RATE.fullmatch(text)):
        raise UsageError(f"--fps {text!r} is not a frame rate.", "For example: --fps 2, --fps 30000/1001")
    parts = [Fraction(part) for part in text.split("/")]
    if 0 in parts:
        raise UsageError(f"--fps {text} must be more than 0.", "For example: --fps 2")
    return parts[0] / parts[1] if len(parts) > 1 else parts[0]


def _time(value: Number, flag: str) -> Fraction:
    """Seconds of `90`, `1:30`, `1:02:03.5` or `90s`."""
    if isinstance(value, Fraction) and value >= 0:
        return value
    text = str(value).strip()
    *above, last = text.removesuffix("s").split(":")
    is_clock = len(above) <= 2 and all(_COUNT.fullmatch(part) for part in above)
    if not is_clock or not _SECONDS.fullmatch(last):
        raise UsageError(f"{flag} {text!r} is not a time.", f"For example: {flag} 90, {flag} 1:30")
    seconds = Fraction(last)
    for place, part in enumerate(reversed(above), start=1):
        seconds += int(part) * 60**place
    return seconds
