"""The bytes of an image file to an image that knows its size and yields its frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from mediaml.core.arrays import UInt8Array
from mediaml.media.image.formats import HEAD, sniff_image
from mediaml.media.image.reduced import Reduction


class DecodableImage(Protocol):
    """An image file in memory; see `mediaml.media.image.by_pillow.PillowImage`."""

    width: int
    height: int
    orientation: int
    notes: list[str]
    corrupt: int

    @property
    def count(self) -> int: ...

    @property
    def sizes(self) -> list[tuple[int, int]]: ...

    @property
    def decoded_bytes(self) -> int: ...

    def reduction(self, most: int) -> Reduction | None: ...

    def frames(self, start_s: float = 0.0) -> Iterator[tuple[int, float, float, UInt8Array]]: ...


def open_image(data: bytes) -> tuple[str, DecodableImage] | None:
    """The format and the image of a file's bytes; `None` where it is not a supported image.

    Raises:
        ValueError: it is damaged, cut off or of a kind that is not read here, and how.
    """
    kind = sniff_image(data[:HEAD])
    if kind is None:
        return None
    if kind == "tiff":
        from mediaml.media.image.tiff import open_tiff

        return kind, open_tiff(data)
    if kind == "heic":
        from mediaml.media.image.heic import HeicImage

        return kind, HeicImage(data)
    if kind == "png":
        return kind, _open_png(data)
    from mediaml.media.image.by_pillow import PillowImage

    return kind, PillowImage(data, kind)


def _open_png(data: bytes) -> DecodableImage:
    """A PNG, without Pillow where its header alone says what it is."""
    from mediaml.media.image.plain_png import PlainPng
    from mediaml.media.image.png import sound_png

    sound = sound_png(data)
    plain = PlainPng.of(sound)
    if plain is not None:
        return plain
    from mediaml.media.image.by_pillow import PillowImage

    return PillowImage(sound, "png")
