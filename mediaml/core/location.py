"""Where a source is: a file of this machine, or a URL that the user typed; its secrets are never shown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

# Two letters at least: `C://` is a drive.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# RFC 3986, 3.2.1: what stands before an `@` in the authority, which ends at the first `/`, `?` or `#`.
_USER = re.compile(r"(?<=://)[^/?#]*@")
# A password with one of these in it, typed as it is: a colon that no port number follows, and an `@`.
_TORN_USER = re.compile(r"(?<=://)[^/?#@:]*:(?!\d*(?:[/?#]|\Z))\S*@")
_SECRET = re.compile(
    r"(?<=[?&;])((?:[\w.-]*[_.-])?(?:pass|passwd|password|pwd|token|secret|signature|sig|auth|key|apikey"
    r"|credential|credentials)=)[^&;#]*",
    re.IGNORECASE,
)
_HIDDEN = "***"


@dataclass(frozen=True, slots=True, repr=False)
class Url:
    """A URL; as text it has `***` for user and password, and for values of its query that name a secret.

    Attributes:
        text: as it was typed, secrets included: only for whoever opens it.
    """

    text: str

    def __str__(self) -> str:
        shown = _USER.sub(f"{_HIDDEN}@", self.text, count=1)
        shown = shown if _HIDDEN in shown else _TORN_USER.sub(f"{_HIDDEN}@", shown, count=1)
        return _SECRET.sub(rf"\g<1>{_HIDDEN}", shown)

    def __repr__(self) -> str:
        return f"Url({str(self)!r})"

    @property
    def scheme(self) -> str:
        """What stands before `://`, in small letters."""
        return self.text.partition("://")[0].lower()

    @property
    def name(self) -> str:
        """A relative path for outputs: host and path, with nothing in it that means more than a name."""
        _, _, rest = str(self).partition("://")
        parts = re.split(r"[/\\]", re.split(r"[?#]", rest.removeprefix(f"{_HIDDEN}@"))[0])
        names = [re.sub(r"[^\w.-]+", "_", part) for part in parts]
        return "/".join(name for name in names if name.strip(".")) or "url"


Location = Path | Url
"""A local file, or a URL."""


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
