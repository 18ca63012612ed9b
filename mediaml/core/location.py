"""Where a source is: a file of this machine, or a URL that the user typed; its secrets are never shown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from mediaml.core.redaction import HIDDEN, redacted

# Two letters at least: `C://` is a drive.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
STORES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
}
"""The schemes of object stores, and the packages that speak to them."""


@dataclass(frozen=True, slots=True, repr=False)
class Url:
    """A URL; as text it has `***` for user, password and other secrets, see `redacted`.

    Attributes:
        text: as it was typed, secrets included, for opening it.
    """

    text: str

    def __str__(self) -> str:
        return redacted(self.text)

    def __repr__(self) -> str:
        return f"Url({str(self)!r})"

    @property
    def scheme(self) -> str:
        """What stands before `://`, in small letters."""
        return self.text.partition("://")[0].lower()

    @property
    def in_store(self) -> bool:
        """Whether it names an object of a store: it has a size, and can be read again and in parts."""
        return self.scheme in STORES

    @property
    def name(self) -> str:
        """A relative path for outputs: host and path, without special components."""
        _, _, rest = str(self).partition("://")
        parts = re.split(r"[/\\]", re.split(r"[?#]", rest.removeprefix(f"{HIDDEN}@"))[0])
        names = [re.sub(r"[^\w.-]+", "_", part) for part in parts]
        return "/".join(name for name in names if name.strip(".")) or "url"


Location = Path | Url
"""A local file, or a URL."""


def is_stream(location: Location) -> TypeGuard[Url]:
    """Whether a location can only be read once, from start to end, as it comes."""
    return isinstance(location, Url) and not location.in_store


def encoded(location: Location) -> bytes:
    """A location, secrets included, as bytes that `decoded` reads."""
    return os.fsencode(location.text if isinstance(location, Url) else location)


def decoded(data: bytes) -> Location:
    """What `encoded` wrote."""
    return location_of(os.fsdecode(data))


def is_url(text: str) -> bool:
    """Whether a text begins like a URL: a scheme and `://`."""
    return _URL.match(text) is not None


def location_of(text: str) -> Location:
    """The location that a text names, typed or from the ledger."""
    return Url(text) if is_url(text) else Path(text)
