"""`mediaml run`: from what was typed to a request; `mediaml.cli.job` carries it out."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.limits import limit_options, limits_of
from mediaml.cli.prompts import prompt_options
from mediaml.cli.shell import noise_options, offline_option, shell_of

if TYPE_CHECKING:
    from subprocess import Popen

    from mediaml.cli.shell import Shell
    from mediaml.pipeline.inputs import Selection

_KINDS = ("image", "video", "audio")
_SECONDS = click.FloatRange(min=0.0)


@click.command("run")
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option(
    "-p", "--plugin", "plugins", multiple=True, required=True, help="Model to run; may be repeated."
)
@click.option(
    "-m",
    "--model",
    "weights",
    multiple=True,
    metavar="[NAME=]MODEL",
    help="ONNX file to use, or a name of `mediaml models list`, fetched on first use.",
)
@click.option(
    "-O", "--option", "options", multiple=True, metavar="NAME.OPTION=VALUE", help="Option of a plugin."
)
@prompt_options
@click.option(
    "-o",
    "--output",
    default="mediaml-out",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Output folder.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="auto, cpu, cuda, cuda:N, or several GPUs as cuda:0,1; cuda never falls back.",
)
@click.option("--recursive/--no-recursive", default=True, show_default=True, help="Enter folders in folders.")
@click.option(
    "--from-file",
    metavar="LIST|-",
    help="Read more inputs from a list, one per line or separated by NUL; - is stdin.",
)
@click.option("--include", multiple=True, metavar="PATTERN", help="In folders, take only matching files.")
@click.option(
    "--exclude", multiple=True, metavar="PATTERN", help="In folders, leave out matching files and folders."
)
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(_KINDS), help="Take only this kind; may be repeated."
)
@click.option(
    "--annotate/--no-annotate",
    default=None,
    help="Draw copies [default: for boxes and pictures].",
)
@click.option("--jsonl", metavar="-|PATH", help="Stream results as JSON lines while they come; - is stdout.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and why; do and write nothing.")
@click.option("--force", is_flag=True, help="Do again what the output folder already holds.")
@click.option("--hash", "hashed", is_flag=True, help="Tell changed files by content, not by size and time.")
@click.option("--retry-failed", "only_failed", is_flag=True, help="Do nothing but what failed before.")
@click.option(
    "--on-error",
    type=click.Choice(("skip", "stop")),
    default="skip",
    show_default=True,
    help="Whether the run goes on after a file has failed.",
)
@click.option("--max-failures", metavar="N|P%", help="Stop after so many failed files, or such a share.")
@click.option(
    "--timeout-per-file",
    type=_SECONDS,
    metavar="SECONDS",
    help="Give a file up that takes longer [default: never].",
)
@click.option(
    "--stall-timeout",
    type=_SECONDS,
    metavar="SECONDS",
    default=300.0,
    show_default=True,
    help="Give a file up when nothing comes of it for so long; 0 waits for ever.",
)
@click.option("--batch", type=click.IntRange(1), help="Frames answered at once [default: by device].")
@click.option("--threads", type=click.IntRange(1), help="Threads of ONNX Runtime [default: by machine].")
@click.option("--readers", type=click.IntRange(1, 64), help="Files decoded at once [default: by machine].")
@limit_options
@offline_option
@noise_options
@click.pass_context
def command(context: click.Context, /, **typed: Any) -> int:
    """Pass images, video and sound through model plugins.

    INPUT is a file, a folder, a pattern or a URL (http, https, rtsp, rtmp, ...). Results go to the output
    folder: the ledger, results.jsonl, and annotated copies. The same command again does only what is missing.

    \b
    Examples:
      mediaml run --plugin yolo video.mp4
      mediaml run -p yolo -O yolo.conf=0.4 -O yolo.classes=person,car photos/ -o out
      mediaml run -p yolo -m yolov3.onnx 'clips/**/*.mp4' --no-annotate --jsonl - | jq .
      mediaml run -p clip --prompt "a red car" --prompt "a blue car" photos/
      find . -name '*.jpg' -print0 | mediaml run -p digits --from-file -
    """
    from mediaml.engine.local.start import WORKER, started

    with ExitStack() as stack:
        # It imports what takes longest while this process gets ready itself.
        process = None if typed["dry_run"] else stack.enter_context(started(WORKER))
        return _run(typed, shell_of(context), process)


def _run(typed: dict[str, Any], shell: Shell, process: Popen[bytes] | None) -> int:
    from mediaml.cli.job import Request, run_job
    from mediaml.cli.patience import Patience
    from mediaml.cli.prompts import read_prompts
    from mediaml.engine.local.timeouts import Timeouts

    request = Request(
        selection=_selection(typed),
        plugins=tuple(dict.fromkeys(typed["plugins"])),
        weights=typed["weights"],
        options=typed["options"],
        prompts=read_prompts(typed["prompts"], typed["prompt_files"]),
        output=typed["output"],
        device=typed["device"],
        kinds=frozenset(typed["kinds"] or _KINDS),
        annotate=typed["annotate"],
        jsonl=typed["jsonl"],
        dry_run=typed["dry_run"],
        force=typed["force"],
        hashed=typed["hashed"],
        only_failed=typed["only_failed"],
        patience=Patience.of(typed["on_error"], typed["max_failures"]),
        timeouts=Timeouts(typed["timeout_per_file"] or None, typed["stall_timeout"] or None),
        batch=typed["batch"],
        threads=typed["threads"],
        readers=typed["readers"],
        limits=limits_of(typed),
    )
    return run_job(request, shell, process)


def _selection(typed: dict[str, Any]) -> Selection:
    from mediaml.core.errors import UsageError
    from mediaml.pipeline.inputs import Selection
    from mediaml.pipeline.typed_paths import expand_home, read_list

    arguments = tuple(typed["inputs"])
    if typed["from_file"]:
        try:
            with click.open_file(expand_home(typed["from_file"]), "rb") as file:
                arguments += read_list(file.read())
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise UsageError(f"the list {typed['from_file']} cannot be read: {reason}.") from error
    elif not arguments:
        raise UsageError("no input is named.", "Name files, folders or patterns, or a list with --from-file.")
    return Selection(
        arguments,
        recursive=typed["recursive"],
        include=typed["include"],
        exclude=typed["exclude"],
        omit=typed["output"],
    )
