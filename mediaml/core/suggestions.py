"""Suggestions for a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str]) -> str:
    """`Did you mean 'yolo'?`, by case-insensitive likeness; empty where nothing is near."""
    folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.strip().casefold(), folded, n=1)
    return f"Did you mean {folded[near[0]]!r}?" if near else ""
