"""Exports: the results in an output folder in another format; no model is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mediaml.core.errors import OutputError, UsageError
from mediaml.core.text import counted
from mediaml.ledger.results import open_results
from mediaml.ledger.selection import ResultSelection, SelectedResults, one_state, require_kept, select_results
from mediaml.ops.intervals import Merging
from mediaml.outputs.export.formats import find_format, hidden_formats
from mediaml.outputs.export.options import ExportOptions, MediaChoice
from mediaml.registry.entry_points import load_registry


def export_results(
    folder: Path,
    names: Sequence[str],
    target: Path | None = None,
    selection: ResultSelection | None = None,
    options: ExportOptions | None = None,
    *,
    overwrite: bool = False,
    warn: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write the selected results of an output folder in some formats; returns the files or folders.

    Args:
        folder: the output folder of a run.
        names: of the formats, see `mediaml.outputs.export.formats`.
        target: the file or folder to write, of a single format; `None` writes into `folder`.
        selection: which results; by default those that the latest runs asked for.
        options: of the formats. overwrite: replace what earlier exports wrote.
        warn: told where detections that are asked for were not kept.

    Raises:
        UsageError: there is no such format, or several are to go to one target.
        OutputError: there are no results, or no such model, class or source; a target exists, or cannot
            be written.
    """
    if target is not None and len(names) > 1:
        raise UsageError(f"-o {target} is for one format, not {len(names)}.", "Export them one by one.")
    registry = load_registry()
    formats = [replace(find_format(name, registry), options=options or ExportOptions()) for name in names]
    for text in hidden_formats(names, registry):
        warn(text)
    with open_results(folder) as results, one_state(results):
        if not results.models():
            raise OutputError(f"{folder} holds no results yet.", "Run `mediaml run` with -o first.")
        selected = select_results(results, selection or ResultSelection())
        if options is not None and options.merging.release is not None:
            for model in selected.models():
                require_kept(model, options.merging.release)
        for text in _left_out(selected):
            warn(text)
        return [one.export(selected, target or folder / one.file, overwrite=overwrite) for one in formats]


def _left_out(selected: SelectedResults) -> Iterable[str]:
    for model, files in selected.left_out():
        score = f"{model.view.min_score:g}"
        yield (
            f"{counted(files, 'file')} had more detections by {model.name} down to {score} than were kept; "
            f"for all of them run it again with -O {model.name}.conf={score}"
        )


def export(
    out: str | Path,
    format: str,  # noqa: A002  the option's name
    target: str | Path | None = None,
    *,
    min_score: float | None = None,
    classes: Iterable[str] = (),
    models: Iterable[str] = (),
    sources: Iterable[str] = (),
    everything: bool = False,
    media: MediaChoice = "none",
    bom: bool = False,
    escape_formulas: bool = False,
    merging: Merging | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the results of an output folder in another format, without inference; returns the path.

    Args:
        out: the output folder of a run.
        format: `csv`, `parquet`, `coco`, `yolo`, …; docs/export.md lists them, plugins may add more.
        target: the file or folder to write; by default one in `out`.
        min_score, classes, models, sources, everything: which results, see `ResultSelection`.
        media: whether images are linked or copied into a data set: `none`, `link` or `copy`.
        bom, escape_formulas: of CSV, see `ExportOptions`.
        merging: how label tracks merge frames into intervals, see `mediaml.ops.intervals.Merging`.
        overwrite: replace what an earlier export wrote.

    Raises:
        MediamlError: nothing was written; see `export_results`.
    """
    selection = ResultSelection(min_score, _texts(classes), _texts(models), _texts(sources), everything)
    options = ExportOptions(bom, escape_formulas, media, merging or Merging())
    path = None if target is None else Path(target)
    return export_results(Path(out), [format], path, selection, options, overwrite=overwrite)[0]


def _texts(given: Iterable[str]) -> tuple[str, ...]:
    """A text counts as one, not as its letters."""
    return (given,) if isinstance(given, str) else tuple(given)
