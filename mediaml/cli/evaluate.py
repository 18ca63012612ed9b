"""`mediaml evaluate`: the detections in an output folder against a ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.selection import comparison_options, selection_of, selection_options
from mediaml.cli.shell import echo_json, noise_options
from mediaml.cli.table import table
from mediaml.core.text import counted

if TYPE_CHECKING:
    from mediaml.compare.evaluate import Evaluation

_MOST_CONFUSED = 10


@click.command("evaluate")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--truth",
    metavar="FILE.json",
    required=True,
    type=click.Path(path_type=Path),
    help="Ground truth in COCO's format.",
)
@selection_options
@comparison_options
@noise_options
def command(
    folder: Path, truth: Path, as_json: bool, page: Path | None, overwrite: bool, **typed: Any
) -> None:
    """Measure the detections in DIR against a ground truth. No model is run.

    AP ranks all boxes that are kept, as COCO's evaluation does; precision, recall and the confusion matrix
    are those of the threshold that the latest run asked for, or of --conf.

    \b
    Examples:
      mediaml evaluate out --truth instances_val2017.json
      mediaml evaluate out --truth truth.json --conf 0.5 --json
    """
    from mediaml.compare.evaluate import evaluate
    from mediaml.compare.truth import match_sources, read_truth
    from mediaml.ledger.results import open_results
    from mediaml.ledger.selection import select_results
    from mediaml.outputs.report.report import check_target

    if page is not None:
        check_target(page, overwrite=overwrite)
    known = read_truth(truth)
    with open_results(folder) as results:
        selected = select_results(results, selection_of(typed))
        matched = match_sources(known, selected.sources(), truth)
        models = [row for row in selected.models() if row.identity.task == "detect"]
        _require_detector(models, folder)
        found = [evaluate(selected, model, matched, min_iou=typed["iou"]) for model in models]
    if page is not None:
        from mediaml.outputs.comparison.page import write_evaluation_page

        write_evaluation_page(page, found, str(folder), str(truth))
    if as_json:
        echo_json([_record(one) for one in found])
    else:
        click.echo("\n\n".join(map(_text, found)))


def _require_detector(models: list[Any], folder: Path) -> None:
    from mediaml.core.errors import OutputError

    if not models:
        raise OutputError(
            f"{folder} holds no results of a detector.", "A COCO ground truth is about boxes: run -p yolo."
        )


def _record(found: Evaluation) -> dict[str, Any]:
    import msgspec

    record: dict[str, Any] = msgspec.to_builtins(found)
    return record


def _text(found: Evaluation) -> str:
    lines = [
        f"{found.model}: AP50 {found.ap50:.3f}, AP {found.ap:.3f}; at {found.min_score:g}: "
        f"precision {_share(found.precision)}, recall {_share(found.recall)}",
        f"{counted(found.images, 'annotated image')}, {counted(found.objects, 'object')}",
    ]
    if found.missing:
        lines.append(f"not among the results: {counted(len(found.missing), 'annotated image')}")
    if found.unknown:
        lines.append(f"classes that {found.model} does not have: {', '.join(found.unknown)}")
    rows = [
        [
            name,
            str(one.objects),
            f"{one.ap50:.3f}",
            f"{one.ap:.3f}",
            _share(one.precision),
            _share(one.recall),
        ]
        for name, one in found.classes.items()
    ]
    lines.append(table(["class", "objects", "AP50", "AP", "precision", "recall"], rows))
    confused = _confused(found)
    if confused:
        lines.append(table(["object", "taken for", "times"], confused))
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _confused(found: Evaluation) -> list[list[str]]:
    """The most frequent confusions of one class with another."""
    from mediaml.compare.confusion import BACKGROUND

    pairs = [
        (number, truth, box)
        for truth, boxes in found.confusion.items()
        for box, number in boxes.items()
        if truth != box and BACKGROUND not in (truth, box)
    ]
    return [[truth, box, str(number)] for number, truth, box in sorted(pairs, reverse=True)[:_MOST_CONFUSED]]
