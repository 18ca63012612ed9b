"""Darknet's cfg files as sections with checked options; layers are not interpreted here.

A cfg is a sequence of `[section]`s with `key=value` lines; `#` and `;` start a comment, white space is
ignored, and the first of duplicate keys counts, as in darknet's own `option_list.c`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mediaml.core.errors import ModelError
from mediaml.darknet.text import read_text

NET_KINDS = ("net", "network")


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a cfg.

    Attributes:
        source: the cfg's path, for errors.
        kind: the name in brackets, such as `convolutional`.
        line: of the name in brackets, from 1.
        index: the layer's number as darknet counts, from 0 after `[net]`, which is -1.
        options: as written, without white space.
    """

    source: str
    kind: str
    line: int
    index: int
    options: Mapping[str, str]

    def __str__(self) -> str:
        return f"layer {self.index} [{self.kind}]" if self.index >= 0 else f"[{self.kind}]"

    def error(self, what: str, hint: str = "") -> ModelError:
        """An error with its place in the cfg."""
        return ModelError(f"{self.source}, line {self.line}: {self} {what}", hint)

    def text(self, key: str, default: str) -> str:
        """An option as it is written."""
        return self.options.get(key, default)

    def integer(self, key: str, default: int, *, least: int = 0) -> int:
        """A whole number that is not less than `least`; raises `ModelError` otherwise."""
        value = self.number(key, default)
        if value != int(value) or value < least:
            raise self.error(f"has {key}={self.options[key]}, which is not a whole number of {least} or more")
        return int(value)

    def number(self, key: str, default: float) -> float:
        """A finite number; raises `ModelError` otherwise."""
        return self._numbers(key, self.options.get(key, str(default)))[0]

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers; empty where the key is absent; raises `ModelError` otherwise."""
        return self._numbers(key, self.options[key]) if key in self.options else ()

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers; empty where the key is absent; raises `ModelError` otherwise."""
        values = self.numbers(key)
        if any(value != int(value) for value in values):
            raise self.error(f"has {key}={self.options[key]}, which is not a list of whole numbers")
        return tuple(map(int, values))

    def _numbers(self, key: str, text: str) -> tuple[float, ...]:
        try:
            # A comma may end the list: darknet's own cfgs have such lines.
            values = tuple(float(part) for part in text.rstrip(",").split(","))
        except ValueError as error:
            raise self.error(f"has {key}={text}, which cannot be read as numbers") from error
        if not all(map(math.isfinite, values)):
            raise self.error(f"has {key}={text}, which is not finite")
        return values


@dataclass(frozen=True, slots=True)
class Cfg:
    """A cfg: the `[net]` section, and the layers in order."""

    net: Section
    layers: tuple[Section, ...]

    def with_masks(self, masks: Sequence[Sequence[int]]) -> Cfg:
        """This cfg with other anchors for its heads: `masks` has one list of indices for each `[yolo]`.

        Raises:
            ModelError: the cfg has another number of heads.
        """
        heads = [section for section in self.layers if section.kind == "yolo"]
        if len(heads) != len(masks):
            raise self.net.error(f"has {len(heads)} [yolo] layers after it, not {len(masks)}")
        chosen = dict(zip((head.index for head in heads), masks, strict=True))
        layers = (
            replace(section, options={**section.options, "mask": ",".join(map(str, chosen[section.index]))})
            if section.index in chosen
            else section
            for section in self.layers
        )
        return replace(self, layers=tuple(layers))


def read_cfg(path: Path) -> Cfg:
    """Read a cfg file.

    Raises:
        ModelError: it cannot be read or is not a Darknet cfg.
    """
    text = read_text(path, "Darknet cfg", "Name the .cfg first, the .weights second.")
    return parse_cfg(text, str(path))


def parse_cfg(text: str, source: str) -> Cfg:
    """The sections of a cfg's text.

    Args:
        text: of the cfg.
        source: how errors call it.

    Raises:
        ModelError: it does not begin with `[net]`, has no layers, or has a line that is neither a section nor
            an option.
    """
    sections: list[Section] = []
    options: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = "".join(raw.split("#")[0].split(";")[0].split())
        if not line:
            continue
        if line.startswith("[") and line.endswith("]"):
            options = {}
            sections.append(Section(source, line[1:-1].lower(), number, len(sections) - 1, options))
            continue
        key, equals, value = line.partition("=")
        if not sections or not key or not equals:
            raise ModelError(
                f"{source}, line {number}: {raw.strip()[:60]!r} is neither a [section] nor key=value",
                "Name a Darknet .cfg file.",
            )
        options.setdefault(key, value)
    if not sections or sections[0].kind not in NET_KINDS:
        raise ModelError(f"{source} does not begin with [net]", "Name a Darknet .cfg file.")
    if len(sections) == 1:
        raise ModelError(f"{source} has no layers after [net]", "Name a Darknet .cfg file.")
    return Cfg(sections[0], tuple(sections[1:]))
