"""Vectors of files, by a run of the backbone into a ledger: resumable, and safe from files that crash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mediaml.app.config import RunConfig
from mediaml.app.run import run_config
from mediaml.core.arrays import Float32Array
from mediaml.core.errors import MediamlError, ModelError
from mediaml.core.sampling import ALL_FRAMES, Sampling
from mediaml.embeddings.vectors import choose_space, open_vectors
from mediaml.ledger.results import open_results
from mediaml.pipeline.inputs import Selection
from mediaml.teach.backbone import Backbone

if TYPE_CHECKING:
    from mediaml.app.reporter import Reporter
    from mediaml.store.watcher import Watcher

_APART_S = 1
_ONE_PER_SECOND = Sampling(step_s=Fraction(_APART_S))
_MOST_ROWS = 60
"""Frames or windows that are taken of one file, evenly: neighbours teach little more."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Vectors of frames.

    Attributes:
        vectors: of unit length, float32 [rows, dimensions].
        file: the place in the list of files that each row is of, [rows].
        time_s: of the frame or window in its file, seconds, [rows].
        failed: why a file has no row, by its place.
    """

    vectors: Float32Array = field(repr=False)
    file: NDArray[np.int64] = field(repr=False)
    time_s: NDArray[np.float64] = field(repr=False)
    failed: Mapping[int, str] = field(default_factory=dict)

    def of(self, rows: NDArray[np.bool_]) -> Features:
        """Some of the rows."""
        return Features(self.vectors[rows], self.file[rows], self.time_s[rows], self.failed)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run needs beside its inputs: see `RunConfig`."""

    reporter: Reporter
    watcher: Watcher
    device: str = "auto"
    offline: bool = False
    debug: bool = False


def features_of(files: Sequence[Path], backbone: Backbone, folder: Path, around: Surroundings) -> Features:
    """The vectors of files; those in the ledger of `folder` are not made again.

    Args:
        files: none twice. folder: an output folder for the vectors.

    Raises:
        KeyboardInterrupt: interrupted; what is done stays in the ledger.
        MediamlError: see `run_config`, or no file could be read.
    """
    report = run_config(
        RunConfig(
            selection=Selection(tuple(map(str, files))),
            models=(backbone.model,),
            weights=(str(backbone.path),),
            output=folder,
            device=around.device,
            annotate=False,
            sampling=_ONE_PER_SECOND if backbone.model == "embed" else ALL_FRAMES,
            offline=around.offline,
            debug=around.debug,
        ),
        around.reporter,
        around.watcher,
    )
    if report.stopped == "interrupted":
        raise KeyboardInterrupt(report.reason)
    if report.done == 0:
        why = report.failures[0].failure.message if report.failures else report.reason
        raise MediamlError(f"no example could be read: {why}", "Check the files.")
    return _read(files, backbone, folder)


def _read(files: Sequence[Path], backbone: Backbone, folder: Path) -> Features:
    place = {path.absolute(): index for index, path in enumerate(files)}
    with open_results(folder) as results:
        known = {row.id: place[row.path] for row in results.sources() if row.path in place}
        failed = {
            known[row.source.id]: row.failure.message.splitlines()[0]
            for row in results.failures()
            if row.source.id in known
        }
    vectors = open_vectors(folder, choose_space(folder, backbone.model))
    rows = np.flatnonzero(np.isin(vectors.records["source"], list(known)))
    sources, times = vectors.records["source"][rows], vectors.records["time_s"][rows]
    thinned = _spread(sources, times)
    rows, times = rows[thinned], times[thinned]
    owners = np.array([known[int(source)] for source in sources[thinned]], dtype=np.int64)
    order = np.argsort(owners, kind="stable")
    matrix = vectors.rows(rows[order])
    if not np.isfinite(matrix).all() or (len(matrix) and not matrix.any()):
        raise ModelError(
            f"{backbone.name} answers with values that are not numbers.", "Use another backbone."
        )
    there = set(owners.tolist())
    return Features(
        matrix,
        owners[order],
        times[order].astype(np.float64),
        {index: why for index, why in failed.items() if index not in there},
    )


def _spread(sources: NDArray[np.int64], times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows are kept: of a file with several, one per second, 60 in all."""
    keep = np.ones(len(sources), dtype=bool)
    names, counts = np.unique(sources, return_counts=True)
    for source in names[counts > 2]:
        members = np.flatnonzero(sources == source)
        _, first = np.unique(np.floor(times[members] / _APART_S), return_index=True)
        chosen = members[np.sort(first)]
        if len(chosen) > _MOST_ROWS:
            chosen = chosen[np.linspace(0, len(chosen) - 1, _MOST_ROWS).round().astype(int)]
        keep[members] = False
        keep[chosen] = True
    return keep
