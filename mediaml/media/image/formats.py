"""Which image format a file has, by its first bytes; nothing is decoded and no decoder is imported."""

from __future__ import annotations

import struct

HEAD = 64
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
# Sizes of the information header: OS/2 1.x and 2.x, and the Windows versions.
BMP_HEADERS = {struct.pack("<I", size) for size in (12, 16, 40, 52, 56, 64, 108, 124)}


def sniff_image(head: bytes) -> str | None:
    """The format of an image by its first 64 bytes; `None` for anything else.

    Returns:
        `jpeg`, `png`, `gif`, `webp`, `tiff` (camera raw included), `bmp`, `ico`, `avif` or `heic`.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(PNG_SIGNATURE):
        return "png"
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, len(head) - 3, 4))}
    found = {
        "gif": head[:6] in (b"GIF87a", b"GIF89a"),
        "webp": head[:4] == b"RIFF" and head[8:12] == b"WEBP",
        "tiff": head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        "bmp": head[:2] == b"BM" and head[14:18] in BMP_HEADERS,
        "ico": _is_ico(head),
        "avif": head[4:8] == b"ftyp" and bool(brands & AVIF_BRANDS),
        "heic": head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS,
    }
    return next((name for name, is_it in found.items() if is_it), None)


def _is_ico(head: bytes) -> bool:
    """An icon's signature is also an MPEG start code: its first directory entry must make sense as well."""
    if len(head) < 22 or head[:4] != b"\0\0\1\0":
        return False
    count, _, _, _, reserved, planes, bits, size, offset = struct.unpack_from("<HBBBBHHII", head, 4)
    return (
        count > 0
        and reserved == 0
        and planes <= 1
        and bits in (0, 1, 4, 8, 16, 24, 32)
        and size > 0
        and offset >= 6 + 16 * count
    )
