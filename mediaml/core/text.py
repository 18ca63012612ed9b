"""Text for the terminal: untrusted names made safe to print, and counted nouns."""

from __future__ import annotations

import unicodedata

# Control characters, halves of surrogate pairs, line and paragraph separators, and format characters. Those
# include the ones that change the direction of writing (UAX #9), which make `gpj.exe` read as `exe.jpg`.
_ESCAPED = frozenset({"Cc", "Cs", "Zl", "Zp", "Cf"})
# Joiners belong to the spelling of Persian, Hindi and many emoji, and move nothing.
_JOINERS = "\u200c\u200d"


def escape_control(text: str, keep: str = "") -> str:
    r"""Replace what could drive a terminal, reorder a line or break a format: `\x1b`, `\u202e`.

    Letters of all scripts stay. A byte that was not UTF-8 in a file's name (a surrogate escape, PEP 383) is
    shown as that byte, `\xff`.

    Args:
        text: any text.
        keep: characters that are left as they are, such as a line feed.
    """
    if text.isprintable():
        return text
    return "".join(char if char in keep or char in _JOINERS else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    if unicodedata.category(char) not in _ESCAPED:
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 file`, `2 files`; `plural` where it is not the noun with an s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
