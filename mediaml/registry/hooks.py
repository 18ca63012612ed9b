"""The hooks by which plugins offer something. `hookimpl` is re-exported by `mediaml.plugin`."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from mediaml.core.catalogue_entry import CatalogueEntry
from mediaml.registry.spec import ModelSpec, OutputSpec

GROUP = "mediaml"
"""The entry-point group of plugins."""

hookimpl = pluggy.HookimplMarker(GROUP)
hookspec = pluggy.HookspecMarker(GROUP)


class Hooks:
    """The hooks that mediaml calls, each once per process, in the main thread, before anything is decoded.

    A hook may raise anything: the plugin is then listed with the reason and offers nothing. A name that is
    taken stays with the first plugin; bundled plugins come first.
    """

    @hookspec
    def mediaml_models(self) -> Iterable[ModelSpec]:  # type: ignore[empty-body]
        """Offer models."""

    @hookspec
    def mediaml_catalogue(self) -> Iterable[CatalogueEntry]:  # type: ignore[empty-body]
        """Add models that are fetched when they are first used: URL, checksum, size and licence of each."""

    @hookspec
    def mediaml_outputs(self) -> Iterable[OutputSpec]:  # type: ignore[empty-body]
        """Offer outputs: formats that are written from the results."""
