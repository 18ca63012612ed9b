"""What is rendered from a ledger, and how."""

from __future__ import annotations

from dataclasses import dataclass, field

from mediaml.ledger.selection import ResultSelection
from mediaml.ops.look import Look


@dataclass(frozen=True, slots=True)
class RenderJob:
    """What is rendered, and how; the default is what a run renders.

    Attributes:
        look: how results are drawn.
        selection: which results are drawn, its names as they are in the ledger.
        audio: whether copies of videos have the audio of their sources.
    """

    look: Look = field(default_factory=Look)
    selection: ResultSelection = field(default_factory=ResultSelection)
    audio: bool = True
