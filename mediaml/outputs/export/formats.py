"""Every format of `-f`: those of mediaml and those that plugins offer, in one list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mediaml.core.errors import OutputError, UsageError
from mediaml.core.suggestions import suggestion
from mediaml.ledger.results import Results
from mediaml.outputs.export import label_tracks
from mediaml.outputs.export.coco import write_coco
from mediaml.outputs.export.cvat import write_cvat
from mediaml.outputs.export.fiftyone import write_fiftyone
from mediaml.outputs.export.options import ExportOptions
from mediaml.outputs.export.parquet import write_parquet
from mediaml.outputs.export.tables import write_csv
from mediaml.outputs.export.target import replaced
from mediaml.outputs.export.voc import write_voc
from mediaml.outputs.export.yolo import write_yolo
from mediaml.outputs.jsonl import lines, write_line
from mediaml.registry.entry_points import Registry
from mediaml.registry.spec import OutputSpec

Write = Callable[[Results, Path, ExportOptions], None]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format that is written from all results, or from those that a selection shows: an `Output`.

    Attributes:
        name: what selects it.
        description: what it is, one line.
        file: the name of its file or folder in the output folder.
        is_folder: whether it is a folder; `None` where a plugin decides.
        write_to: writes it: a path that does not exist yet, or into an empty folder.
        options: what is asked for beside the selection.
    """

    name: str
    description: str
    file: str
    is_folder: bool | None
    write_to: Write
    options: ExportOptions = field(default_factory=ExportOptions)

    def write(self, results: Results, folder: Path) -> Path:
        """Write it into `folder`, in place of an earlier one.

        Raises:
            OutputError: it cannot be written; an earlier one stays.
        """
        return self.export(results, folder / self.file, overwrite=True)

    def export(self, results: Results, target: Path, *, overwrite: bool) -> Path:
        """Write it as `target`, all of it or nothing.

        Raises:
            OutputError: `target` exists and may not be overwritten, or cannot be written.
        """
        with replaced(target, folder=self.is_folder, overwrite=overwrite) as part:
            self.write_to(results, part, self.options)
        return target


def _write_jsonl(results: Results, target: Path, _: ExportOptions) -> None:
    with target.open("wb") as file:
        for line in lines(results):
            write_line(file, line)


BUILT_IN = (
    ExportFormat("jsonl", "JSON Lines, as results.jsonl", "export.jsonl", False, _write_jsonl),
    ExportFormat("csv", "one row per label or detection", "export.csv", False, write_csv),
    ExportFormat("parquet", "the same, typed and compressed", "export.parquet", False, write_parquet),
    ExportFormat("coco", "COCO data set and detection results", "coco", True, write_coco),
    ExportFormat("yolo", "Ultralytics YOLO data set", "yolo", True, write_yolo),
    ExportFormat("voc", "Pascal VOC data set", "voc", True, write_voc),
    ExportFormat("cvat", "CVAT 1.1 annotations of images and videos", "cvat", True, write_cvat),
    ExportFormat("fiftyone", "FiftyOne image detection data set", "fiftyone", True, write_fiftyone),
    ExportFormat("vtt", "WebVTT subtitles", "vtt", True, label_tracks.write_vtt),
    ExportFormat("srt", "SubRip subtitles", "srt", True, label_tracks.write_srt),
    ExportFormat("audacity", "Audacity label tracks", "audacity", True, label_tracks.write_audacity),
    ExportFormat("raven", "Raven selection tables", "raven", True, label_tracks.write_raven),
)
"""The formats of mediaml."""


def formats(registry: Registry) -> dict[str, ExportFormat]:
    """All formats by name; a plugin's does not take the name of one of mediaml's."""
    offered = {spec.name: _of_plugin(spec) for spec in registry.outputs()}
    return {**offered, **{one.name: one for one in BUILT_IN}}


def hidden_formats(names: Iterable[str], registry: Registry) -> Iterator[str]:
    """One sentence for each of these formats that a plugin offers too, under the same name."""
    own = {one.name for one in BUILT_IN} & set(names)
    for record in registry.records:
        for spec in record.outputs:
            if spec.name in own:
                yield (
                    f"-f {spec.name} writes mediaml's own format; the output {spec.name!r} of the plugin "
                    f"{record.name} has the same name and cannot be chosen"
                )


def find_format(name: str, registry: Registry) -> ExportFormat:
    """The format of that name.

    Raises:
        PluginError: it is that of a plugin that is broken.
        UsageError: there is none; suggests a near name.
    """
    known = formats(registry)
    if name in known:
        return known[name]
    registry.refuse_broken(name)
    hint = suggestion(name, known) or f"Formats: {', '.join(known)}."
    raise UsageError(f"there is no output format {name!r}.", hint)


def _of_plugin(spec: OutputSpec) -> ExportFormat:
    def write(results: Results, target: Path, _: ExportOptions) -> None:
        try:
            spec.write(results, target)
        except (Exception, SystemExit) as error:  # a plugin's code may raise anything
            raise OutputError(
                f"output {spec.name!r} failed: {type(error).__name__}: {error}", "The results are kept."
            ) from error
        if not target.exists():
            raise OutputError(f"output {spec.name!r} wrote nothing.", "Report this to its author.")

    return ExportFormat(
        spec.name, spec.description, f"{spec.name}{spec.suffix}", False if spec.suffix else None, write
    )
