"""The catalogue: official models from the package's `catalogue.toml`, and those that plugins add."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mediaml.core.catalogue_entry import CatalogueEntry
from mediaml.core.errors import ModelError
from mediaml.core.suggestions import suggestion
from mediaml.store.bundled import bundled_names

_FILE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Entries by name, in the order in which they are listed."""

    entries: Mapping[str, CatalogueEntry]

    def find(self, name: str) -> CatalogueEntry:
        """The entry of that name.

        Raises:
            ModelError: there is none; suggests near names.
        """
        if name in self.entries:
            return self.entries[name]
        known = [*self.entries, *bundled_names()]
        raise ModelError(
            f"there is no model {name!r}, neither a file nor in the catalogue.",
            suggestion(name, known) or "`mediaml models list` shows all.",
        )


def official_entries() -> tuple[CatalogueEntry, ...]:
    """The entries of the package's own catalogue file."""
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return msgspec.convert(tables["model"], tuple[CatalogueEntry, ...])


def load_catalogue(added: Iterable[CatalogueEntry] = ()) -> Catalogue:
    """The official entries and those that plugins add; a name that is taken stays with the first."""
    entries: dict[str, CatalogueEntry] = {}
    for entry in (*official_entries(), *added):
        entries.setdefault(entry.name, entry)
    return Catalogue(entries)
