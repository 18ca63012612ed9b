"""Command groups that import a command's module when it is called."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click


class LazyGroup(click.Group):
    """Commands by name, each in a module of that name with the attribute `command`.

    The help of the group is known without importing any of them.

    Args:
        package: where the modules are. commands: their names with one line of help, in order.
    """

    def __init__(self, *arguments: Any, package: str, commands: Mapping[str, str], **rest: Any) -> None:
        super().__init__(*arguments, **rest)
        self._package = package
        self._lazy = commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in order."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; `None` where there is none."""
        if cmd_name not in self._lazy:
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command = import_module(f"{self._package}.{module}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As in click, with a suggestion for a name that does not exist."""
        name = args[0]
        if name not in self._lazy and not name.startswith("-"):
            near = difflib.get_close_matches(name, self._lazy, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Commands: {', '.join(self._lazy)}."
            ctx.fail(f"No such command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._lazy.items()))
