"""What a run returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mediaml.core.media import DecodeAccounts, Kind
from mediaml.core.text import counted
from mediaml.ledger.result_rows import FailureRow, SourceRow
from mediaml.ledger.totals import LabelTotals

Stop = Literal["interrupted", "too many failures", "stream closed"]
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class RunReport:
    """The outcome of a run: the inputs and models of this run only, whatever else the output folder holds.

    Attributes:
        output: the output folder. results: `results.jsonl` in it; `None` when it could not be written.
        files: media files that were processed. done: without a failure. failed: with one.
        up_to_date: of those done, how many had nothing left to do.
        unfinished: left over when the run was stopped.
        not_media: files in folders that are not media.
        copies: files in folders that are annotated copies made by mediaml.
        skipped: media of a kind that no model of the run accepts, by kind.
        frames: answered in this run, counted once for each model. elapsed_s: seconds.
        taken_over: of those, how many took over the answer of another, see `Sampling.still`.
        rendered: annotated copies written by this run.
        found: what each model found, per label.
        failures: what failed, by file and model. damaged: files read to their end in spite of damage.
        devices: by model, what its sessions really run on.
        stopped: why the run ended early; `None` where it did not.
        reason: what stopped it, or what failed other than files, in lines; else empty.
    """

    output: Path
    results: Path | None = None
    files: int = 0
    failed: int = 0
    up_to_date: int = 0
    unfinished: int = 0
    not_media: int = 0
    copies: int = 0
    skipped: Mapping[Kind, int] = field(default_factory=dict)
    frames: int = 0
    taken_over: int = 0
    elapsed_s: float = 0.0
    rendered: tuple[Path, ...] = ()
    found: tuple[LabelTotals, ...] = ()
    failures: tuple[FailureRow, ...] = ()
    damaged: tuple[tuple[SourceRow, DecodeAccounts], ...] = ()
    devices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stopped: Stop | None = None
    reason: str = ""

    @property
    def done(self) -> int:
        """Files without a failure, those that were up to date included."""
        return self.files - self.failed - self.unfinished

    @property
    def frames_per_s(self) -> float:
        """Frames answered per second."""
        return self.frames / max(self.elapsed_s, 1e-9)

    @property
    def exit_code(self) -> int:
        """What `mediaml run` exits with: 0 all well, 1 some inputs failed, 130 interrupted."""
        if self.stopped == "interrupted":
            return INTERRUPTED
        return int(self.failed > 0 or bool(self.reason))


_MOST_LABELS = 10


def found_text(found: LabelTotals) -> str:
    """`car 3, dog 1`, most frequent first; the others as a number."""
    shown = [f"{label} {number}" for label, number in found.labels[:_MOST_LABELS]]
    more = len(found.labels) - _MOST_LABELS
    return ", ".join([*shown, f"{counted(more, 'more label')}"] if more > 0 else shown)
