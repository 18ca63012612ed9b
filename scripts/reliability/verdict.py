"""What a trial came to, and the room in which trials are held."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Outcome = Literal["holds", "does not hold", "skipped"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one trial showed.

    Attributes:
        part: the part of the torture. case: what was tried.
        outcome: whether what is promised holds; `skipped` where this machine could not try it.
        detail: figures, or what was seen instead.
    """

    part: str
    case: str
    outcome: Outcome
    detail: str

    @classmethod
    def of(cls, part: str, case: str, wrong: list[str], detail: str) -> Verdict:
        """`holds` where nothing is wrong; else the first few things that are."""
        if not wrong:
            return cls(part, case, "holds", detail)
        more = f" (and {len(wrong) - 4} more)" if len(wrong) > 4 else ""
        return cls(part, case, "does not hold", "; ".join(wrong[:4]) + more)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and how hard it is tried.

    Attributes:
        folder: an empty folder for everything that is written.
        seed: of every random choice.
        kills, files: how many.
        timeout_s: after which a run of `mediaml` counts as hanging.
        assets: the shared assets; `None` where they are not at hand.
    """

    folder: Path
    seed: int = 0
    kills: int = 50
    files: int = 5000
    timeout_s: float = 300.0
    assets: Path | None = None

    def room(self, name: str) -> Path:
        """A new folder of that name."""
        room = self.folder / name
        room.mkdir(parents=True)
        return room


Part = Callable[[Bench], Iterator[Verdict]]
"""One part of the torture: yields its verdicts as they come."""


def write_verdicts(verdicts: list[Verdict], target: Path) -> None:
    """All verdicts as JSON lines."""
    records = [{"part": v.part, "case": v.case, "outcome": v.outcome, "detail": v.detail} for v in verdicts]
    target.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
