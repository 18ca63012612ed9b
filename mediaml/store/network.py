"""Network settings from the environment: offline mode, and mirrors to ask first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mediaml.core.catalogue_entry import CatalogueEntry, CatalogueFile
from mediaml.core.errors import UsageError

OFFLINE, MIRROR = "MEDIAML_OFFLINE", "MEDIAML_MODELS"
_NO = {"", "0", "false", "no", "off"}


@dataclass(frozen=True, slots=True)
class TransferPolicy:
    """How long a server is waited for.

    Attributes:
        connect_s: seconds to reach it. silence_s: seconds without one byte before it counts as stalled.
        tries: attempts in a row that bring nothing before the next mirror is asked.
        pause_s: seconds before the second attempt; twice as long before each further one.
        attempts: of one mirror in all, so that no server can send a byte at a time for ever.
    """

    connect_s: float = 15.0
    silence_s: float = 30.0
    tries: int = 3
    pause_s: float = 1.0
    attempts: int = 20


@dataclass(frozen=True, slots=True)
class Network:
    """Where files may come from.

    Attributes:
        offline: nothing but local files.
        mirror: an URL (http, https), asked before all others; it holds `NAME/FILE` as the cache does.
        folder: a folder of the same layout, looked at before the network.
        policy: see there.
    """

    offline: bool = False
    mirror: str = ""
    folder: Path | None = None
    policy: TransferPolicy = TransferPolicy()

    @classmethod
    def of(cls, environment: Mapping[str, str], *, offline: bool = False) -> Network:
        """What `MEDIAML_OFFLINE` and `MEDIAML_MODELS` say; `offline` is what was typed.

        Raises:
            UsageError: `MEDIAML_MODELS` is neither a folder nor an http or https URL.
        """
        offline = offline or environment.get(OFFLINE, "").strip().lower() not in _NO
        place = environment.get(MIRROR, "").strip()
        if is_http_url(place):
            return cls(offline, mirror=place)
        if place and not Path(place).is_dir():
            raise UsageError(
                f"{MIRROR}={place} is neither a folder nor an http or https address.",
                f"Correct or unset {MIRROR}.",
            )
        return cls(offline, folder=Path(place) if place else None)

    def urls(self, entry: CatalogueEntry, file: CatalogueFile) -> tuple[str, ...]:
        """Where a file is fetched, in turn."""
        mirrored = (f"{self.mirror.rstrip('/')}/{entry.name}/{file.name}",) if self.mirror else ()
        return tuple(dict.fromkeys((*mirrored, *file.urls)))


def is_http_url(text: str) -> bool:
    """Whether `text` is an address that may be fetched; no other scheme ever is."""
    return text.lower().startswith(("http://", "https://"))


def megabytes(size: int | None) -> str:
    """A size for a person: `248.0 MB`; `unknown size` for `None`."""
    if size is None:
        return "unknown size"
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
