"""`mediaml`: the group of commands. A command's module is imported when the command is typed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from mediaml import __version__
from mediaml.cli.shell import Shell, run_shell

_COMMANDS = {
    "run": "Pass images, video and sound through model plugins.",
    "status": "Show how far an output folder is, and what failed.",
    "search": "Find moments and pictures by words or by a picture.",
    "duplicates": "Show groups of pictures that look alike.",
    "plugins": "List plugins, and show their options.",
    "models": "List, fetch, verify and inspect models; import darknet nets.",
    "probe": "Show what a media file says of itself.",
    "doctor": "Show versions, execution providers that really start, GPUs and codecs.",
}


class _LazyGroup(click.Group):
    """Commands by name; help texts of the list are known without importing anything."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"mediaml.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 all well, 1 some inputs failed, 2 usage, 3 device not as asked, "
    "4 plugin, model or checksum, 5 no inputs matched, 130 interrupted (run again to continue).",
)
@click.version_option(__version__, prog_name="mediaml")
def cli() -> None:
    """Machine learning over your own images, video and sound, in batch, on your own machine.

    \b
    Examples:
      mediaml run --plugin yolo video.mp4
      mediaml run -p yolo photos/ clips/ -o out
      mediaml plugins info yolo
      mediaml probe video.mp4
    """


def run_cli(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code and never raises."""

    def command(shell: Shell) -> int | None:
        result: int | None = cli.main(
            list(sys.argv[1:] if arguments is None else arguments),
            prog_name="mediaml",
            standalone_mode=False,
            obj=shell,
        )
        return result

    return run_shell(command)


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run_cli())


if __name__ == "__main__":
    main()
