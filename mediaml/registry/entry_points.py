"""Entry points to records: every plugin becomes a record, whether it loads or not.

A plugin that fails to import, misspells a hook, breaks the contract or takes a name that is taken is listed
with its reason; the others are not affected. Bundled plugins are loaded in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

import pluggy

from mediaml.core.catalogue_entry import CatalogueEntry
from mediaml.core.errors import PluginError
from mediaml.core.suggestions import suggestion
from mediaml.onnx.runtime import disable_telemetry
from mediaml.registry.code_version import code_version
from mediaml.registry.hooks import GROUP, Hooks
from mediaml.registry.plugin_errors import describe_error
from mediaml.registry.plugin_file import FileLoader, PluginFile
from mediaml.registry.spec import ModelSpec, OutputSpec
from mediaml.store.bundled import bundled_names
from mediaml.store.catalogue import official_entries

BUNDLED_DISTRIBUTION = "mediaml"
_Record = TypeVar("_Record", ModelSpec, CatalogueEntry, OutputSpec)


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """One entry point of the group `mediaml`, or a file that is used as a plugin.

    Attributes:
        name: the entry point's name, or the file's path.
        distribution: the package that brought it, or the file's name; empty where it has no metadata.
        version: of the distribution and of the plugin's code; see `code_version`.
        module: what the entry point names.
        specs: the models it offers.
        problem: why it does not work, or only partly; empty when it does.
        entries: the models it adds to the catalogue.
        outputs: the outputs it offers.
        from_file: whether it is a file, not an entry point.
    """

    name: str
    distribution: str
    version: str
    module: str
    specs: tuple[ModelSpec, ...] = ()
    problem: str = ""
    entries: tuple[CatalogueEntry, ...] = ()
    outputs: tuple[OutputSpec, ...] = ()
    from_file: bool = False


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
        """The model of that name, or of a file: `FILE.py` where it offers one, else `FILE.py:MODEL`.

        Raises:
            PluginError: there is none; gives the reason of a broken plugin, or suggests near names.
        """
        file = PluginFile.parse(name)
        if file is not None:
            return self._in_file(file)
        offers = {offer.spec.name: offer for offer in self.offers()}
        if name in offers:
            return offers[name]
        self.refuse_broken(name)
        raise PluginError(f"no model {name!r} is installed.", _model_hint(name, sorted(offers)))

    def _in_file(self, file: PluginFile) -> Offer:
        """The model that is meant of a file that was loaded."""
        name = file.path.name
        self.refuse_broken(str(file.path))
        offers = {each.spec.name: each for each in self.offers() if each.plugin.name == str(file.path)}
        if not file.model and len(offers) == 1:
            return next(iter(offers.values()))
        if file.model in offers:
            return offers[file.model]
        if not offers:
            raise PluginError(f"plugin {name} offers no model.", "Yield a ModelSpec from `mediaml_models`.")
        if file.model:
            hint = suggestion(file.model, list(offers)) or f"It offers {', '.join(offers)}."
            raise PluginError(f"plugin {name} offers no model {file.model!r}.", hint)
        named = " or ".join(f"-p {name}:{model}" for model in offers)
        raise PluginError(f"plugin {name} offers {len(offers)} models.", f"Name one: {named}.")

    def refuse_broken(self, name: str) -> None:
        """Raise where a plugin of that name is installed and does not work.

        Raises:
            PluginError: gives the reason.
        """
        for record in self.records:
            if record.name == name and record.problem:
                if record.from_file:
                    raise PluginError(f"plugin {record.distribution} cannot be used: {record.problem}")
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


def load_registry(points: Iterable[EntryPoint] | None = None, *, files: Iterable[Path] = ()) -> Registry:
    """Import every plugin of the entry-point group `mediaml` and collect what it offers.

    Args:
        points: the entry points; `None` takes the installed ones.
        files: Python files that are plugins as well; they are loaded each time, and their names come first.
    """
    # A plugin may import ONNX Runtime itself.
    disable_telemetry()
    found = entry_points(group=GROUP) if points is None else points
    records = [*map(_load_file, files), *map(_load, sorted(found, key=_order))]
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

    def version() -> str:
        return code_version(point.dist, point.module) if point.dist else record.version

    return _filled(record, point.load, version)


def _load_file(path: Path) -> PluginRecord:
    record = PluginRecord(str(path), path.name, "", path.stem, from_file=True)
    try:
        loader = FileLoader(path)
    except OSError as error:
        return replace(record, problem=f"it cannot be read: {error.strerror}")
    record = replace(record, version=loader.version, module=loader.name)
    return _filled(record, loader.load, lambda: loader.version)


def _filled(record: PluginRecord, load: Callable[[], Any], version: Callable[[], str]) -> PluginRecord:
    """The record with what its module offers, or with the reason why it offers nothing."""
    try:
        record = _offered(load(), record)
        return replace(record, version=version())
    except pluggy.PluginValidationError as error:
        problem = " ".join(str(error).split())
    except (Exception, SystemExit) as error:  # noqa: BLE001  plugin code may raise anything
        problem = " ".join(describe_error(error, [record.module]).split())
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
