"""What a scan of the inputs yields, in short."""

from __future__ import annotations

from typing import Any

from mediaml.pipeline.inputs import Selection, scan
from mediaml.pipeline.walk import Skipped


def shown(*arguments: str, **fields: Any) -> list[str]:
    """The sources, as a user would name them."""
    return [source.shown for source in scan(Selection(arguments, **fields))]


def left_out(*arguments: str, **fields: Any) -> list[str]:
    """The lines on what was skipped."""
    skipped: list[Skipped] = []
    list(scan(Selection(arguments, **fields), skipped.append))
    return [str(one) for one in skipped]


def problems(*arguments: str) -> dict[str, str]:
    """Why sources cannot be read, by source."""
    return {source.shown: source.problem for source in scan(Selection(arguments)) if source.problem}
