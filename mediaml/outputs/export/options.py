"""What can be asked of an export beside the selection of results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mediaml.ops.intervals import Merging

MediaChoice = Literal["none", "link", "copy"]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Options of the formats; each format looks at those that concern it.

    Attributes:
        bom: begin a CSV file with a byte order mark, so that Excel reads it as UTF-8.
        escape_formulas: put `'` before text cells of a CSV file that a spreadsheet would take for a formula.
        media: whether images are linked or copied into a data set.
        merging: how label tracks merge what frames show.
    """

    bom: bool = False
    escape_formulas: bool = False
    media: MediaChoice = "none"
    merging: Merging = field(default_factory=Merging)
