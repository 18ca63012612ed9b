"""Hold CLIP ViT-B/32 against the published figures, as soon as its real weights are here.

    python -m scripts.clip_golden [FOLDER]

FOLDER holds the fp32 towers and tokenizer.json; without it the model cache is looked through for
`clip-vit-b32` (`mediaml models pull clip-vit-b32` fetches it). The pictures and figures are looked for where
`MEDIAML_ASSETS` points, or in `shared` beside the checkout; GOLDEN.md there says where they were published.
Exit codes: 0 all figures were reached, 1 some were not, 2 not run, because something is missing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.app.choose import choose_models
from mediaml.core.frame import Frame
from mediaml.media.image.reader import ImageReader
from mediaml.onnx.providers import parse_device
from mediaml.pipeline.models import load_model, resolve_model
from mediaml.registry.entry_points import load_registry
from mediaml.store.cache import Cache
from mediaml.store.catalogue import load_catalogue
from scripts.paths import assets_folder

MODEL = "clip-vit-b32"
PROMPTS = ("a diagram", "a dog", "a cat")
# The probabilities are published to four decimals; the embeddings with a tolerance of 1e-3.
PROBABILITIES, PROBABILITY_TOLERANCE = (0.9928, 0.0042, 0.0030), 5e-4
IMAGE_HEAD, TEXT_HEAD = (
    (-0.0098, 0.0128, -0.0274, 0.0020, -0.0059),
    (0.0083, 0.0103, -0.0138, 0.0199, -0.0069),
)
EMBEDDING_TOLERANCE = 1e-3


def find_weights(given: Path | None) -> Path | None:
    """The folder that was named, else the one in the cache if all its files are there."""
    if given is not None:
        return given if given.is_dir() else None
    cache, entry = Cache.of(os.environ), load_catalogue().find(MODEL)
    return cache.home(MODEL) if cache.has(entry) else None


def find_pictures() -> Path | None:
    """The folder of CLIP.png and the other golden files."""
    folder = assets_folder() / "models" / "clip"
    return folder if (folder / "CLIP.png").is_file() else None


def load(folder: Path, *options: str) -> Any:
    """The plugin's model, as the command line loads it."""
    choice = choose_models([load_registry().find("clip")], (str(folder),), options)[0]
    return load_model(resolve_model(choice), parse_device("cpu"), warn=print).model


def frame(path: Path) -> Frame:
    """The one frame of a picture."""
    with ImageReader(path) as reader:
        return next(iter(reader.frames()))


def checks(weights: Path, pictures: Path) -> Iterator[tuple[str, float, float]]:
    """What is compared, the largest difference, and how much it may be."""
    model = load(weights, f"prompts={','.join(PROMPTS)}", "scores=softmax")
    *labels, _ = model.predict([frame(pictures / "CLIP.png")])[0]
    scores = {label.name: label.score for label in labels}
    found = np.array([scores[prompt] for prompt in PROMPTS])
    print(f"CLIP.png: {dict(zip(PROMPTS, found.round(4).tolist(), strict=True))}")
    yield "CLIP.png's probabilities", np.abs(found - PROBABILITIES).max(), PROBABILITY_TOLERANCE
    embedding = model.predict([frame(pictures / "fastembed_test_image.jpeg")])[0][-1].vector
    yield "the picture's embedding", np.abs(embedding[:5] - IMAGE_HEAD).max(), EMBEDDING_TOLERANCE
    text = model.embed_texts(["hello world"])[0]
    yield "the text's embedding", np.abs(text[:5] - TEXT_HEAD).max(), EMBEDDING_TOLERANCE


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?")
    weights, pictures = find_weights(parser.parse_args().folder), find_pictures()
    if weights is None or pictures is None:
        missing = "the real weights of CLIP ViT-B/32" if weights is None else "the golden pictures"
        print(f"NOT RUN: {missing} are not here, so no published figure was checked.")
        return 2
    failed = 0
    for what, difference, allowed in checks(weights, pictures):
        failed += not difference <= allowed
        print(
            f"{'ok' if difference <= allowed else 'FAILED'}: {what}: off by {difference:.1e} of {allowed:.0e}"
        )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
