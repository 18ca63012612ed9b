"""Words to the token ids that the text tower was trained on, by the `tokenizers` library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaml.plugin import ModelError

CONTEXT = 77
"""Tokens that a text may have, begin and end included, as in the published code of the model."""
_SHOWN = 40


class Tokens:
    """A tokenizer read from `tokenizer.json`; no network is touched.

    Args:
        path: of the file.
        warn: says when a text is cut.

    Raises:
        ModelError: the library is not installed, or the file is not a tokenizer.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ModelError(
                "texts need the package `tokenizers`, which is not installed.",
                "Install it with: pip install 'mediaml[clip]'",
            ) from error
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises plain Exception
            raise ModelError(
                f"{path} is not a tokenizer: {error}", "Copy it again from its source."
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._warn = warn

    def ids(self, texts: Sequence[str], context: int = CONTEXT) -> NDArray[np.int64]:
        """Token ids, int64 [texts, tokens], as long as the longest text, 0 behind the end of the others.

        What follows the end changes nothing: attention in the tower only looks back. A text of more than
        `context` tokens keeps its beginning and its end token, and is warned of.
        """
        rows = [self._row(text, context) for text in texts]
        ids = np.zeros((len(rows), max(map(len, rows), default=0)), dtype=np.int64)
        for target, row in zip(ids, rows, strict=True):
            target[: len(row)] = row
        return ids

    def _row(self, text: str, context: int) -> list[int]:
        row: list[int] = self._tokenizer.encode(text).ids
        if len(row) <= context:
            return row
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        self._warn(f"the text {shown!r} has {len(row)} tokens; only the first {context} are used.")
        return [*row[: context - 1], row[-1]]
