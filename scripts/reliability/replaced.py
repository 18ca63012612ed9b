"""Sources replaced, cut, extended or touched at random moments of a run: never two versions in one result."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from scripts.reliability.media import command, square, square_finder, write_clip, write_wav
from scripts.reliability.remains import Remains, failures_of, integrity, remains_of, slices_done
from scripts.reliability.runs import Running, run
from scripts.reliability.verdict import Bench, Verdict

_NAMES = ("film.mp4", "photo.png", "talk.wav")


def _replace(path: Path, other: Path) -> None:
    spare = path.with_name(f".{path.name}")
    shutil.copyfile(other, spare)
    spare.replace(path)


def _rewrite(path: Path, other: Path) -> None:
    path.write_bytes(other.read_bytes())  # the same inode, as an editor or `cp` does


def _truncate(path: Path, _: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _append(path: Path, other: Path) -> None:
    with path.open("ab") as file:
        file.write(other.read_bytes())


def _touch(path: Path, _: Path) -> None:
    os.utime(path)


WAYS: dict[str, Callable[[Path, Path], None]] = {
    "replaced": _replace,
    "rewritten": _rewrite,
    "truncated": _truncate,
    "appended": _append,
    "touched": _touch,
}
"""What is done to a file, given another version of it."""


@dataclass(slots=True)
class _Tally:
    """What became of the files of one way, and what must not have."""

    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def torture_replaced(
    bench: Bench,
    *,
    frames: int = 400,
    moments: int = 4,
    ways: Sequence[str] = tuple(WAYS),
    again: bool = True,
) -> Iterator[Verdict]:
    """A film, an image and audio, all changed at one moment of a run with copies.

    Args:
        frames: of the first version of the film. moments: how many of each way.
        again: whether a second run has to come to the present version.
    """
    room = bench.room("replaced")
    model = square_finder(room)
    arguments = [*command(model, "in"), "-o", "out"]
    versions = [_version(room / "first", frames, 0), _version(room / "second", frames * 2 // 3, 60)]
    running = [Running(arguments, version) for version in versions]
    ended = [one.wait(bench.timeout_s) for one in running]
    wrong = [trouble for end in ended for trouble in end.troubles(0)]
    if wrong:
        yield Verdict.of("replaced", "undisturbed", wrong, "")
        return
    truth = [remains_of(version / "out") for version in versions]
    chance = random.Random(f"{bench.seed} replaced")
    longest = max(end.seconds for end in ended)
    for way in ways:
        tally = _Tally()
        for number in range(moments):
            own = room / f"{way}-{number}"
            shutil.copytree(versions[0] / "in", own / "in")
            _trial(
                own,
                arguments,
                bench,
                WAYS[way],
                chance.uniform(0.2, 1.0) * longest,
                versions[1] / "in",
                truth,
                tally,
            )
            if again:
                _again(own, arguments, bench, truth, tally)
        ends = ", ".join(f"{number} {end}" for end, number in sorted(tally.ends.items()))
        yield Verdict.of("replaced", f"{way}, {moments} moments, {len(_NAMES)} files", tally.wrong, ends)


def _version(folder: Path, frames: int, shift: int) -> Path:
    """One version of all files; a `shift` in pixels tells the boxes of versions apart."""
    (folder / "in").mkdir(parents=True)
    write_clip(folder / "in" / _NAMES[0], frames=frames, size=(160 + 2 * shift, 96 + shift), noisy=True)
    cv2.imwrite(str(folder / "in" / _NAMES[1]), square(160, 96, 8 + shift, noise=shift))
    write_wav(folder / "in" / _NAMES[2], 8.0 + shift / 20)
    return folder


def _trial(
    own: Path,
    arguments: list[object],
    bench: Bench,
    way: Callable[[Path, Path], None],
    moment_s: float,
    others: Path,
    truth: list[Remains],
    tally: _Tally,
) -> None:
    running = Running(arguments, own)
    # Boxes are drawn as soon as a slice is committed: half of the moments are soon after the first.
    if own.name[-1] in "02468":
        running.wait_until(lambda: slices_done(own / "out") > 0, bench.timeout_s)
        moment_s /= 20
    running.wait_until(lambda: False, moment_s)
    for name in _NAMES:
        way(own / "in" / name, others / name)
    ended = running.wait(bench.timeout_s)
    left = remains_of(own / "out")
    failed = failures_of(own / "out")
    wrong = [*ended.troubles(0, 1), *integrity(own / "out"), *(f"left over: {part}" for part in left.parts)]
    if (ended.code == 1) != bool(failed):
        wrong.append(f"exit code {ended.code}, but {len(failed)} failures")
    for name in _NAMES:
        end = _end(name, failed, left, truth)
        tally.ends[end or "mixed"] += 1
        if end is None:
            wrong.append(f"{name}: neither failed nor of one version")
    tally.wrong += [f"at {moment_s:.2f} s: {trouble}" for trouble in wrong]


def _end(name: str, failed: dict[str, str], left: Remains, truth: list[Remains]) -> str | None:
    """`failed`, `first` or `second` version; `None` where the results are of no one version."""
    records, copies = left.of(name)
    if f"in/{name}" in failed:
        # What was found before may stand, but only of one version, and no copy.
        # The last window of audio may have been cut short together with its file.
        kept = set(records[:-1] if name.endswith(".wav") else records)
        return None if copies or not any(kept <= set(t.of(name)[0]) for t in truth) else "failed"
    for end, version in zip(("first", "second"), truth, strict=True):
        if (records, copies) == version.of(name):
            return f"{end} version"
    return None


def _again(own: Path, arguments: list[object], bench: Bench, truth: list[Remains], tally: _Tally) -> None:
    """Run once more, now undisturbed: all is of one version, or fails by name."""
    ended = run(arguments, own, timeout_s=bench.timeout_s)
    failed, left = failures_of(own / "out"), remains_of(own / "out")
    wrong = [*ended.troubles(0, 1), *integrity(own / "out")]
    ends = {name: _end(name, failed, left, truth) for name in _NAMES}
    for name, end in ends.items():
        present = (own / "in" / name).read_bytes()
        version = _bytes_of(own, name).get(present)
        if version is not None and end != version:
            wrong.append(f"{name} is the {version}, its result {end}")
    tally.wrong += [f"again: {trouble}" for trouble in wrong]


def _bytes_of(own: Path, name: str) -> dict[bytes, str]:
    return {
        (own.parent / folder / "in" / name).read_bytes(): f"{folder} version"
        for folder in ("first", "second")
    }
