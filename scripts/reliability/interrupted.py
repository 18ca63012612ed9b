"""A long video, killed again and again: every run goes on where the one before was, to the same end."""

from __future__ import annotations

import hashlib
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from scripts.reliability.media import command, square_finder, write_clip
from scripts.reliability.remains import Remains, integrity, remains_of, segments, slices_done
from scripts.reliability.runs import Running, run
from scripts.reliability.verdict import Bench, Verdict

_FRAMES_A_MINUTE = 25 * 60


@dataclass(slots=True)
class _Journey:
    """What a chain of killed runs came by.

    Attributes:
        stops: time slices answered and segments drawn when each kill came.
        redrawn: segments that a later run drew although a killed one had.
    """

    stops: list[tuple[int, int]] = field(default_factory=list)
    redrawn: int = 0
    wrong: list[str] = field(default_factory=list)

    def text(self) -> str:
        stops = ", ".join(f"{answered}/{drawn}" for answered, drawn in self.stops)
        return (
            f"killed {len(self.stops)} times, with slices answered/drawn {stops}; {self.redrawn} drawn twice"
        )


def torture_interrupted(bench: Bench, *, minutes: float = 20.0, kills: int = 5) -> Iterator[Verdict]:
    """A video with sound, rendered here, through both models, with its annotated copy."""
    room = bench.room("interrupted")
    (room / "in").mkdir()
    frames = round(minutes * _FRAMES_A_MINUTE)
    write_clip(room / "in" / "video.mp4", frames=frames, sound="aac")
    arguments = command(square_finder(room), "in", "-o")
    limit_s = bench.timeout_s * max(1.0, minutes)
    whole = run([*arguments, "whole"], room, timeout_s=limit_s)
    wrong = whole.troubles(0)
    reference = remains_of(room / "whole")
    copies = reference.copies.values()
    if not wrong and [len(copy) for copy in copies] != [frames]:
        wrong.append(f"{frames} frames, but the undisturbed copy has {[len(copy) for copy in copies]}")
    chance = random.Random(f"{bench.seed} interrupted")
    goals = sorted(chance.sample(range(1, max(kills + 1, slices_done(room / "whole"))), kills))
    journey = _travel([*arguments, "out"], room, goals, chance, limit_s)
    last = run([*arguments, "out"], room, timeout_s=limit_s)
    wrong += [*journey.wrong, *last.troubles(0), *integrity(room / "out")]
    wrong += _differences(room, remains_of(room / "out"), reference)
    detail = (
        f"{frames} frames: {journey.text()}; undisturbed {whole.seconds:.0f} s, last {last.seconds:.0f} s"
    )
    yield Verdict.of("interrupted", f"a video of {minutes:g} minutes, {kills} times kill -9", wrong, detail)


def _differences(room: Path, ours: Remains, theirs: Remains) -> list[str]:
    """In what the interrupted run differs from the undisturbed one, down to the bytes of the copy."""
    wrong = ours.differences(theirs)
    for name in ours.copies.keys() & theirs.copies.keys():
        one, other = (hashlib.sha256((room / out / name).read_bytes()) for out in ("out", "whole"))
        if one.digest() != other.digest():
            wrong.append(f"bytes of {name} differ")
    return wrong


def _reached(out: Path, goal: int) -> bool:
    return slices_done(out) >= goal


def _travel(
    arguments: list[object], room: Path, goals: list[int], chance: random.Random, limit_s: float
) -> _Journey:
    """Kill a run each time a while after so many slices were answered, each of them by one model."""
    out, journey = room / "out", _Journey()
    for goal in goals:
        before, answered = segments(out), slices_done(out)
        running = Running(arguments, room)
        running.wait_until(partial(_reached, out, goal), limit_s)
        running.wait_until(lambda: False, chance.uniform(0.0, 2.0))
        if not running.send(signal.SIGKILL):
            journey.wrong += [*running.wait(1.0).troubles(0), "a run ended before its kill came"]
            break
        running.wait(60.0)
        time.sleep(0.1)  # until the system has let go of the process's files
        after = segments(out)
        kept = {name for name, written in before.items() if after.get(name) == written}
        journey.redrawn += len(before) - len(kept) if after else 0
        journey.stops.append((slices_done(out), len(after)))
        if slices_done(out) < answered:
            journey.wrong.append(f"answered slices fell from {answered} to {slices_done(out)}")
    if journey.redrawn:
        journey.wrong.append(f"{journey.redrawn} segments were drawn twice")
    return journey
