"""`mediaml train`: a classifier of a user's own classes, from labelled examples."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.shell import echo_json, noise_options, offline_option, shell_of

if TYPE_CHECKING:
    from mediaml.teach.records import TrainConfig


@click.command("train")
@click.argument("examples", metavar="FOLDER|FILE.csv", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    default="model.onnx",
    show_default=True,
    metavar="FILE.onnx",
    type=click.Path(path_type=Path),
    help="The model to write; NAME.html beside it shows what it is worth.",
)
@click.option(
    "--backbone",
    default="",
    metavar="NAME|FILE.onnx",
    help="Network that describes images, as clip-vit-b32 [default: the bundled one].",
)
@click.option(
    "--evaluate",
    metavar="FOLDER|FILE.csv",
    type=click.Path(path_type=Path),
    help="Examples kept apart: tested, never learned.",
)
@click.option(
    "--augment",
    default="all",
    show_default=True,
    metavar="CHANGES",
    help="Changes of the copies that are learned too: flip,crop,light,noise, all or none.",
)
@click.option(
    "--copies",
    type=click.IntRange(0, 20),
    metavar="N",
    help="Changed copies of each image [default: 2; 0 above 2000 examples].",
)
@click.option(
    "--class-weights",
    type=click.Choice(("balanced", "none")),
    default="balanced",
    show_default=True,
    help="Whether small classes count as much as large ones.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0.0, 1.0),
    metavar="SCORE",
    help="Below it an answer is none of the classes [default: 95 % of right answers reach it].",
)
@click.option(
    "--alike",
    type=click.FloatRange(0.0, 1.0),
    default=0.95,
    show_default=True,
    metavar="COSINE",
    help="Near-duplicates, tested together, have vectors of this cosine, less the mean of all.",
)
@click.option(
    "--most",
    type=click.IntRange(0),
    default=20_000,
    show_default=True,
    metavar="N",
    help="Examples at most, the same share of each class; 0 for all.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of everything that is random.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--json", "as_json", is_flag=True, help="Print everything that was measured as JSON.")
@click.option("--overwrite", is_flag=True, help="Replace an existing model and page.")
@offline_option
@noise_options
@click.pass_context
def command(context: click.Context, /, **typed: Any) -> None:
    """Train a classifier on examples: a folder per class, or a CSV file with path,label.

    The model is one ONNX file for `mediaml run -p classify -m` (audio: -p listen). It is tested on examples
    that it has not learned, nor their near-duplicates. NAME.training/ beside it keeps the features, so that
    an interrupted or repeated training does only what is missing. Needs the extra `teach`.

    \b
    Examples:
      mediaml train photos/ -o protest.onnx
      mediaml run -p classify -m protest.onnx more/
      mediaml train labels.csv -o cats.onnx --backbone clip-vit-b32 --evaluate held-out/
    """
    from mediaml.cli.download_bar import BarWatcher
    from mediaml.cli.terminal import TerminalReporter
    from mediaml.cli.train_text import StepBar, report_text
    from mediaml.outputs.report.report import check_target
    from mediaml.teach.facts import report_record
    from mediaml.teach.features import Surroundings
    from mediaml.teach.page import write_page
    from mediaml.teach.train import train

    shell = shell_of(context)
    config = _config(typed)
    page = config.output.with_suffix(".html")
    for target in (config.output, page):
        check_target(target, overwrite=typed["overwrite"])
    with closing(TerminalReporter(shell)) as reporter, closing(StepBar(shell)) as bar:
        around = Surroundings(reporter, BarWatcher(shell), typed["device"], shell.offline, shell.debug)
        report = train(config, around, bar.show)
    record = report_record(report)
    write_page(page, record, report, config.work)
    if typed["as_json"]:
        echo_json(record)
    else:
        click.echo(report_text(report))
    model = "listen" if report.kind.value == "audio" else "classify"
    shell.say(f"wrote {config.output} and {page}; use it: mediaml run -p {model} -m {config.output} INPUT...")


def _config(typed: dict[str, Any]) -> TrainConfig:
    from mediaml.core.errors import UsageError
    from mediaml.teach.augment import Augmentation, parse_changes
    from mediaml.teach.records import TrainConfig

    output: Path = typed["output"]
    if output.suffix.lower() != ".onnx":
        raise UsageError(f"-o {output} must end in .onnx.", f"For example: -o {output.name}.onnx")
    changes, copies = parse_changes(typed["augment"]), typed["copies"]
    augmentation = None
    if copies is not None or typed["augment"] != "all":
        wanted = Augmentation().copies if copies is None else copies
        augmentation = Augmentation(changes, wanted, typed["seed"])
    return TrainConfig(
        examples=typed["examples"],
        output=output,
        work=output.with_suffix(".training"),
        backbone=typed["backbone"],
        evaluate=typed["evaluate"],
        augmentation=augmentation,
        weighting=typed["class_weights"],
        threshold=typed["threshold"],
        alike=typed["alike"],
        most=typed["most"],
        seed=typed["seed"],
    )
