"""Windows and pieces of training photos that an earlier net took for digits and that are none.

Random windows of photos teach a net little once it knows the most of them. Here it meets those that fool it.
What shows one bar is a case of its own: it may as well be a written 1, and is taught as half of one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mediaml_digits.normalise import normalise
from mediaml_digits.page import candidates_of
from scripts.training.digits.samples import OTHER, Sample, Samples, bar, one_hot, patch_of, photos

PHOTOS = 1_200  # photos that are searched
BAR_PHOTOS, BARS_A_PHOTO = 150, 20  # photos searched for bars, and how many one gives at most
WINDOWS_A_PHOTO, PIECES_A_PHOTO = 8, 60
DOUBT, PIECE_DOUBT = 0.02, 0.1  # probability of a digit, from which a window or a piece counts as hard
CERTAIN = 0.9  # from which it may really be one: photos hold signs, timeouts and shirts with digits on them
SHARE = 0.1  # of the target that is then left to that digit

Images = NDArray[np.uint8]
# Pictures uint8 [n, 28, 28] to probabilities float32 [n, 11].
Judge = Callable[[Images], NDArray[np.float32]]


def target_of(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """`not a digit`, with a share for the digit that a net is certain to see, float32 [11]."""
    digit = int(probabilities[:OTHER].argmax())
    return one_hot(digit, 1 - SHARE) if probabilities[digit] >= CERTAIN else one_hot(OTHER)


def hard(pictures: Images, judge: Judge, doubt: float, most: int) -> Iterator[Sample]:
    """The pictures that are likeliest called a digit, at most `most`; lone bars are left out."""
    if not len(pictures):
        return
    probabilities = judge(pictures)
    height = probabilities[:, :OTHER].max(axis=1)
    for place in np.argsort(-height, kind="stable")[:most]:
        if height[place] >= doubt and not bar(pictures[place]):
            yield pictures[place], target_of(probabilities[place])


def mined(archives: list[Path], judge: Judge, seed: int, many: int = PHOTOS) -> dict[str, Samples]:
    """Hard windows and hard pieces of the first photos of the archives.

    Args:
        archives: tars of photos, none of which is measured on.
        judge: the net that is fooled.
        many: photos to search; every second one is also cut into pieces, as `find` does.
    """
    random = np.random.default_rng([seed, 7])
    found: dict[str, list[Sample]] = {"hard windows": [], "hard pieces": []}
    stream = itertools.chain.from_iterable(photos(archive) for archive in archives)
    for number, photo in enumerate(tqdm(itertools.islice(stream, many), desc="mining", total=many)):
        windows = np.stack([normalise(patch_of(photo, random)) for _ in range(WINDOWS_A_PHOTO)])
        found["hard windows"] += hard(windows, judge, DOUBT, WINDOWS_A_PHOTO)
        if number % 2 == 0:
            pieces = candidates_of(photo).pictures
            found["hard pieces"] += hard(pieces, judge, PIECE_DOUBT, PIECES_A_PHOTO)
    return {name: stacked(rows) for name, rows in found.items()}


def bars(archive: Path, seed: int, many: int = BAR_PHOTOS) -> dict[str, Samples]:
    """Windows and pieces of the first photos of an archive that show one bar: half a 1, half no digit."""
    random = np.random.default_rng([seed, 8])
    found: list[Sample] = []
    for photo in tqdm(itertools.islice(photos(archive), many), desc="bars", total=many):
        windows = [normalise(patch_of(photo, random)) for _ in range(WINDOWS_A_PHOTO)]
        pieces = candidates_of(photo).pictures
        seen = [*windows, *pieces[random.permutation(len(pieces))]]
        alone = itertools.islice((picture for picture in seen if bar(picture)), BARS_A_PHOTO)
        found += [(picture, one_hot(1, 0.5)) for picture in alone]
    return {"bars": stacked(found)}


def stacked(rows: list[Sample]) -> Samples:
    """Samples as arrays."""
    return Samples(np.stack([row[0] for row in rows]), np.stack([row[1] for row in rows]))
