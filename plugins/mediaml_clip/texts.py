"""Words to features: tokenizer, text tower and cache together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mediaml.plugin import Float32Array, LoadContext, ModelError
from mediaml_clip.files import TOKENIZER, ClipFiles
from mediaml_clip.options import sentences
from mediaml_clip.text_cache import TextCache, cache_folder, tower_digest
from mediaml_clip.tokens import CONTEXT, Tokens
from mediaml_clip.tower import Tower
from mediaml_clip.zero_shot import averaged

_BATCH = 64


class Texts:
    """Embeds texts; the tower is opened when the cache does not know them.

    Args:
        context: of the model that is loaded.
        files: of the CLIP.
        path: of the text tower; `None` where there is none.
        tower: the text tower, where it had to be opened already.
    """

    def __init__(
        self, context: LoadContext, files: ClipFiles, path: Path | None, tower: Tower | None = None
    ) -> None:
        self._context = context
        self._files = files
        self._path = path
        self._tower = tower
        self._tokens: Tokens | None = None
        self._cache: TextCache | None = None

    def features(self, prompts: Sequence[str], templates: Sequence[str]) -> Float32Array:
        """Features of unit length, float32 [prompts, dimensions].

        Raises:
            ModelError: the text tower or the tokenizer is missing or does not fit.
        """
        path = self._required()
        if self._tokens is None:
            assert self._files.tokenizer is not None
            self._tokens = Tokens(self._files.tokenizer, self._context.warn)
        if self._cache is None:
            self._cache = TextCache(cache_folder(os.environ), tower_digest(path))
        ids = self._tokens.ids(sentences(prompts, templates))
        place = self._cache.path(ids, len(templates))
        features = self._cache.load(place, len(prompts))
        if features is None:
            features = averaged(self._embed(path, ids), len(templates))
            self._cache.save(place, features)
        return features

    def _required(self) -> Path:
        image = self._files.first
        if self._path is None:
            raise ModelError(f"there is no text tower beside {image}.", "Put text_model.onnx there.")
        if self._files.tokenizer is None:
            raise ModelError(
                f"there is no {TOKENIZER} beside {image}.", "Copy it there from the model's origin."
            )
        return self._path

    def _embed(self, path: Path, ids: NDArray[np.int64]) -> Float32Array:
        if self._tower is None:
            self._tower = Tower.of(self._context.open_session(path))
        tower = self._tower
        if tower.sense != "text":
            raise ModelError(f"{path} is an image tower; a text tower is needed.")
        length = tower.shape[1]
        if length is not None and ids.shape[1] > length:
            raise ModelError(f"{path} takes {length} tokens; CLIP's texts have up to {CONTEXT}.")
        padded = np.pad(ids, ((0, 0), (0, (length or ids.shape[1]) - ids.shape[1])))
        size = tower.shape[0] or _BATCH
        return np.concatenate(
            [_batch(tower, padded[start : start + size]) for start in range(0, len(padded), size)]
        )


def _batch(tower: Tower, ids: NDArray[np.int64]) -> Float32Array:
    """One batch; filled up where the graph requires its size."""
    missing = (tower.shape[0] or len(ids)) - len(ids)
    full = np.pad(ids, ((0, missing), (0, 0)), mode="edge")
    return tower.embed(full)[: len(ids)]
