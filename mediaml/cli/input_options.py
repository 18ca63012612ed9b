"""Options that choose the inputs of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from mediaml.core.errors import UsageError

if TYPE_CHECKING:
    from mediaml.core.media import Kind
    from mediaml.pipeline.inputs import Selection

_KINDS = ("image", "video", "audio")


def input_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options between `--recursive` and `--kind` to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def inputs_of(typed: Mapping[str, Any]) -> Selection:
    """The inputs that were chosen.

    Raises:
        UsageError: there is none, the list of `--from-file` cannot be read, or `--shard` is no shard.
    """
    from mediaml.core.shard import Shard
    from mediaml.pipeline.inputs import Selection

    arguments = (*typed["inputs"], *_listed(typed["from_file"]))
    if not arguments and not typed["from_file"]:
        raise UsageError("no input is named.", "Name files, folders or patterns, or a list with --from-file.")
    return Selection(
        arguments,
        recursive=typed["recursive"],
        include=typed["include"],
        exclude=typed["exclude"],
        omit=typed["output"],
        shard=None if typed["shard"] is None else Shard.parse(typed["shard"]),
    )


def kinds_of(typed: Mapping[str, Any]) -> frozenset[Kind]:
    """The kinds of media that were chosen; all where none was."""
    from mediaml.core.media import Kind

    return frozenset(map(Kind, typed["kinds"] or _KINDS))


def _listed(name: str | None) -> tuple[str, ...]:
    """The inputs in a list; `-` is stdin."""
    from mediaml.pipeline.typed_paths import expand_home, read_list

    if not name:
        return ()
    try:
        with click.open_file(expand_home(name), "rb") as file:
            return read_list(file.read())
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"the list {name} cannot be read: {reason}.") from error


_OPTIONS = (
    click.option(
        "--recursive/--no-recursive", default=True, show_default=True, help="Descend into subfolders."
    ),
    click.option(
        "--from-file",
        metavar="LIST|-",
        help="Read more inputs from a list, one per line or separated by NUL; - is stdin.",
    ),
    click.option("--include", multiple=True, metavar="PATTERN", help="In folders, take only matching files."),
    click.option(
        "--exclude", multiple=True, metavar="PATTERN", help="In folders, skip matching files and folders."
    ),
    click.option(
        "--shard",
        metavar="N/COUNT",
        help="Take only this part of the inputs, from 1/COUNT; join the parts with `mediaml merge`.",
    ),
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        type=click.Choice(_KINDS),
        help="Take only this kind of media; repeatable.",
    ),
)
