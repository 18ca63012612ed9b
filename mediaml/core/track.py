"""Which audio track of a file is read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mediaml.core.errors import UsageError, require

# ISO 639-2 has two codes for these languages: Matroska uses the first (bibliographic), MP4 the other.
TERMINOLOGY = {
    "tib": "bod", "cze": "ces", "wel": "cym", "ger": "deu", "gre": "ell",
    "baq": "eus", "per": "fas", "fre": "fra", "arm": "hye", "ice": "isl",
    "geo": "kat", "mac": "mkd", "mao": "mri", "may": "msa", "bur": "mya",
    "dut": "nld", "rum": "ron", "slo": "slk", "alb": "sqi", "chi": "zho",
}  # fmt: skip
LANGUAGE = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*", re.IGNORECASE)
ALL = "all"


@dataclass(frozen=True, slots=True)
class TrackChoice:
    """An audio track: by number, by language, all of them, or, without any of these, the default one.

    The default track is the first that the container marks as such, else the first of all.

    Attributes:
        number: of the track among the audio tracks, from 1.
        language: ISO 639-2 or BCP 47, as the container names it.
        every: all tracks, each answered by itself.
    """

    number: int | None = None
    language: str | None = None
    every: bool = False

    def __post_init__(self) -> None:
        require(self.number is None or self.number > 0, f"number must be positive, not {self.number}")
        chosen = (self.number is not None) + (self.language is not None) + self.every
        require(chosen <= 1, "only one of number, language and every can be chosen")

    @classmethod
    def parse(cls, text: str) -> TrackChoice:
        """Parse `N`, a language or `all`.

        Raises:
            UsageError: it is none of them.
        """
        if text.lower() == ALL:
            return cls(every=True)
        if text.isdecimal() and int(text) > 0:
            return cls(number=int(text))
        if LANGUAGE.fullmatch(text):
            return cls(language=text)
        raise UsageError(
            f"{text!r} is not an audio track.", "Give its number from 1, its language such as eng, or all."
        )

    def __str__(self) -> str:
        if self.number is not None:
            return str(self.number)
        return self.language or (ALL if self.every else "default")

    def matches(self, language: str | None) -> bool:
        """Whether a track's language is the chosen one; subtags count only where both have them."""
        if self.language is None or language is None:
            return False
        wanted, found = _subtags(self.language), _subtags(language)
        return all(one == other for one, other in zip(wanted, found, strict=False))


def _subtags(language: str) -> list[str]:
    first, *others = language.lower().replace("_", "-").split("-")
    return [TERMINOLOGY.get(first, first), *others]
