"""A shard: one of several equal parts of the inputs, for jobs that share the work without talking."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from mediaml.core.errors import UsageError, require

_TYPED = re.compile(r"(\d{1,9})/(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of the inputs.

    Attributes:
        number: which part, from 1. count: how many parts there are.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        require(1 <= self.number <= self.count, f"there is no shard {self.number} of {self.count}")

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard that was typed, such as `3/64`.

        Raises:
            UsageError: it is none.
        """
        typed = _TYPED.fullmatch(text.strip())
        if typed is None:
            raise UsageError(f"{text!r} is not a shard.", "Write N/COUNT, such as 3/64.")
        number, count = int(typed[1]), int(typed[2])
        if not 1 <= number <= count:
            raise UsageError(f"there is no shard {text}.", f"Shards are numbered from 1 to {max(count, 1)}.")
        return cls(number, count)

    def holds(self, name: str) -> bool:
        """Whether an input belongs to this shard; each belongs to exactly one.

        It depends on the name alone, by SHA-256: a file that is added or removed moves no other, and every
        machine agrees.

        Args:
            name: of the input, see `Source.name`.
        """
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1
