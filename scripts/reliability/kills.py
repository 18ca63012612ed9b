"""Kill a mixed run at random moments: what is left in the end equals the undisturbed run's."""

from __future__ import annotations

import random
import signal
import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.reliability.media import command, square_finder, write_mixture
from scripts.reliability.remains import Remains, count, integrity, remains_of, segments, slices_done
from scripts.reliability.runs import Running, run
from scripts.reliability.verdict import Bench, Verdict

_MOST_KILLS_A_CHAIN = 4
_RUNS = "SELECT count(*) FROM run"
_WAYS = {signal.SIGKILL: "kill -9 of the process group", signal.SIGINT: "Ctrl-C (SIGINT)"}


@dataclass(slots=True)
class _Tally:
    """What the kills met."""

    kills: int = 0
    chains: int = 0
    before_ledger: int = 0
    amid_slices: int = 0
    amid_copies: int = 0
    amid_segments: int = 0
    wrong: list[str] = field(default_factory=list)

    def text(self) -> str:
        return (
            f"{self.kills} kills in {self.chains} chains: {self.before_ledger} before the first commit, "
            f"{self.amid_slices} amid inference, {self.amid_copies} after it, while copies were drawn "
            f"or results written; {self.amid_segments} left segments of a video"
        )


def torture_kills(
    bench: Bench, *, frames: int = 1000, ways: Sequence[signal.Signals] = tuple(_WAYS)
) -> Iterator[Verdict]:
    """Stop runs in both ways: SIGKILL to the whole group, and, a fifth as often, Ctrl-C."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A shell that starts us in the background ignores it, and so would every child process.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    room = bench.room("kills")
    media = write_mixture(room / "in", frames=frames, seconds=frames / 33)
    arguments = command(square_finder(room), media)
    reference, took = _undisturbed(arguments, room, bench)
    for number in ways:
        kills = bench.kills if number == signal.SIGKILL else max(1, bench.kills // 5)
        tally = _chains(arguments, room, bench, number, kills, reference, took)
        yield Verdict.of("kills", _WAYS[number], tally.wrong, tally.text())


def _undisturbed(arguments: list[object], room: Path, bench: Bench) -> tuple[Remains, float]:
    """What an undisturbed run leaves, and the seconds it takes: the shorter of two."""
    ended = [
        run([*arguments, "-o", f"whole{number}"], room, timeout_s=bench.timeout_s) for number in range(2)
    ]
    wrong = [trouble for end in ended for trouble in end.troubles(0)]
    first, second = (remains_of(room / f"whole{number}") for number in range(2))
    wrong += second.differences(first)
    if wrong:
        raise RuntimeError(f"undisturbed runs are not as they should be: {wrong}")
    return first, statistics.fmean(end.seconds for end in ended)


def _chains(
    arguments: list[object],
    room: Path,
    bench: Bench,
    number: signal.Signals,
    kills: int,
    reference: Remains,
    took: float,
) -> _Tally:
    chance = random.Random(f"{bench.seed} {number}")
    tally = _Tally()
    while tally.kills < kills and tally.chains < 2 * kills:
        out = room / f"out-{number.name}-{tally.chains}"
        wanted = min(chance.randint(1, _MOST_KILLS_A_CHAIN), kills - tally.kills)
        # Every run of a chain has less to do than the one before, so its moment may never come.
        for _ in range(2 * wanted):
            before = tally.kills
            # Half of the moments are anywhere, half soon after the run has begun to commit.
            aimed = chance.random() < 0.5
            moment_s = chance.uniform(0.0, took * (0.3 if aimed else 1.0))
            _kill_once([*arguments, "-o", out], room, out, moment_s, aimed, number, tally)
            wanted -= tally.kills - before
            if not wanted:
                break
        last = run([*arguments, "-o", out], room, timeout_s=bench.timeout_s)
        tally.chains += 1
        wrong = last.troubles(0) + integrity(out) + remains_of(out).differences(reference)
        tally.wrong += [f"chain {tally.chains}: {trouble}" for trouble in wrong]
    if tally.kills < kills:
        tally.wrong.append(f"only {tally.kills} of {kills} signals ended a run")
    return tally


def _kill_once(
    arguments: list[object],
    room: Path,
    out: Path,
    moment_s: float,
    aimed: bool,
    number: signal.Signals,
    tally: _Tally,
) -> None:
    """Start a run and stop it after so many seconds, unless it has ended by then.

    Args:
        aimed: the seconds count from when this run has noted itself in the ledger, not from its start.
    """
    runs = count(out, _RUNS)
    running = Running(arguments, room)
    if aimed:
        running.wait_until(lambda: count(out, _RUNS) > runs, 60.0)
    running.wait_until(lambda: False, moment_s)
    if not running.send(number):
        tally.wrong += running.wait(1.0).troubles(0)
        return
    began = time.monotonic()
    ended = running.wait(60.0)
    if number == signal.SIGINT and ended.code == 0:
        return  # it had done everything when the signal came
    tally.kills += 1
    tally.wrong += _improper(number, ended.code, ended.err, time.monotonic() - began)
    tally.amid_segments += bool(segments(out))
    if not slices_done(out):
        tally.before_ledger += 1
    elif _all_answered(out):
        tally.amid_copies += 1
    else:
        tally.amid_slices += 1


def _improper(number: signal.Signals, code: int | None, err: str, seconds: float) -> list[str]:
    """How a run may not end when it is stopped."""
    if number == signal.SIGKILL:
        return []
    # Before Python has set up its handlers, a signal ends it as any other program.
    wrong = [] if code in (130, -signal.SIGINT) else [f"exit code {code} after {number.name}: {err[-200:]}"]
    if "Traceback" in err and code != -signal.SIGINT:
        wrong.append(f"traceback after {number.name}: {err[-300:]}")
    if seconds > 15:
        wrong.append(f"took {seconds:.0f} s to end after {number.name}")
    return wrong


def _all_answered(out: Path) -> bool:
    ended = "SELECT source FROM task WHERE last OR stage IS NOT NULL"
    open_tasks = f"SELECT count(*) FROM source WHERE id NOT IN ({ended})"
    try:
        return count(out, open_tasks) == 0
    except sqlite3.Error:
        return False
