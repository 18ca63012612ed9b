"""`mediaml run`: what was typed as a `RunConfig`, and the report as text."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from mediaml.cli.limits import limit_options, limits_of
from mediaml.cli.prompts import prompt_options
from mediaml.cli.shell import noise_options, offline_option, shell_of

if TYPE_CHECKING:
    from mediaml.app.config import RunConfig
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
@click.option("--from-file", metavar="LIST|-", help="Read more inputs from a file, one a line; - is stdin.")
@click.option("--include", multiple=True, metavar="PATTERN", help="Of folders, take only matching files.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Of folders, leave out matching files.")
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
@click.option(
    "--jobs",
    type=click.IntRange(0, 0),
    metavar="0",
    help="0 runs everything in one process, for debugging a plugin [default: worker processes].",
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
      find . -name '*.jpg' | mediaml run -p digits --from-file -
    """
    shell = shell_of(context)
    if typed["dry_run"]:
        return _dry_run(_config(typed, shell), shell)
    with ExitStack() as stack:
        stream = None
        if typed["jsonl"] is not None:
            stream = stack.enter_context(click.open_file(typed["jsonl"], "wb", lazy=False))
        return _run(_config(typed, shell), shell, stream)


def _run(config: RunConfig, shell: Shell, stream: IO[bytes] | None) -> int:
    from mediaml.app.run import run_config
    from mediaml.cli.download_bar import BarWatcher
    from mediaml.cli.terminal import TerminalReporter

    with closing(TerminalReporter(shell)) as reporter:
        report = run_config(config, reporter, BarWatcher(shell), stream=stream)
    from mediaml.cli.summary import print_report

    print_report(report, shell)
    return report.exit_code


def _dry_run(config: RunConfig, shell: Shell) -> int:
    from mediaml.app.dry_run import explain_run
    from mediaml.cli.download_bar import BarWatcher
    from mediaml.cli.table import table

    plan = explain_run(config, BarWatcher(shell))
    rows = [[reason.source, reason.model, reason.action, reason.why] for reason in plan.reasons]
    click.echo(table(["file", "model", "would", "because"], rows))
    for model in plan.models:
        weights = f"{model.weights} {model.weights_sha256}" if model.weights else "no weights"
        click.echo(f"{model.name}: {model.distribution} {model.version}, {weights}, {model.options}")
    return 0


def _config(typed: dict[str, Any], shell: Shell) -> RunConfig:
    from mediaml.app.config import RunConfig
    from mediaml.app.failure_policy import FailurePolicy
    from mediaml.cli.prompts import read_prompts
    from mediaml.core.media import Kind
    from mediaml.engine.timeouts import Timeouts

    return RunConfig(
        selection=_selection(typed),
        models=tuple(dict.fromkeys(typed["plugins"])),
        weights=typed["weights"],
        options=typed["options"],
        prompts=read_prompts(typed["prompts"], typed["prompt_files"]),
        output=typed["output"],
        device=typed["device"],
        kinds=frozenset(map(Kind, typed["kinds"] or _KINDS)),
        annotate=typed["annotate"],
        force=typed["force"],
        compare_content=typed["hashed"],
        only_failed=typed["only_failed"],
        failure_policy=FailurePolicy.of(typed["on_error"], typed["max_failures"]),
        timeouts=Timeouts(typed["timeout_per_file"] or None, typed["stall_timeout"] or None),
        jobs=typed["jobs"],
        batch=typed["batch"],
        threads=typed["threads"],
        readers=typed["readers"],
        limits=limits_of(typed),
        offline=shell.offline,
        debug=shell.debug,
    )


def _selection(typed: dict[str, Any]) -> Selection:
    from mediaml.core.errors import UsageError
    from mediaml.pipeline.inputs import Selection, read_list

    arguments = tuple(typed["inputs"])
    if typed["from_file"]:
        try:
            with click.open_file(typed["from_file"], errors="surrogateescape") as file:
                arguments += read_list(file)
        except OSError as error:
            raise UsageError(f"the list {typed['from_file']} cannot be read: {error.strerror}.") from error
    elif not arguments:
        raise UsageError("no input is named.", "Name files, folders or patterns, or a list with --from-file.")
    return Selection(
        arguments,
        recursive=typed["recursive"],
        include=typed["include"],
        exclude=typed["exclude"],
        omit=typed["output"],
    )
