"""What an interrupted rendering has done already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from mediaml.core.atomic_file import write_atomically
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.slice_rows import DrawingResults
from mediaml.ledger.task_progress import file_state
from mediaml.outputs.render.job import RenderJob

_CLAIMS = "claims.json"


class _Done(msgspec.Struct, frozen=True):
    """A copy that was written: what of, and the size and time of its file."""

    key: str
    size: int
    mtime_ns: int


class Resumption:
    """Notes copies as they are written, in a folder that is removed when all are.

    Args:
        work: the folder. job: what is rendered. view: the ledger.
    """

    def __init__(self, work: Path, job: RenderJob, view: DrawingResults) -> None:
        self._work, self._job, self._view = work, job, view

    def may_replace(self, source: SourceRow, target: Path) -> bool:
        """Whether an interrupted rendering of the same results was going to write this file."""
        try:
            claims = msgspec.json.decode((self._work / _CLAIMS).read_bytes(), type=set[str])
        except (OSError, msgspec.DecodeError):
            return False
        return self._key(source, target) in claims

    def claim(self, targets: Iterable[tuple[SourceRow, Path]]) -> None:
        """Note what is going to be written, so that a later rendering may replace it.

        Raises:
            OutputError: the note cannot be written.
        """
        keys = sorted(self._key(source, target) for source, target in targets)
        write_atomically(self._work / _CLAIMS, msgspec.json.encode(keys))

    def is_done(self, source: SourceRow, target: Path) -> bool:
        """Whether the copy is there, of the same results drawn in the same way."""
        try:
            done = msgspec.json.decode(self._note(source).read_bytes(), type=_Done)
        except (OSError, msgspec.DecodeError):
            return False
        return done.key == self._key(source, target) and file_state(target) == (done.size, done.mtime_ns)

    def note(self, source: SourceRow, target: Path) -> None:
        """The copy was written."""
        state = file_state(target)
        if state is not None:
            done = _Done(self._key(source, target), *state)
            write_atomically(self._note(source), msgspec.json.encode(done))

    def _note(self, source: SourceRow) -> Path:
        return self._work / f"{source.id}.done"

    def _key(self, source: SourceRow, target: Path) -> str:
        stamp = self._view.stamp(source.id)
        whole = (self._job, stamp, self._view.state(source.id), str(target.absolute()))
        return hashlib.sha256(msgspec.json.encode(whole)).hexdigest()
