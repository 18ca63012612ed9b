"""Changed copies: what each change does, and that the same ones are made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mediaml.core.errors import UsageError
from mediaml.teach.augment import Augmentation, changed, parse_changes, write_copies
from tests.support.trained import write_colour

IMAGE = np.random.default_rng(1).integers(60, 200, (40, 60, 3), dtype=np.uint8)


def test_every_change_is_what_it_is_called() -> None:
    mirrored = changed(IMAGE, ["flip"], np.random.default_rng(1), 0)
    assert (mirrored == IMAGE[:, ::-1]).all()
    assert (changed(IMAGE, ["flip"], np.random.default_rng(1), 1) == IMAGE).all()
    part = changed(IMAGE, ["crop"], np.random.default_rng(2))
    assert part.shape < IMAGE.shape
    assert part.shape[0] * part.shape[1] >= 0.5 * 40 * 60
    lighter = changed(IMAGE, ["light"], np.random.default_rng(3))
    assert np.corrcoef(lighter.ravel(), IMAGE.ravel())[0, 1] > 0.9
    assert (lighter != IMAGE).any()
    noisy = changed(IMAGE, ["noise"], np.random.default_rng(3)).astype(int) - IMAGE
    assert 0 < noisy.std() < 12
    assert abs(noisy.mean()) < 1


def test_copies_are_made_once_and_the_same(tmp_path: Path) -> None:
    pictures = [tmp_path / f"{number}.png" for number in range(3)]
    for number, picture in enumerate(pictures):
        write_colour(picture, "red", number)
    how = Augmentation(copies=2, seed=5)
    first = write_copies(pictures, tmp_path / "copies", how, lambda _: None)
    assert sorted(first.values()) == sorted([*pictures, *pictures])
    contents = {name: name.read_bytes() for name in first}
    assert len(set(contents.values())) == 6
    next(iter(first)).unlink()
    again = write_copies(pictures, tmp_path / "copies", how, lambda _: None)
    assert {name: name.read_bytes() for name in again} == contents
    other = write_copies(pictures, tmp_path / "copies", Augmentation(copies=2, seed=6), lambda _: None)
    assert not set(other) & set(first)


def test_changes_by_name() -> None:
    assert parse_changes("all") == ("flip", "crop", "light", "noise")
    assert parse_changes("none") == ()
    assert parse_changes("noise, flip") == ("flip", "noise")
    with pytest.raises(UsageError, match=r"there is no 'flop'\.\nDid you mean 'flip'"):
        parse_changes("flop")
