"""View options: options of a model that only select among its predictions, marked as such by its plugin.

A marked option is at its floor when the model is run; what the user asked for is a `View` on what is kept.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from mediaml.core.errors import require
from mediaml.core.view import View

Selects = Literal["min_score", "classes", "top", "max_detections"]
_KEY = "view"


@dataclass(frozen=True, slots=True)
class ViewMark:
    """The arguments of `view`; see there."""

    selects: Selects
    floor: float | None
    unless: str

    def floored(self, value: Any) -> Any:
        """What the model is run with where a user asks for `value`."""
        if self.selects == "classes":
            return ()
        return min(value, self.floor) if self.selects == "min_score" else max(value, self.floor)

    def covers(self, kept: Any, asked: Any) -> bool:
        """Whether predictions made with `kept` hold all that is asked for."""
        if self.selects == "classes":
            return not kept or (bool(asked) and _folded(asked) <= _folded(kept))
        return bool(kept <= asked if self.selects == "min_score" else kept >= asked)


def view(selects: Selects, *, floor: float | None = None, unless: str = "") -> dict[str, Any]:
    """Mark an option as one that only selects: `Meta(ge=0, le=1, extra=view("min_score", floor=0.05))`.

    Running again with another value of it then needs no model. Mark an option only where what the model
    answers with one value is what `mediaml.plugin.select` makes of its answer with a lower one.

    Args:
        selects: `min_score` leaves out labels and detections below the option's value, `classes` (texts) all
            of other names or ids, `top` all labels but the first ones, `max_detections` all detections but
            the first ones.
        floor: with which value the model is run, unless more is asked for: the lowest score or the largest
            number. Not for `classes`, which is then empty.
        unless: name of another option; where that is set, this one does more than select.

    Raises:
        ValueError: `selects` is none of these, or `floor` is missing, or is given for `classes`.
    """
    require(selects in get_args(Selects), f"a view selects one of {get_args(Selects)}, not {selects!r}")
    require((floor is None) == (selects == "classes"), f"a view on {selects} needs a floor, classes has none")
    return {_KEY: ViewMark(selects, floor, unless)}


def view_marks(options: Any) -> dict[str, ViewMark]:
    """By name, the options of an instance that only select."""
    hints = typing.get_type_hints(type(options), include_extras=True)
    marks = {
        name: meta.extra[_KEY]
        for name, hint in hints.items()
        for meta in getattr(hint, "__metadata__", ())
        if isinstance(meta, msgspec.Meta) and meta.extra and _KEY in meta.extra
    }
    return {name: mark for name, mark in marks.items() if not (mark.unless and getattr(options, mark.unless))}


def view_of(options: Any) -> View:
    """What the options ask to see."""
    values = {mark.selects: getattr(options, name) for name, mark in view_marks(options).items()}
    if "classes" in values:
        values["classes"] = tuple(values["classes"])
    return View(**values)


def at_floor(options: Any) -> Any:
    """The options that the model is run with."""
    marks = view_marks(options)
    return dataclasses.replace(
        options, **{name: mark.floored(getattr(options, name)) for name, mark in marks.items()}
    )


def kept_score(options: Any) -> float:
    """From which score on all detections of a frame are kept: the option's default, or less if asked for."""
    default = type(options)()
    scores = [
        min(getattr(options, name), getattr(default, name))
        for name, mark in view_marks(options).items()
        if mark.selects == "min_score"
    ]
    return min(scores, default=0.0)


def covers(kept: Mapping[str, Any], options: Any) -> bool:
    """Whether predictions made with one set of options, a record as the ledger keeps it, hold all of another.

    Options that do more than select must be equal.
    """
    marks = view_marks(options)
    # By way of JSON, as the record came: a tuple is a list there.
    asked = msgspec.json.decode(msgspec.json.encode(dataclasses.asdict(options)), type=dict[str, Any])
    return kept.keys() == asked.keys() and all(
        marks[name].covers(kept[name], value) if name in marks else kept[name] == value
        for name, value in asked.items()
    )


def _folded(names: Any) -> set[str]:
    return {str(name).strip().casefold() for name in names}
