"""Entry points to records: every plugin becomes a record, whether it loads or not.

A plugin that fails to import, misspells a hook, breaks the contract or takes a name that is taken is listed
with its reason; the others are not affected. Bundled plugins are loaded in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

import pluggy

from mediaml.core.catalogue_entry import CatalogueEntry
from mediaml.core.errors import PluginError
from mediaml.core.suggestions import suggestion
from mediaml.onnx.runtime import disable_telemetry
from mediaml.registry.code_version import code_version
from mediaml.registry.hooks import GROUP, Hooks
from mediaml.registry.plugin_errors import describe_error
from mediaml.registry.spec import ModelSpec, OutputSpec
from mediaml.store.bundled import bundled_names
from mediaml.store.catalogue import official_entries

BUNDLED_DISTRIBUTION = "mediaml"
_Record = TypeVar("_Record", ModelSpec, CatalogueEntry, OutputSpec)


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """One entry point of the group `mediaml`.

    Attributes:
        name: the entry point's name.
        distribution: the package that brought it; empty where it has no metadata.
        version: of the distribution and of the plugin's code; see `code_version`.
        module: what the entry point names.
        specs: the models it offers.
        problem: why it does not work, or only partly; empty when it does.
        entries: the models it adds to the catalogue.
        outputs: the outputs it offers.
    """

    name: str
    distribution: str
    version: str
    module: str
    specs: tuple[ModelSpec, ...] = ()
    problem: str = ""
    entries: tuple[CatalogueEntry, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()


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

    def outputs(self) -> Iterator[OutputSpec]:
        """Every output that plugins offer."""
        for record in self.records:
            yield from record.outputs

    def find(self, name: str) -> Offer:
        """The model of that name.

        Raises:
            PluginError: there is none; gives the reason of a broken plugin, or suggests near names.
        """
        offers = {offer.spec.name: offer for offer in self.offers()}
        if name in offers:
            return offers[name]
        self.refuse_broken(name)
        raise PluginError(f"no model {name!r} is installed.", _model_hint(name, sorted(offers)))

    def refuse_broken(self, name: str) -> None:
        """Raise where a plugin of that name is installed and does not work.

        Raises:
            PluginError: gives the reason.
        """
        for record in self.records:
            if record.name == name and record.problem:
                raise PluginError(
                    f"plugin {name!r} ({record.distribution}) cannot be used: {record.problem}",
                    f"Fix or uninstall {record.distribution}; `mediaml plugins list` shows all.",
                )


def _model_hint(name: str, known: list[str]) -> str:
    """A hint for a name that no model has."""
    separator = next((sign for sign in (",", ";", " ") if sign in name.strip()), "")
    parts = [part.strip() for part in name.split(separator)] if separator else []
    if parts and all(part.lower() in known for part in parts if part):
        repeated = " ".join(f"-p {part.lower()}" for part in parts if part)
        return f"Give each model its own -p: {repeated}."
    if name.lower().endswith((".onnx", ".weights", ".cfg", ".pt")):
        return f"-p takes the name of a model; a file goes to -m, for example: -p yolo -m {name}"
    return suggestion(name, known) or f"Installed: {', '.join(known) or 'none'}."


def load_registry(points: Iterable[EntryPoint] | None = None) -> Registry:
    """Import every plugin of the entry-point group `mediaml` and collect what it offers."""
    # A plugin may import ONNX Runtime itself.
    disable_telemetry()
    found = entry_points(group=GROUP) if points is None else points
    records = [_load(point) for point in sorted(found, key=_order)]
    taken = _Taken()
    if any(record.entries for record in records):
        names = [*(entry.name for entry in official_entries()), *bundled_names()]
        taken.entries.update(dict.fromkeys(names, BUNDLED_DISTRIBUTION))
    return Registry(tuple(_without_taken(record, taken) for record in records))


def _order(point: EntryPoint) -> tuple[bool, str, str]:
    distribution = point.dist.name if point.dist else ""
    return (distribution != BUNDLED_DISTRIBUTION, distribution, point.name)


def _load(point: EntryPoint) -> PluginRecord:
    distribution = point.dist.name if point.dist else ""
    record = PluginRecord(point.name, distribution, point.dist.version if point.dist else "", point.value)
    try:
        record = _offered(point.load(), record)
        return replace(record, version=code_version(point.dist, point.module)) if point.dist else record
    except pluggy.PluginValidationError as error:
        problem = " ".join(str(error).split())
    except (Exception, SystemExit) as error:  # noqa: BLE001  plugin code may raise anything
        problem = " ".join(describe_error(error, [point.value]).split())
    return replace(record, problem=problem)


def _offered(module: Any, record: PluginRecord) -> PluginRecord:
    """The record with all that the plugin's hooks yield."""
    # One manager per plugin, so that a misspelt hook is attributed to the plugin that misspelt it.
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(Hooks)
    manager.register(module, name=record.name)
    manager.check_pending()
    hooks = manager.hook
    known = (hooks.mediaml_models, hooks.mediaml_catalogue, hooks.mediaml_outputs)
    if not any(hook.get_hookimpls() for hook in known):
        raise PluginError("it has no function `mediaml_models` marked with @hookimpl.")
    return replace(
        record,
        specs=tuple(_of_type(ModelSpec, hooks.mediaml_models(), "mediaml_models")),
        entries=tuple(_of_type(CatalogueEntry, hooks.mediaml_catalogue(), "mediaml_catalogue")),
        outputs=tuple(_of_type(OutputSpec, hooks.mediaml_outputs(), "mediaml_outputs")),
    )


def _of_type(wanted: type[_Record], answers: Iterable[Iterable[object]], hook: str) -> Iterator[_Record]:
    for offered in answers:
        for record in offered:
            if not isinstance(record, wanted):
                raise PluginError(f"{hook} must yield {wanted.__name__}, not {type(record).__name__}.")
            yield record


@dataclass(frozen=True, slots=True)
class _Taken:
    """Names that are taken, each with the distribution that has it; they grow by what is kept."""

    models: dict[str, str] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


def _without_taken(record: PluginRecord, taken: _Taken) -> PluginRecord:
    """The record without what has a name that is taken; says so in `problem`."""
    owner = record.distribution or record.module
    specs, refused = _free(record.specs, taken.models, owner, "the model name {!r} is already taken by {}")
    entries, unlisted = _free(
        record.entries, taken.entries, owner, "the model {!r} is already in the catalogue, by {}"
    )
    outputs, unused = _free(
        record.outputs, taken.outputs, owner, "the output name {!r} is already taken by {}"
    )
    problems = filter(None, (record.problem, *refused, *unlisted, *unused))
    return replace(record, specs=specs, entries=entries, outputs=outputs, problem="; ".join(problems))


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
