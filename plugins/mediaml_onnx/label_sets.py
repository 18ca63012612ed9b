"""Known lists of class names, by how many classes a graph has."""

from __future__ import annotations

from functools import cache
from pathlib import Path

# YAMNet leaves these classes of AudioSet out.
_NOT_IN_YAMNET = frozenset(
    {
        "Male speech, man speaking",
        "Female speech, woman speaking",
        "Battle cry",
        "Male singing",
        "Female singing",
        "Funny music",
    }
)
IMAGES, AUDIO = "ImageNet-1k", "AudioSet"


@cache
def _listed(name: str) -> tuple[str, ...]:
    file = Path(__file__).parent / "labels" / f"{name}.txt"
    return tuple(file.read_text(encoding="utf-8").splitlines())


def image_sets() -> dict[str, tuple[str, ...]]:
    """ImageNet-1k, also with the class `background` before it, as TensorFlow's classifiers have."""
    names = _listed("imagenet_1k")
    return {IMAGES: names, f"{IMAGES} with background": ("background", *names)}


def audio_sets() -> dict[str, tuple[str, ...]]:
    """AudioSet's 527 classes, and YAMNet's 521."""
    names = _listed("audioset_527")
    yamnet = tuple(name for name in names if name not in _NOT_IN_YAMNET)
    return {AUDIO: names, f"{AUDIO} without six, as YAMNet": yamnet}
