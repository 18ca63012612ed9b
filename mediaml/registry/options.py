"""Options of models: from `-O name.field=value` to a checked, typed dataclass."""

from __future__ import annotations

import csv
import dataclasses
import typing
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from mediaml.core.errors import OptionError
from mediaml.core.suggestions import suggestion
from mediaml.registry.spec import ModelSpec

_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """One option: its name, type, default, and description."""

    name: str
    type: str
    default: Any
    description: str


def describe_options(options: type) -> tuple[OptionInfo, ...]:
    """What a model's options class offers, field by field."""
    hints = typing.get_type_hints(options, include_extras=True)
    return tuple(_describe(field, hints[field.name]) for field in dataclasses.fields(options))


def _describe(field: dataclasses.Field[Any], hint: Any) -> OptionInfo:
    metas = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    bare = hint.__origin__ if metas else hint
    name = bare.__name__ if isinstance(bare, type) and not typing.get_args(bare) else str(bare)
    bounds = [
        f"{sign} {bound}"
        for meta in metas
        for sign, bound in ((">=", meta.ge), (">", meta.gt), ("<=", meta.le), ("<", meta.lt))
        if bound is not None
    ]
    default = field.default_factory() if callable(field.default_factory) else field.default
    described = next((meta.description for meta in metas if meta.description), "")
    return OptionInfo(field.name, " ".join([name.replace("typing.", ""), *bounds]), default, described or "")


def split_assignments(assignments: Iterable[str], names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Sort `name.option=value` (or `option=value` when one model runs) by model.

    Raises:
        OptionError: no `=`, no model of that name in this run, or no name where several models run.
    """
    chosen = list(names)
    sorted_: dict[str, dict[str, str]] = {name: {} for name in chosen}
    for assignment in assignments:
        target, equals, value = assignment.partition("=")
        owner, dot, option = target.strip().partition(".")
        if not dot and len(chosen) == 1:
            owner, option = chosen[0], owner
        if not equals or not option:
            raise OptionError(f"-O {assignment!r} is not NAME.OPTION=VALUE.", "For example: -O yolo.conf=0.4")
        if owner not in sorted_:
            hint = suggestion(owner, chosen) or f"Selected: {', '.join(chosen)}."
            raise OptionError(f"-O {assignment!r}: {owner!r} is not among the models of this run.", hint)
        sorted_[owner][option] = value.strip()
    return sorted_


def build_options(spec: ModelSpec, texts: Mapping[str, str]) -> Any:
    """The options instance of a model from what the user typed; defaults for the rest.

    Raises:
        OptionError: an option is unknown (with a suggestion), of the wrong type or out of its range.
    """
    hints = typing.get_type_hints(spec.options, include_extras=True)
    known = [field.name for field in dataclasses.fields(spec.options)]
    values = {}
    for name, text in texts.items():
        if name not in known:
            hint = suggestion(name, known) or f"Its options: {', '.join(known) or 'none'}."
            raise OptionError(f"model {spec.name!r} has no option {name!r}.", hint)
        values[name] = _converted(spec.name, name, text, hints[name])
    try:
        return spec.options(**values)
    except ValueError as error:
        raise OptionError(f"options of model {spec.name!r}: {error}") from error


def _converted(model: str, name: str, text: str, hint: Any) -> Any:
    bare = typing.get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    value: Any = text
    if typing.get_origin(bare) in (tuple, list, frozenset, set):
        value = _members(f"-O {model}.{name}={text}", text)
    elif bare is bool and text.lower() in _TRUE | _FALSE:
        value = text.lower() in _TRUE
    try:
        return msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError as error:
        choices = list(map(str, typing.get_args(bare))) if typing.get_origin(bare) is typing.Literal else []
        raise OptionError(
            f"-O {model}.{name}={text}: {str(error)[0].lower()}{str(error)[1:]}.",
            suggestion(text, choices) or f"`mediaml plugins info {model}` shows types and ranges.",
        ) from error


def _members(assignment: str, text: str) -> list[Any]:
    """The members of a list: a line of CSV, or a JSON array. A member that holds commas is quoted.

    Raises:
        OptionError: a quote is not closed.
    """
    if text.startswith("["):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text, type=list[Any])
    try:
        rows = list(csv.reader([text], skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise OptionError(
            f"{assignment}: the list cannot be read ({error}).",
            """Quote a member that holds commas: 'NAME.OPTION="red, amber",green'.""",
        ) from error
    return [part.strip() for row in rows for part in row if part.strip()]


def options_record(options: Any) -> dict[str, Any]:
    """Options as plain JSON values, sorted by name: what the ledger keys by."""
    record: dict[str, Any] = msgspec.to_builtins(dataclasses.asdict(options))
    return dict(sorted(record.items()))


def options_of(spec: ModelSpec, record: str) -> Any:
    """The options instance that `options_record` was made of, from its JSON.

    Raises:
        OptionError: they are not those of the plugin as it is installed, or a floor is out of its range.
    """
    try:
        return msgspec.json.decode(record, type=spec.options)
    except msgspec.DecodeError as error:
        raise OptionError(f"options of plugin {spec.name!r}: {error}.") from error
