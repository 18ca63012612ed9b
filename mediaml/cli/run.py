"""`mediaml run`: turns options into a `RunConfig`, and prints the report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from mediaml.cli.completion import complete_models, complete_options, complete_weights
from mediaml.cli.device import device_options
from mediaml.cli.dry_run import print_plan
from mediaml.cli.hints import HintingCommand, require_models
from mediaml.cli.input_options import input_options, inputs_of, kinds_of
from mediaml.cli.limits import limit_options, limits_of, memory_of, memory_option
from mediaml.cli.pieces import piece_options, pieces_after_run, write_pieces
from mediaml.cli.prompts import prompt_options
from mediaml.cli.sampling import sampling_of, sampling_options, still_option
from mediaml.cli.shell import noise_options, offline_option, shell_of
from mediaml.core.errors import UsageError

if TYPE_CHECKING:
    from mediaml.app.config import RunConfig
    from mediaml.app.extract import ExtractConfig
    from mediaml.cli.shell import Shell
    from mediaml.core.track import TrackChoice

_SECONDS = click.FloatRange(min=0.0)


@click.command("run", cls=HintingCommand)
@click.argument("inputs", nargs=-1, metavar="INPUT...", type=click.Path())
@click.option(
    "-p",
    "--plugin",
    "plugins",
    multiple=True,
    metavar="MODEL",
    shell_complete=complete_models,
    help="Model to run, see `mediaml plugins list`; repeatable.",
)
@click.option(
    "-m",
    "--model",
    "weights",
    multiple=True,
    metavar="[MODEL=]WEIGHTS",
    shell_complete=complete_weights,
    help="ONNX file, or a name of `mediaml models list`, downloaded on first use.",
)
@click.option(
    "-O",
    "--option",
    "options",
    multiple=True,
    metavar="MODEL.OPTION=VALUE",
    shell_complete=complete_options,
    help="Option of a model, see `mediaml plugins info MODEL`.",
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
@device_options
@input_options
@click.option(
    "--audio-track",
    metavar="N|LANG|all",
    help="Audio track to read, by number from 1 or by language, or all.",
)
@sampling_options
@still_option
@click.option(
    "--annotate/--no-annotate",
    default=None,
    help="Render annotated copies [default: for models that detect or transform].",
)
@piece_options
@click.option("--track", "follow", is_flag=True, help="Number objects across the frames of videos.")
@click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    help="Write an export, see `mediaml export --help`; repeatable.",
)
@click.option("--jsonl", metavar="-|PATH", help="Stream results as JSON Lines; - is stdout.")
@click.option("--dry-run", is_flag=True, help="Show what would be done and why, without doing it.")
@click.option("--force", is_flag=True, help="Rerun inference even where results exist.")
@click.option("--hash", "hashed", is_flag=True, help="Detect changed files by SHA-256, not by size and time.")
@click.option("--retry-failed", "only_failed", is_flag=True, help="Retry only what failed before.")
@click.option(
    "--on-error",
    type=click.Choice(("skip", "stop")),
    default="skip",
    show_default=True,
    help="Whether to continue after a file fails.",
)
@click.option("--max-failures", metavar="N|P%", help="Stop after N failed files, or P percent of them.")
@click.option(
    "--timeout-per-file",
    type=_SECONDS,
    metavar="SECONDS",
    help="Abandon a file after this many seconds [default: no limit].",
)
@click.option(
    "--stall-timeout",
    type=_SECONDS,
    metavar="SECONDS",
    default=300.0,
    show_default=True,
    help="Abandon a file after this many seconds without progress; 0 for no limit.",
)
@click.option(
    "--jobs",
    type=click.IntRange(0, 0),
    metavar="0",
    help="0 runs everything in one process, to debug a plugin [default: worker processes].",
)
@click.option(
    "--readers", type=click.IntRange(1, 64), metavar="N", help="Files decoded at once [default: by machine]."
)
@memory_option
@limit_options
@offline_option
@noise_options
@click.pass_context
def command(context: click.Context, /, **typed: Any) -> int:
    """Pass images, video and audio through models.

    INPUT is a file, a folder, a glob pattern or a URL (http, https, rtsp, rtmp, ...). Results go to the
    output folder: the ledger, results.jsonl, and annotated copies. Rerunning the command processes only what
    is missing.

    \b
    Examples:
      mediaml run --plugin yolo video.mp4
      mediaml run -p yolo -O yolo.conf=0.4 -O yolo.classes=person,car photos/
      mediaml run -p yolo -m yolov3.onnx 'clips/**/*.mp4' --no-annotate
      mediaml run -p yolo --every 1s --start 1:30 video.mp4
      mediaml run -p clip --prompt "a red car" --prompt "a blue car" photos/
      mediaml run -p digits scans/ -q --jsonl - | jq .labels
      find . -name '*.jpg' | mediaml run -p digits --from-file -
      find . -name '*.jpg' -print0 | mediaml run -p digits --from-file -
    """
    shell = shell_of(context)
    if typed["dry_run"]:
        return print_plan(_config(typed, shell), shell)
    with ExitStack() as stack:
        config = _config(typed, shell)
        stream = None
        if typed["jsonl"] is not None:
            stream = stack.enter_context(_opened(typed["jsonl"]))
        return _run(config, shell, stream, pieces_after_run(config, typed))


@contextmanager
def _opened(target: str) -> Iterator[IO[bytes]]:
    """The stream of results: stdout for `-`, else a file.

    Raises:
        UsageError: it cannot be opened.
    """
    try:
        # A separate descriptor: bytes left in its buffer when the reader is gone are not written again when
        # Python flushes stdout at exit.
        file = os.fdopen(os.dup(1), "wb") if target == "-" else Path(target).open("wb")  # noqa: SIM115
    except OSError as error:
        raise UsageError(f"--jsonl {target} cannot be written: {error.strerror}.") from error
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


def _run(config: RunConfig, shell: Shell, stream: IO[bytes] | None, pieces: ExtractConfig | None) -> int:
    from mediaml.app.run import run_config
    from mediaml.cli.download_bar import BarWatcher
    from mediaml.cli.terminal import TerminalReporter

    with closing(TerminalReporter(shell)) as reporter:
        report = run_config(config, reporter, BarWatcher(shell), stream=stream)
    from mediaml.cli.summary import print_report

    print_report(report, shell)
    if pieces is None or report.stopped is not None:
        return report.exit_code
    return max(report.exit_code, write_pieces(pieces, shell))


def _config(typed: dict[str, Any], shell: Shell) -> RunConfig:
    from mediaml.app.config import RunConfig
    from mediaml.app.failure_policy import FailurePolicy
    from mediaml.cli.prompts import read_prompts
    from mediaml.engine.timeouts import Timeouts

    return RunConfig(
        selection=inputs_of(typed),
        models=require_models(typed["plugins"]),
        weights=typed["weights"],
        options=typed["options"],
        prompts=read_prompts(typed["prompts"], typed["prompt_files"]),
        output=typed["output"],
        device=typed["device"],
        precision=typed["precision"],
        kinds=kinds_of(typed),
        annotate=typed["annotate"],
        outputs=tuple(dict.fromkeys(typed["formats"])),
        force=typed["force"],
        compare_content=typed["hashed"],
        only_failed=typed["only_failed"],
        failure_policy=FailurePolicy.of(typed["on_error"], typed["max_failures"]),
        timeouts=Timeouts(typed["timeout_per_file"] or None, typed["stall_timeout"] or None),
        jobs=typed["jobs"],
        batch=typed["batch"],
        threads=typed["threads"],
        readers=typed["readers"],
        memory=memory_of(typed["memory"]),
        track=_track(typed["audio_track"]),
        sampling=sampling_of(typed),
        follow=typed["follow"],
        limits=limits_of(typed),
        offline=shell.offline,
        debug=shell.debug,
    )


def _track(typed: str | None) -> TrackChoice:
    from mediaml.core.track import TrackChoice

    return TrackChoice() if typed is None else TrackChoice.parse(typed)
