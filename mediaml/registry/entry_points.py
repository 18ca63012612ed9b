"""Entry points to records: every plugin becomes a row, whether it loads or not.

A plugin that fails to import, misspells a hook, breaks the contract or takes a name that is taken is a row
with its reason; it harms nobody who did not name it. Bundled plugins come in by the same door.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import TypeVar

import pluggy

from mediaml.core.catalogue_entry import CatalogueEntry
from mediaml.core.errors import PluginError
from mediaml.onnx.runtime import disable_telemetry
from mediaml.registry.spec import GROUP, Hooks, ModelSpec
from mediaml.store.bundled import bundled_names
from mediaml.store.catalogue import official_entries

BUNDLED_DISTRIBUTION = "mediaml"
_Record = TypeVar("_Record", ModelSpec, CatalogueEntry)


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """One entry point of the group `mediaml`.

    Attributes:
        name: the entry point's name.
        distribution, version: the package that brought it; empty where it has no metadata.
        module: what the entry point names.
        specs: the models it offers.
        problem: why it offers less than it should; empty when all is well.
        entries: the models it adds to the catalogue.
    """

    name: str
    distribution: str
    version: str
    module: str
    specs: tuple[ModelSpec, ...] = ()
    problem: str = ""
    entries: tuple[CatalogueEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A model and the plugin that offers it."""

    spec: ModelSpec
    plugin: PluginRecord


@dataclass(frozen=True, slots=True)
class Registry:
    """All plugins of this installation, in a stable order: bundled first, then by distribution and name."""

    records: tuple[PluginRecord, ...]

    def offers(self) -> Iterator[Offer]:
        """Every model on offer."""
        for record in self.records:
            for spec in record.specs:
                yield Offer(spec, record)

    def entries(self) -> Iterator[CatalogueEntry]:
        """Every model that plugins add to the catalogue."""
        for record in self.records:
            yield from record.entries

    def find(self, name: str) -> Offer:
        """The model of that name.

        Raises:
            PluginError: there is none; says the reason of a broken plugin, or suggests near names.
        """
        offers = {offer.spec.name: offer for offer in self.offers()}
        if name in offers:
            return offers[name]
        for record in self.records:
            if record.name == name and record.problem:
                raise PluginError(
                    f"plugin {name!r} ({record.distribution}) cannot be used: {record.problem}",
                    f"Mend or uninstall {record.distribution}; `mediaml plugins list` shows all.",
                )
        near = difflib.get_close_matches(name, offers, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(sorted(offers)) or 'none'}."
        raise PluginError(f"there is no plugin {name!r}.", hint)


def load_registry(points: Iterable[EntryPoint] | None = None) -> Registry:
    """Import every plugin of the entry-point group `mediaml` and collect what it offers."""
    # A plugin may import ONNX Runtime itself.
    disable_telemetry()
    found = entry_points(group=GROUP) if points is None else points
    records = [_load(point) for point in sorted(found, key=_order)]
    models: dict[str, str] = {}
    catalogue: dict[str, str] = {}
    if any(record.entries for record in records):
        catalogue = {entry.name: BUNDLED_DISTRIBUTION for entry in official_entries()}
        catalogue |= dict.fromkeys(bundled_names(), BUNDLED_DISTRIBUTION)
    return Registry(tuple(_without_taken(record, models, catalogue) for record in records))


def _order(point: EntryPoint) -> tuple[bool, str, str]:
    distribution = point.dist.name if point.dist else ""
    return (distribution != BUNDLED_DISTRIBUTION, distribution, point.name)


def _load(point: EntryPoint) -> PluginRecord:
    distribution = point.dist.name if point.dist else ""
    version = point.dist.version if point.dist else ""
    specs: tuple[ModelSpec, ...] = ()
    entries: tuple[CatalogueEntry, ...] = ()
    problem = ""
    try:
        specs, entries = _offered(point.load(), point.name)
    except pluggy.PluginValidationError as error:
        problem = " ".join(str(error).split())
    except (Exception, SystemExit) as error:  # noqa: BLE001  a stranger's code may raise anything
        problem = f"{type(error).__name__}: {error}".rstrip(": ")
    return PluginRecord(point.name, distribution, version, point.value, specs, problem, entries)


def _offered(module: ModuleType, name: str) -> tuple[tuple[ModelSpec, ...], tuple[CatalogueEntry, ...]]:
    # One manager a plugin: a misspelt hook is then blamed on the plugin that misspelt it.
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(Hooks)
    manager.register(module, name=name)
    manager.check_pending()
    hooks = manager.hook
    if not (hooks.mediaml_models.get_hookimpls() or hooks.mediaml_catalogue.get_hookimpls()):
        raise PluginError("it has no function `mediaml_models` marked with @hookimpl.")
    return (
        tuple(_of_type(ModelSpec, hooks.mediaml_models(), "mediaml_models")),
        tuple(_of_type(CatalogueEntry, hooks.mediaml_catalogue(), "mediaml_catalogue")),
    )


def _of_type(wanted: type[_Record], answers: Iterable[Iterable[object]], hook: str) -> Iterator[_Record]:
    for offered in answers:
        for record in offered:
            if not isinstance(record, wanted):
                raise PluginError(f"{hook} must yield {wanted.__name__}, not {type(record).__name__}.")
            yield record


def _without_taken(record: PluginRecord, models: dict[str, str], catalogue: dict[str, str]) -> PluginRecord:
    """Drop what has a name that is taken, by whom the dicts say; they grow by what is kept."""
    owner = record.distribution or record.module
    specs, refused = _free(record.specs, models, owner, "the name {!r} is already taken by {}")
    entries, unlisted = _free(
        record.entries, catalogue, owner, "the model {!r} is already in the catalogue, by {}"
    )
    problems = filter(None, (record.problem, *refused, *unlisted))
    return replace(record, specs=specs, entries=entries, problem="; ".join(problems))


def _free(
    offered: Iterable[_Record], taken: dict[str, str], owner: str, refusal: str
) -> tuple[tuple[_Record, ...], list[str]]:
    """The records whose names are free, and a refusal for each of the others."""
    kept, problems = [], []
    for record in offered:
        if record.name in taken:
            problems.append(refusal.format(record.name, taken[record.name]))
        else:
            taken[record.name] = owner
            kept.append(record)
    return tuple(kept), problems
