"""Plugins that raise, answer nonsense, leak, hang and exit: each costs its file and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from scripts.reliability.remains import integrity, without_status
from scripts.reliability.runs import Ended, run
from scripts.reliability.verdict import Bench, Verdict

_METADATA = "Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n"
_STALL_S = 4.0
_GOOD = 8


@dataclass(frozen=True, slots=True)
class Trial:
    """A way to misbehave and what must come of it.

    Attributes:
        how: as `scripts.reliability.hostile` knows it.
        codes: exit codes that are right.
        fails: whether the red picture must fail by name; else it must be answered.
        others: whether the other pictures must be answered.
    """

    how: str
    codes: tuple[int, ...] = (1,)
    fails: bool = True
    others: bool = True


TRIALS = (
    Trial("raise in load", codes=(4,), others=False),
    Trial("exit in load", codes=(4,), others=False),
    Trial("exit by os._exit(0) in load", codes=(4,), others=False),
    Trial("crash in load", codes=(4,), others=False),
    Trial("raise in prepare"),
    Trial("raise in run"),
    Trial("raise in decode"),
    Trial("prepare nothing"),
    Trial("raise"),
    Trial("raise MemoryError"),
    Trial("raise a group"),
    Trial("recurse without end"),
    Trial("answer None"),
    Trial("answer a number"),
    Trial("answer strings"),
    Trial("answer NaN"),
    Trial("answer a box of NaN"),
    Trial("answer too few", others=False),
    Trial("answer numpy numbers", codes=(0,), fails=False),
    Trial("answer a name that is bytes"),
    Trial("answer a lone surrogate"),
    Trial("leak 256 MiB", codes=(0,), fails=False),
    Trial("exit by sys.exit(0)"),
    Trial("exit by os._exit(0)"),
    Trial("exit by os._exit(0) in prepare"),
    Trial("crash"),
    Trial("crash in a thread of its own"),
    Trial("abort"),
    Trial("be killed, as for want of memory"),
    Trial("fail as a GPU does"),
    Trial("hang"),
    Trial("hang and hold the interpreter"),
    Trial("print to stdout", codes=(0,), fails=False),
)


def torture_plugins(bench: Bench, *, trials: Sequence[Trial] = TRIALS) -> Iterator[Verdict]:
    """Run every way to misbehave on one red picture among others."""
    room = bench.room("plugins")
    install(room / "site")
    media = write_pictures(room / "in")
    for number, trial in enumerate(trials):
        yield _try(trial, room, media, room / f"out{number}", bench)


def install(site: Path) -> None:
    """Make a folder that, on PYTHONPATH, is an installed distribution `hostile` with its entry point."""
    information = site / "hostile-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(_METADATA, encoding="utf-8")
    (information / "entry_points.txt").write_text("[mediaml]\nhostile = hostile\n", encoding="utf-8")
    shutil.copy(Path(__file__).with_name("hostile.py"), site / "hostile.py")


def write_pictures(folder: Path) -> Path:
    """Grey pictures, and a red one in their midst."""
    folder.mkdir()
    for number in range(_GOOD):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((32, 32, 3), 20 * number, np.uint8))
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 2] = 255
    cv2.imwrite(str(folder / "3-red.png"), red)
    return folder


def _try(trial: Trial, room: Path, media: Path, out: Path, bench: Bench) -> Verdict:
    ended = run(
        ["run", "-p", "hostile", media, "-o", out, "--device", "cpu", "--no-annotate"]
        + (["--stall-timeout", _STALL_S] if trial.how.startswith("hang") else []),
        room,
        timeout_s=bench.timeout_s,
        environment={"PYTHONPATH": str(room / "site"), "HOSTILE": trial.how},
    )
    wrong = ended.troubles(*trial.codes)
    if trial.codes != (4,):
        wrong += _consequences(trial, media, out, ended)
    detail = f"exit code {ended.code}, peak memory {ended.peak_mib:.0f} MiB"
    return Verdict.of("plugins", trial.how, wrong, detail)


def _consequences(trial: Trial, media: Path, out: Path, ended: Ended) -> list[str]:
    """What is wrong with the ledger and the results."""
    lost = without_status(out, sorted(media.iterdir()))
    wrong = [f"{len(lost)} of {_GOOD + 1} files have no status"] if lost else []
    wrong += integrity(out)
    results = out / "results.jsonl"
    if ended.code is None or ended.code < 0 or not results.exists():
        return [*wrong, "no results are written"] if not results.exists() else wrong
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()[1:]]
    failed = {Path(line["source"]).name for line in lines if "failure" in line}
    answered = {Path(line["source"]).name for line in lines if "failure" not in line}
    if trial.fails != ("3-red.png" in failed):
        wrong.append("the red picture is not a failure" if trial.fails else "the red picture failed")
    if trial.others and len(answered - {"3-red.png"}) != _GOOD:
        wrong.append(f"{_GOOD - len(answered - {'3-red.png'})} neighbours lost")
    return wrong
