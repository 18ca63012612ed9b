"""Files that hold the pictures of a model's answers: they are too big for rows of the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from mediaml.core.errors import require

PICTURES = ".pictures"
"""The folder, in an output folder, that they are in: `SOURCE/MODEL/SLICE.mkv` or `.png`, by ids."""


def file_name(source: int, model: int, name: str) -> str:
    """The name of a file under the output folder, from the ids of source and model in its ledger."""
    return f"{PICTURES}/{source}/{model}/{name}"


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file with pictures of one time slice, all of one size.

    Attributes:
        name: its path under the output folder, `/` between its parts.
        sha256: of its bytes, in hexadecimal digits. size: bytes.
        first: number of the frame that the first picture belongs to.
        last: number of the frame that the last picture belongs to.
        width, height: pixels of each picture.
    """

    name: str
    sha256: str
    size: int
    first: int
    last: int
    width: int
    height: int

    def __post_init__(self) -> None:
        require(0 <= self.first <= self.last, f"frames {self.first}..{self.last} are no range")
        require(min(self.width, self.height) > 0, "a picture has at least one pixel")
