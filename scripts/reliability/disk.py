"""A full disk as output folder: a clear error, a whole ledger, and a run that goes on after room is made."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.reliability.media import command, square_finder, write_clip, write_mixture
from scripts.reliability.remains import Remains, integrity, remains_of
from scripts.reliability.runs import run
from scripts.reliability.verdict import Bench, Verdict

_SIZE_MIB = 20
_ROOM_KIB = (0, 16, 64, 128, 160, 192, 256, 384, 512, 768)
"""What is left free on the disk before the run: nothing, up to nearly enough."""


@contextmanager
def small_disk(place: Path, size_mib: int = _SIZE_MIB) -> Iterator[str]:
    """Mount a tmpfs at `place`; yields why that cannot be done, or nothing where it is done."""
    place.mkdir()
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(place)],
            capture_output=True,
            text=True,
            check=False,
        )
        reason = mounted.stderr.strip() or (
            f"mount ended with {mounted.returncode}" if mounted.returncode else ""
        )
    except OSError as error:
        reason = str(error)
    try:
        yield reason
    finally:
        if not reason:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def torture_disk(
    bench: Bench, *, frames: int = 250, rooms_kib: Sequence[int] = _ROOM_KIB, outgrow: bool = True
) -> Iterator[Verdict]:
    """Fill the disk at several moments of the run; then make room there, or copy the folder elsewhere."""
    room = bench.room("disk")
    media = write_mixture(room / "in", frames=frames, seconds=frames / 25)
    arguments = command(square_finder(room), media)
    whole = run([*arguments, "-o", "whole"], room, timeout_s=bench.timeout_s)
    if whole.troubles(0):
        raise RuntimeError(f"the undisturbed run is not as it should be: {whole.last_words()}")
    truth = remains_of(room / "whole")
    for number, free_kib in enumerate(rooms_kib):
        yield _fill(room / f"disk{number}", arguments, bench, free_kib, truth)
    if outgrow:
        yield _outgrow(room, bench)


def _fill(place: Path, arguments: list[object], bench: Bench, free_kib: int, truth: Remains) -> Verdict:
    case = f"{free_kib} KiB free of {_SIZE_MIB} MiB"
    with small_disk(place) as reason:
        if reason:
            return Verdict("disk", case, "skipped", f"a tmpfs cannot be mounted here: {reason}")
        ballast = place / "ballast"
        _fill_up(place, ballast, free_kib)
        out = place / "out"
        full = run([*arguments, "-o", out], place.parent, timeout_s=bench.timeout_s)
        wrong = full.troubles(0, 1, 2)
        if full.code and not any(word in full.err for word in ("full", "No space", "Make room")):
            wrong.append(f"the error does not say that the disk is full: {full.last_words()}")
        elsewhere = place.parent / f"{place.name}-copy"
        wrong += _copied(out, elsewhere)
        ballast.unlink()
        for target in (out, elsewhere):
            again = run([*arguments, "-o", target], place.parent, timeout_s=bench.timeout_s)
            wrong += [f"with room again ({target.name}): {trouble}" for trouble in again.troubles(0)]
            if again.code == 0:
                wrong += [
                    f"{target.name}: {difference}" for difference in remains_of(target).differences(truth)
                ]
    return Verdict.of("disk", case, wrong, f"exit code {full.code}: {full.last_words()}")


def _copied(out: Path, elsewhere: Path) -> list[str]:
    """Copy an output folder off the full disk, and look at the ledger there: SQLite needs room to look."""
    if not out.exists():
        return []
    shutil.copytree(out, elsewhere)
    ledger = elsewhere / "ledger.sqlite"
    return integrity(elsewhere) if ledger.exists() and ledger.stat().st_size else []


def _fill_up(place: Path, ballast: Path, free_kib: int) -> None:
    """Leave so much room on a file system, to the page."""
    ballast.touch()
    status = os.statvfs(place)
    os.truncate(ballast, 0)
    with ballast.open("wb") as file:
        file.write(bytes(max(0, status.f_bavail * status.f_frsize - free_kib * 1024)))


def _outgrow(room: Path, bench: Bench) -> Verdict:
    """Nothing else is on the disk: the run's own copies fill it."""
    case, place = f"copies of more than {_SIZE_MIB} MiB", room / "outgrown"
    with small_disk(place) as reason:
        if reason:
            return Verdict("disk", case, "skipped", f"a tmpfs cannot be mounted here: {reason}")
        folder = room / "large"
        folder.mkdir()
        for number in range(3):
            write_clip(folder / f"{number}.mp4", frames=80, size=(640, 368), noisy=True, grain=200)
        arguments = command(room / "square.onnx", folder)
        full = run([*arguments, "-o", place / "out"], room, timeout_s=bench.timeout_s)
        wrong = full.troubles(1, 2) + _copied(place / "out", room / "roomy")
    again = run([*arguments, "-o", room / "roomy"], room, timeout_s=bench.timeout_s)
    wrong += [f"elsewhere: {trouble}" for trouble in again.troubles(0)]
    found = remains_of(room / "roomy")
    if len(found.copies) != 3 or any(len(frames) != 80 for frames in found.copies.values()):
        wrong.append("elsewhere: the copies are not whole")
    wrong += [f"elsewhere: left over: {part}" for part in found.parts]
    return Verdict.of("disk", case, wrong, f"exit code {full.code}: {full.last_words()}")
