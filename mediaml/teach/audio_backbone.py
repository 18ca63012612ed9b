"""The default backbone of audio: the bundled `spoken` network without its head, and the spectrum itself."""

from __future__ import annotations

from pathlib import Path

from mediaml.core.atomic_file import write_atomically
from mediaml.onnx.audio_features import audio_embedder
from mediaml.store.bundled import bundled_model

AUDIO_DEFAULT = "audio-backbone"
_NETWORK = "spoken"


def write_audio_backbone(target: Path) -> Path:
    """Write the backbone's ONNX file, where it is not the same already; see `audio_embedder`.

    Raises:
        OutputError: it cannot be written.
    """
    content = audio_embedder(bundled_model(_NETWORK), AUDIO_DEFAULT).SerializeToString(deterministic=True)
    if not (target.is_file() and target.read_bytes() == content):
        write_atomically(target, content)
    return target
