"""The ground moves while a run stands on it: folders and files that go, locks, hostile names."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2

from scripts.reliability.disk import small_disk
from scripts.reliability.media import command, square, square_finder, write_clip
from scripts.reliability.remains import integrity, remains_of, slices_done, standings
from scripts.reliability.runs import Ended, Running, run
from scripts.reliability.verdict import Bench, Verdict

_NAMES = (
    b"line\nbreak.png",
    b"tab\there.png",
    b"\x1b[31mred\x1b[0m\x07.png",
    b"a..png",
    b"a...png",
    b"a..b..png",
    b"a\\..\\..\\b.png",
    b"<script>alert(1)<\\script>.png",
    b"quote\"comma,and'.png",
    b"-o.png",
    b"%s%n{0}.png",
    b"not utf-8 \xff\xfe.png",
    "right\u202eto left.png".encode(),
    "line\u2028separator.png".encode(),
    b" spaces .png",
    b"n" * 251 + b".png",
    "\U0001f600".encode() * 62 + b".png",
    b"same.png",
    b"SAME.png",
)


def torture_surroundings(bench: Bench, *, frames: int = 1500, names: Sequence[str] = ()) -> Iterator[Verdict]:
    """Every trial has a room of its own; the long clip is shared."""
    room = bench.room("surroundings")
    clip = write_clip(room / "long.mp4", frames=frames)
    model = square_finder(room)
    for name in names or _TRIALS:
        own = room / name.replace(" ", "-")
        (own / "in").mkdir(parents=True)
        shutil.copy(clip, own / "in" / "a-long.mp4")
        cv2.imwrite(str(own / "in" / "neighbour.png"), square(96, 64, 8))
        arguments = [*command(model, "in", "-v"), "-o", "out"]
        wrong, detail = _TRIALS[name](own, arguments, bench)
        yield (
            Verdict("surroundings", name, "skipped", detail)
            if wrong is None
            else Verdict.of("surroundings", name, wrong, detail)
        )


Seen = tuple[list[str] | None, str]
"""What is wrong (`None` where the trial is impossible here), and what was seen."""


def _midway(own: Path, arguments: list[object], bench: Bench, disturb: Callable[[], object]) -> Ended:
    """Run, and disturb it as soon as the first slice of the clip is committed."""
    running = Running(arguments, own)
    if running.wait_until(lambda: slices_done(own / "out") > 0, bench.timeout_s):
        disturb()
    return running.wait(bench.timeout_s)


def _output_removed(own: Path, arguments: list[object], bench: Bench) -> Seen:
    ended = _midway(own, arguments, bench, lambda: shutil.rmtree(own / "out", ignore_errors=True))
    wrong = ended.troubles(1, 2)
    again = run(arguments, own, timeout_s=bench.timeout_s)
    wrong += [f"again: {trouble}" for trouble in again.troubles(0)]
    return wrong, f"exit code {ended.code}: {ended.last_words()}"


def _output_removed_plain(own: Path, arguments: list[object], bench: Bench) -> Seen:
    return _output_removed(own, [*arguments, "--no-annotate"], bench)


def _source_deleted(own: Path, arguments: list[object], bench: Bench) -> Seen:
    ended = _midway(own, arguments, bench, (own / "in" / "a-long.mp4").unlink)
    wrong = ended.troubles(0, 1) + integrity(own / "out") + _neighbour_lost(own)
    return wrong, f"exit code {ended.code}: {ended.last_words()}"


def _source_truncated(own: Path, arguments: list[object], bench: Bench) -> Seen:
    clip = own / "in" / "a-long.mp4"
    ended = _midway(own, arguments, bench, lambda: os.truncate(clip, clip.stat().st_size // 2))
    wrong = ended.troubles(0, 1) + integrity(own / "out") + _neighbour_lost(own)
    again = run(arguments, own, timeout_s=bench.timeout_s)
    wrong += [f"again: {trouble}" for trouble in again.troubles(1)]
    if standings(own / "out").get(clip) != "failed":
        wrong.append("the truncated file counts as done")
    return wrong, f"exit code {ended.code}, then {again.code}: {again.last_words()}"


def _neighbour_lost(own: Path) -> list[str]:
    known = standings(own / "out")
    return [] if known.get(own / "in" / "neighbour.png") == "done" else ["the neighbour is lost"]


def _two_writers(own: Path, arguments: list[object], bench: Bench) -> Seen:
    first = Running(arguments, own)
    first.wait_until(lambda: slices_done(own / "out") > 0, bench.timeout_s)
    first.send(signal.SIGSTOP)  # it holds the lock for as long as the second one takes
    second = run(arguments, own, timeout_s=60.0)
    first.send(signal.SIGCONT)
    wrong = [f"second: {trouble}" for trouble in second.troubles(2)]
    wrong += [f"first: {trouble}" for trouble in first.wait(bench.timeout_s).troubles(0)]
    # The lock of a killed process is free at once.
    killed = Running([*arguments, "--force"], own)
    killed.wait_until(lambda: False, 3.0)
    killed.send(signal.SIGKILL)
    killed.wait(10.0)
    third = run(arguments, own, timeout_s=bench.timeout_s)
    wrong += [f"after a kill: {trouble}" for trouble in third.troubles(0)]
    return wrong, f"second: {second.last_words()}"


def _two_at_once(own: Path, arguments: list[object], bench: Bench) -> Seen:
    both = [Running(arguments, own) for _ in range(2)]
    ended = [running.wait(bench.timeout_s) for running in both]
    wrong = [trouble for end in ended for trouble in end.troubles(0, 2)]
    if sorted(end.code or 0 for end in ended) not in ([0, 0], [0, 2]):
        wrong.append("neither did the work")
    wrong += integrity(own / "out")
    return wrong, f"exit codes {[end.code for end in ended]}"


def _source_read_only(own: Path, arguments: list[object], bench: Bench) -> Seen:
    with small_disk(own / "disk") as reason:
        if reason:
            return None, f"a file system cannot be mounted here: {reason}"
        shutil.copytree(own / "in", own / "disk" / "in")
        _remount_read_only(own / "disk")
        ended = run([*arguments, "disk/in"], own, timeout_s=bench.timeout_s)
    return ended.troubles(0), f"exit code {ended.code}"


def _output_read_only(own: Path, arguments: list[object], bench: Bench) -> Seen:
    with small_disk(own / "out") as reason:
        if reason:
            return None, f"a file system cannot be mounted here: {reason}"
        run([*arguments, "--include", "*.png"], own, timeout_s=bench.timeout_s)
        _remount_read_only(own / "out")
        ended = run(arguments, own, timeout_s=bench.timeout_s)
    wrong = ended.troubles(2)
    return wrong, f"exit code {ended.code}: {ended.last_words()}"


def _remount_read_only(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)


def _hostile_names(own: Path, arguments: list[object], bench: Bench) -> Seen:
    data = (own / "in" / "neighbour.png").read_bytes()
    made = 0
    for name in _NAMES:
        try:
            (own / "in" / os.fsdecode(name)).write_bytes(data)
        except OSError:  # this file system does not take such a name
            continue
        made += 1
    before = {path for path in own.rglob("*") if path.is_relative_to(own / "in")}
    outside = set(own.parent.iterdir())
    ended = run(arguments, own, timeout_s=bench.timeout_s)
    wrong = ended.troubles(0) + integrity(own / "out")
    if any(not char.isprintable() and char != "\n" for char in ended.err):
        wrong.append("control characters reach the terminal")
    lines = (own / "out" / "results.jsonl").read_bytes().split(b"\n")
    sources = {json.loads(line)["source"] for line in lines[1:] if line}
    if len(sources) != made + 2:
        wrong.append(f"{made + 2} files, but {len(sources)} names in the results")
    copies = len(remains_of(own / "out").copies)
    if copies != made + 2:
        wrong.append(f"{made + 2} files, but {copies} copies")
    strange = {path for path in own.rglob("*") if not path.is_relative_to(own / "out")} - before
    wrong += [f"written outside: {path!r}" for path in strange if path.name not in {"in", "out"}]
    wrong += [f"written outside: {path!r}" for path in set(own.parent.iterdir()) - outside]
    return wrong, f"{made} names, {copies} copies, all within the output folder"


_TRIALS: dict[str, Callable[[Path, list[object], Bench], Seen]] = {
    "output folder removed while running": _output_removed,
    "output folder removed, no copies wanted": _output_removed_plain,
    "source deleted while read": _source_deleted,
    "source truncated while read": _source_truncated,
    "two processes on one output folder": _two_writers,
    "two processes that start at once": _two_at_once,
    "source folder read-only": _source_read_only,
    "output folder read-only": _output_read_only,
    "hostile names": _hostile_names,
}
