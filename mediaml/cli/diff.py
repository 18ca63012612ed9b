"""`mediaml diff`: two sets of results side by side."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.selection import comparison_options, selection_of, selection_options
from mediaml.cli.shell import echo_json, noise_options
from mediaml.cli.table import table
from mediaml.core.text import counted, escape_control

if TYPE_CHECKING:
    from mediaml.compare.diff import FolderDiff, ModelDiff

_MOST_NAMED = 5


@click.command("diff")
@click.argument("left", metavar="A", type=click.Path(path_type=Path))
@click.argument("right", metavar="[B]", type=click.Path(path_type=Path), required=False)
@selection_options
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Number of frames shown that differ most.",
)
@comparison_options
@noise_options
def command(
    left: Path, right: Path | None, as_json: bool, page: Path | None, overwrite: bool, **typed: Any
) -> None:
    """Compare the results in two output folders, or of two models in one. No model is run.

    Sources are matched by their paths, frames by their times, boxes of one class by their overlap. --model
    given twice compares the first with the second; the same model twice compares its last two identities
    (other weights or options) in one folder.

    \b
    Examples:
      mediaml diff out-before out-after
      mediaml diff out --model yolo --model detect --classes person
      mediaml diff out --model yolo --model yolo -o diff.html
    """
    from mediaml.compare.diff import diff_results
    from mediaml.compare.sides import choose_sides
    from mediaml.ledger.results import open_results
    from mediaml.outputs.report.report import check_target

    names = tuple(typed["models"])
    selection = selection_of({**typed, "models": ()})
    if page is not None:
        check_target(page, overwrite=overwrite)
    with ExitStack() as stack:
        ours = stack.enter_context(open_results(left))
        theirs = None if right is None else stack.enter_context(open_results(right))
        sides = choose_sides(ours, theirs, names, selection)
        found = diff_results(sides, min_iou=typed["iou"], top=typed["top"])
        if page is not None:
            from mediaml.outputs.comparison.page import write_diff_page

            write_diff_page(page, found, (str(left), str(right or left)), ours)
    if as_json:
        echo_json(_record(found))
    else:
        click.echo(_text(found))


def _record(found: FolderDiff) -> dict[str, Any]:
    """The same as plain values."""
    import msgspec

    sources = found.sources
    return {
        "sources": {
            "both": len(sources.both),
            "only_left": list(sources.only_left),
            "only_right": list(sources.only_right),
        },
        "failed_left": dict(found.failed_left),
        "failed_right": dict(found.failed_right),
        "models": [
            {
                **msgspec.to_builtins(replace(model, most_different=[])),
                "most_different": [_frame_record(frame) for frame in model.most_different],
            }
            for model in found.models
        ],
    }


def _frame_record(frame: Any) -> dict[str, Any]:
    import msgspec

    record: dict[str, Any] = msgspec.to_builtins(frame)
    return record


def _text(found: FolderDiff) -> str:
    sources = found.sources
    parts = [
        f"{counted(len(sources.both), 'source')} in both",
        *_only("only on the left", sources.only_left),
        *_only("only on the right", sources.only_right),
        *_only("failed on the left only", [shown for shown, _ in found.failed_left]),
        *_only("failed on the right only", [shown for shown, _ in found.failed_right]),
    ]
    return "\n\n".join(["\n".join(parts), *map(_model_text, found.models)])


def _only(where: str, names: Any) -> list[str]:
    if not names:
        return []
    some = ", ".join(escape_control(name) for name in names[:_MOST_NAMED])
    return [f"{where}: {len(names)} ({some}{', …' if len(names) > _MOST_NAMED else ''})"]


def _model_text(model: ModelDiff) -> str:
    name = model.left if model.left == model.right else f"{model.left}, {model.right}"
    lines = [f"{name}: {counted(model.frames, 'frame')} in both, {model.same_frames} without a difference"]
    if model.frames_only_left or model.frames_only_right:
        lines.append(f"frames only left: {model.frames_only_left}, only right: {model.frames_only_right}")
    if model.labelled:
        agrees = model.top_label_agrees / model.labelled
        lines.append(f"first label equal in {agrees:.1%} of {counted(model.labelled, 'frame')} with labels")
    if model.cosine is not None:
        lines.append(
            f"cosine similarity of embeddings: mean {model.cosine[0]:.4f}, least {model.cosine[1]:.4f}"
        )
    if model.classes:
        lines.append(_class_table(model))
    if model.most_different:
        rows = [
            [frame.source, str(frame.frame), f"{frame.time_s:.3f}", _found(frame.left), _found(frame.right)]
            for frame in model.most_different
        ]
        lines.append(table(["differs most", "frame", "time", "left", "right"], rows))
    return "\n".join(lines)


def _class_table(model: ModelDiff) -> str:
    head = ["class", "left", "right", "matched", "only left", "only right", "IoU", "score"]
    rows = [
        [
            name,
            *map(str, (one.left, one.right, one.matched, one.only_left, one.only_right)),
            "" if one.iou is None else f"{one.iou:.3f}",
            f"{one.score_difference:+.3f}" if one.matched else "",
        ]
        for name, one in model.classes.items()
    ]
    return table(head, rows)


def _found(prediction: Any) -> str:
    """What was found in a frame, counted: `2 car, 1 person`."""
    from collections import Counter

    names = [one.name for one in prediction.labels] + [one.label.name for one in prediction.detections]
    return ", ".join(f"{number} {name}" for name, number in Counter(names).most_common()) or "nothing"
