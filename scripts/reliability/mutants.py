"""Thousands of mutated files: no hang, no lost neighbour, every file a status."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.reliability.media import command, square_finder, write_clip, write_mixture, write_seeds
from scripts.reliability.mutate import mutant
from scripts.reliability.remains import integrity, standings, without_status
from scripts.reliability.runs import Ended, run
from scripts.reliability.verdict import Bench, Verdict

_CHUNK = 200
_LARGEST_SEED = 400_000
_MOST_MIB = 2048.0
_ALONE_S = 60.0


@dataclass(slots=True)
class _Tally:
    """What became of the files so far."""

    files: int = 0
    states: Counter[str] = field(default_factory=Counter)
    peak_mib: float = 0.0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def text(self, seeds: int) -> str:
        return (
            f"{self.files} files of {seeds} seeds: {self.states['failed']} failed by name, "
            f"{self.states['done']} were readable all the same; peak memory {self.peak_mib:.0f} MiB, "
            f"{self.seconds:.0f} s"
        )


def torture_mutants(bench: Bench, *, chunk: int = _CHUNK, annotate: bool = True) -> Iterator[Verdict]:
    """Run all mutants in chunks, each with whole neighbours among them."""
    room = bench.room("mutants")
    seeds = _seeds(room / "seeds", bench.assets)
    neighbours = _neighbours(room / "neighbours")
    arguments = [*command(square_finder(room)), "--annotate" if annotate else "--no-annotate"]
    reference = run([*arguments, neighbours, "-o", "reference"], room, timeout_s=bench.timeout_s)
    if reference.code != 0:
        raise RuntimeError(f"the neighbours fail by themselves: {reference.last_words()}")
    truth = _records(room / "reference", neighbours)
    tally = _Tally()
    for first in range(0, bench.files, chunk):
        numbers = range(first, min(first + chunk, bench.files))
        _run_chunk(arguments, room, bench, seeds, numbers, truth, tally)
    yield Verdict.of("mutants", "every file a status, no lost neighbour", tally.wrong, tally.text(len(seeds)))
    large = [f"{tally.peak_mib:.0f} MiB"] if tally.peak_mib > _MOST_MIB else []
    yield Verdict.of("mutants", "memory stays bounded", large, f"at most {tally.peak_mib:.0f} MiB in a run")


def _seeds(folder: Path, assets: Path | None) -> list[tuple[str, bytes]]:
    """Names and bytes of whole files: rendered ones, and small ones of the shared media."""
    paths = write_seeds(folder)
    if assets is not None:
        paths += [p for p in sorted((assets / "media").rglob("*.*")) if 0 < p.stat().st_size < _LARGEST_SEED]
    return [(path.name, path.read_bytes()) for path in paths]


def _neighbours(folder: Path) -> Path:
    """Whole files that must come out as if they were alone."""
    write_mixture(folder, frames=20, seconds=3.0)
    write_clip(folder / "zz-last.mp4", frames=20)
    return folder


def _run_chunk(
    arguments: list[object],
    room: Path,
    bench: Bench,
    seeds: Sequence[tuple[str, bytes]],
    numbers: range,
    truth: set[str],
    tally: _Tally,
) -> None:
    folder = room / f"mutants-{numbers.start}"
    folder.mkdir()
    files = []
    for number in numbers:
        name, data = mutant(seeds, number, bench.seed)
        files.append(folder / name)
        files[-1].write_bytes(data)
    out = room / f"out-{numbers.start}"
    # Half of them before the neighbours, half after: whoever brings the run down takes neighbours along.
    listing = room / f"list-{numbers.start}"
    half = len(files) // 2
    order = [*files[:half], *sorted((room / "neighbours").iterdir()), *files[half:]]
    listing.write_text("".join(f"{path}\n" for path in order), encoding="utf-8")
    call = [*arguments, "--from-file", listing, "-o", out]
    ended = run(call, room, timeout_s=bench.timeout_s)
    tally.files += len(files)
    tally.peak_mib = max(tally.peak_mib, ended.peak_mib)
    tally.seconds += ended.seconds
    wrong = ended.troubles(1)
    if ended.code is None or ended.code < 0:
        wrong += _culprits(arguments, room, out, files)
    else:
        wrong += [f"no status: {path.name}" for path in without_status(out, files)]
        wrong += _lost_neighbours(out, room / "neighbours", truth)
        tally.states.update(state for path, state in standings(out).items() if path.parent == folder)
        wrong += [f"left over: {path.name}" for path in out.rglob("*.part")]
    wrong += integrity(out)
    tally.wrong += [f"files {numbers.start}..{numbers.stop - 1}: {trouble}" for trouble in wrong]


def _culprits(arguments: list[object], room: Path, out: Path, files: list[Path]) -> Iterator[str]:
    """Which of the files without a status bring `mediaml` down when they are alone."""
    known = standings(out)
    suspects = [path for path in without_status(out, files) if path in known]
    for path in suspects:
        ended: Ended = run([*arguments, path, "-o", f"alone-{path.name}"], room, timeout_s=_ALONE_S)
        yield from (f"{path.name} alone: {trouble}" for trouble in ended.troubles(0, 1))
    if not suspects:
        yield "no file is under way in the ledger"


def _lost_neighbours(out: Path, folder: Path, truth: set[str]) -> list[str]:
    records = _records(out, folder)
    return [] if records == truth else [f"neighbours differ: {len(truth - records)} records lost"]


def _records(out: Path, folder: Path) -> set[str]:
    """Records of the files in a folder, by what is the same wherever the folder is typed."""
    lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    records = [json.loads(line) for line in lines]
    mine = [record for record in records if record["source"].startswith(f"{folder}/")]
    return {json.dumps(record, sort_keys=True) for record in mine}
