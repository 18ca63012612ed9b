"""`mediaml`: the group of commands. A command's module is imported when the command is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from mediaml import __version__
from mediaml.cli.lazy import LazyGroup
from mediaml.cli.shell import Shell, run_shell

_COMMANDS = {
    "run": "Pass images, video and audio through models.",
    "export": "Write results as CSV, Parquet, COCO, YOLO, subtitles, ...",
    "status": "Show the progress of an output folder, and what failed.",
    "merge": "Merge output folders, such as those of shards, into one.",
    "track": "Number the objects in the videos of an output folder.",
    "count": "Count objects, line crossings and presence in zones.",
    "diff": "Compare two sets of results.",
    "train": "Train a classifier on examples of your own classes.",
    "evaluate": "Measure detections against a ground truth.",
    "render": "Draw images and videos again, or blur what was found.",
    "montage": "Write a contact sheet of what was found.",
    "search": "Find frames by text or by an image.",
    "duplicates": "Show groups of images that look alike.",
    "report": "Write a page that shows what was found.",
    "plugins": "List, show, check and begin plugins.",
    "models": "List, download, verify and inspect model files.",
    "probe": "Show the header facts of media files.",
    "doctor": "Show versions, execution providers, GPUs and codecs.",
    "completion": "Print the completion script of a shell.",
}


@click.group(
    cls=LazyGroup,
    package="mediaml.cli",
    commands=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Exit codes: 0 success, 1 some inputs failed, 2 usage error, 3 device not available, "
    "4 plugin, model or checksum error, 5 no inputs matched, 130 interrupted (rerun to continue).",
)
@click.version_option(__version__, prog_name="mediaml")
def cli() -> None:
    """Machine learning over your own images, video and audio, in batch, on your own machine.

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
    _open_closed_streams()
    sys.exit(run_cli())


def _open_closed_streams() -> None:
    """Have nothing else take the place of a standard stream that the caller has closed.

    The next file to be opened would get its number: a line of a C library meant for stderr would be written
    into the ledger.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


if __name__ == "__main__":
    main()
