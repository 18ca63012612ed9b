"""Approximate search: an HNSW graph (Malkov and Yashunin 2016) by the library usearch, an optional package.

The index only proposes candidates; they are compared exactly and merged as in `search`. Its file is beside
the vectors, derived as they are: it is named after their file and removed with it when the ledger changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import Float32Array
from mediaml.core.atomic_file import atomic_path, writing
from mediaml.core.errors import OutputError, UsageError
from mediaml.embeddings.search import Hit, search
from mediaml.embeddings.vectors import INDEX_SUFFIX, Vectors

_ROWS = 16_384
# Of the graph: links of a node, and the size of the candidate list while it is built. The library's own
# defaults.
_CONNECTIVITY, _EXPANSION_ADD = 16, 128
# Candidates asked for at first, and the factor for more while too few of them differ.
_PROPOSED, _MORE = 512, 4


def search_index(vectors: Vectors, question: Float32Array, count: int, alike: float) -> list[Hit]:
    """As `search.search`, among the frames that the index proposes; near-duplicates are counted among them.

    Args:
        vectors: mapped from a file; the index beside it is made first where it is missing.
        question, count, alike: see `search.search`.

    Raises:
        UsageError: the package usearch is not installed.
        OutputError: the index cannot be written.
    """
    index = open_index(vectors)
    proposed = max(_PROPOSED, 8 * count)
    while proposed < len(vectors):
        rows = nearest_rows(index, question, proposed)
        hits = search(Vectors(vectors.space, vectors.records[rows]), question, count, alike)
        if len(hits) == count:
            return hits
        proposed *= _MORE
    return search(vectors, question, count, alike)


def nearest_rows(index: Any, question: Float32Array, count: int) -> np.ndarray[Any, Any]:
    """Numbers of about the `count` rows with the highest cosine, in the order of the rows."""
    # The search keeps as many candidates as are requested, so the best are hardly ever missed.
    index.expansion_search = max(count, _EXPANSION_ADD)
    return np.sort(np.asarray(index.search(question, count, threads=1).keys, dtype=np.int64))


def open_index(vectors: Vectors) -> Any:
    """The usearch `Index` of all vectors, keyed by row, mapped from its file; made first where it is missing.

    Raises:
        UsageError: the package usearch is not installed.
        OutputError: the file cannot be written, or cannot be read back.
    """
    library = _library()
    if vectors.path is None:
        return _filled(library, vectors)
    path = vectors.path.with_suffix(INDEX_SUFFIX)
    index = _mapped(library, path, len(vectors))
    if index is None:
        _save(_filled(library, vectors), path)
        index = _mapped(library, path, len(vectors))
    if index is None:
        raise OutputError(f"{path} cannot be read back.", "Remove it and try again.")
    return index


def _library() -> Any:
    """The class `Index` of usearch."""
    try:
        from usearch.index import Index
    except ImportError as error:
        raise UsageError(
            "--index needs the package `usearch`, which is not installed.",
            "Install it with: pip install 'mediaml[index]'; without --index every frame is compared.",
        ) from error
    return Index


def _empty(library: Any, dimensions: int) -> Any:
    # float16 is what the ledger holds, so that nothing is lost; of unit vectors, "ip" is the cosine.
    return library(
        ndim=dimensions,
        metric="ip",
        dtype="f16",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
        enable_key_lookups=False,
    )


def _filled(library: Any, vectors: Vectors) -> Any:
    index = _empty(library, vectors.space.dimensions)
    for start in range(0, len(vectors), _ROWS):
        rows = vectors.rows(slice(start, start + _ROWS))
        index.add(np.arange(start, start + len(rows), dtype=np.uint64), rows)
    return index


def _save(index: Any, path: Path) -> None:
    hint = "Free some space on that disk, or search without --index."
    # usearch reports a full disk as a RuntimeError.
    with atomic_path(path) as part, writing(path, hint=hint, also=(RuntimeError,)):
        index.save(str(part))


def _mapped(library: Any, path: Path, count: int) -> Any:
    """The index in a file, or `None` where the file is missing, damaged or of other vectors."""
    if not path.is_file():
        return None
    try:
        index = library.restore(str(path), view=True)
    except (OSError, RuntimeError, ValueError):
        return None
    return index if index is not None and len(index) == count else None
