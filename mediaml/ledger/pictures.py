"""The pictures of answers: in files of the output folder; in ledgers of version 3 and older, as PNG in rows.

A file is known by its name, size and digest. Tasks whose files are missing or damaged are done again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mediaml.core.arrays import UInt8Array
from mediaml.core.picture_file import PICTURES, PictureFile
from mediaml.ledger.encoding import picture_of

if TYPE_CHECKING:
    from mediaml.media.picture_reader import PictureReader

_COLUMNS = "name, sha256, size, first, last, width, height"


@dataclass(frozen=True, slots=True, eq=False)
class KeptPicture:
    """Where the picture of a frame is: in `blob`, or in `file`, which `reader` reads."""

    frame: int
    blob: bytes | None = None
    file: PictureFile | None = None
    reader: PictureReader | None = None

    @property
    def digest(self) -> str:
        """Differs between different pictures."""
        if self.file is not None:
            return f"{self.file.sha256} {self.frame - self.file.first}"
        return hashlib.sha256(self.blob or b"").hexdigest()

    def image(self) -> UInt8Array | None:
        """The picture: uint8 RGB [H, W, 3]; `None` where the frame has none.

        Raises:
            OutputError: it is missing or damaged.
        """
        if self.file is not None and self.reader is not None:
            return self.reader.read(self.file, self.frame)
        return None if self.blob is None else picture_of(self.blob)


def picture_files(db: sqlite3.Connection, source: int, model: int) -> list[PictureFile]:
    """The files of one source and model, in the order of their frames."""
    query = f"SELECT {_COLUMNS} FROM picture_file WHERE source = ? AND model = ? ORDER BY first"
    return [PictureFile(*row) for row in db.execute(query, (source, model))]


def picture_file_of(db: sqlite3.Connection, source: int, model: int, frame: int) -> PictureFile | None:
    """The file that has the picture of a frame, if any."""
    query = f"SELECT {_COLUMNS} FROM picture_file WHERE source = ? AND model = ? AND ? BETWEEN first AND last"
    row = db.execute(query, (source, model, frame)).fetchone()
    return None if row is None else PictureFile(*row)


def first_size(db: sqlite3.Connection, source: int, model: int) -> tuple[int, int] | None:
    """Width and height of the first picture in a file of one source and model; `None` where there is none."""
    query = (
        "SELECT width, height FROM picture_file WHERE source = ? AND model = ? ORDER BY slice, part LIMIT 1"
    )
    row = db.execute(query, (source, model)).fetchone()
    return None if row is None else (row[0], row[1])


def picture_finder(
    db: sqlite3.Connection, source: int, model: int, folder: Path | None
) -> Callable[[int, bytes | None], KeptPicture | None]:
    """Finds the pictures of one source and model, from the number of a frame and the picture in its row.

    Args:
        folder: the output folder; `None` leaves those in files out.
    """
    files = [] if folder is None else picture_files(db, source, model)
    starts = [file.first for file in files]
    reader: PictureReader | None = None
    if folder is not None and files:
        from mediaml.media.picture_reader import PictureReader

        reader = PictureReader(folder)

    def found(frame: int, blob: bytes | None) -> KeptPicture | None:
        if blob is not None:
            return KeptPicture(frame, blob)
        place = bisect_right(starts, frame) - 1
        if place < 0 or frame > files[place].last:
            return None
        return KeptPicture(frame, None, files[place], reader)

    return found


def first_lost(db: sqlite3.Connection, folder: Path, source: int, model: int) -> int | None:
    """The first slice of which a file is missing or has another size; `None` where all are there."""
    from mediaml.media.picture_reader import is_there

    query = f"SELECT slice, {_COLUMNS} FROM picture_file WHERE source = ? AND model = ? ORDER BY slice"
    rows = db.execute(query, (source, model))
    return next((row[0] for row in rows if not is_there(folder, PictureFile(*row[1:]))), None)


def drop_lost(db: sqlite3.Connection, folder: Path) -> int:
    """Drop the tasks of which a file is missing or damaged, and all after them; returns their number."""
    from mediaml.media.picture_reader import is_whole

    bad: dict[tuple[int, int], int] = {}
    rows = db.execute(f"SELECT source, model, slice, {_COLUMNS} FROM picture_file ORDER BY slice").fetchall()
    for source, model, number, *file in rows:
        if (source, model) not in bad and not is_whole(folder, PictureFile(*file)):
            bad[source, model] = number
    dropped = 0
    with db:
        for (source, model), number in bad.items():
            where = "WHERE source = ? AND model = ? AND slice >= ?"
            dropped += db.execute(f"DELETE FROM task {where}", (source, model, number)).rowcount
            db.execute("UPDATE artifact SET done = 0 WHERE source = ?", (source,))
    return dropped


def remove_unlisted(db: sqlite3.Connection, folder: Path) -> None:
    """Remove files of pictures that no task refers to any more; what cannot be removed stays.

    No other process may be writing to the folder.
    """
    place = folder / PICTURES
    if not place.is_dir():
        return
    listed = {row[0] for row in db.execute("SELECT name FROM picture_file")}
    for path in sorted(place.rglob("*"), reverse=True):
        with suppress(OSError):
            if path.is_dir():
                path.rmdir()  # where it is empty
            elif path.relative_to(folder).as_posix() not in listed:
                path.unlink()
    with suppress(OSError):
        place.rmdir()
