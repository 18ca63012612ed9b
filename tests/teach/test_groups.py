"""Groups of examples that must not be parted, and folds that do not part them."""

from __future__ import annotations

import numpy as np

from mediaml.embeddings.vectors import unit_rows
from mediaml.teach.groups import groups_of
from mediaml.teach.validation import fold_count, folds_of


def turned(*degrees: float) -> np.ndarray:
    """Unit vectors in a plane at these angles, and their opposites, so that their mean is 0."""
    angles = np.radians([*degrees, *(one + 180 for one in degrees)])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_near_duplicates_of_near_duplicates_are_one_group() -> None:
    # Neighbours are 10 degrees apart (cosine .985), the ends 20 (.94); 90 is alone.
    groups = groups_of(turned(0, 10, 20, 90), np.arange(8), 0.97)
    assert groups[0] == groups[1] == groups[2] != groups[3]
    assert len(set(groups.tolist())) == 4


def test_what_all_have_in_common_makes_none_alike() -> None:
    common = np.full((8, 1), 50, dtype=np.float32)
    vectors = unit_rows(np.hstack([turned(0, 40, 80, 120), common]))
    assert (vectors @ vectors.T).min() > 0.99
    assert len(set(groups_of(vectors, np.arange(8), 0.97).tolist())) == 8


def test_frames_of_one_file_are_one_group() -> None:
    groups = groups_of(turned(0, 90), np.array([0, 0, 1, 2]), 0.97)
    assert groups[0] == groups[1]
    assert len(set(groups.tolist())) == 3


def test_groups_are_those_of_all_pairs() -> None:
    random = np.random.default_rng(2)
    seeds = random.normal(size=(40, 8))
    vectors = unit_rows((np.repeat(seeds, 3, axis=0) + random.normal(0, 0.05, (120, 8))).astype(np.float32))
    groups = groups_of(vectors, np.arange(120), 0.95)
    # By the definition: reachability over all pairs, by powers of the adjacency matrix.
    centred = vectors - vectors.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    near = (centred @ centred.T >= 0.95).astype(int)
    reach = np.linalg.matrix_power(near, 16) > 0
    assert ((groups[:, None] == groups[None, :]) == reach).all()


def test_no_group_is_in_two_folds_and_classes_are_spread() -> None:
    random = np.random.default_rng(5)
    group = random.integers(0, 60, 300)
    label = group % 3
    fold = folds_of(label, group, seed=1)
    assert all(len(np.unique(fold[group == one])) == 1 for one in np.unique(group))
    for one in range(3):
        counts = np.bincount(fold[label == one], minlength=5)
        assert counts.min() >= 8, counts
    assert (fold == folds_of(label, group, seed=1)).all()


def test_a_small_class_means_fewer_folds() -> None:
    label = np.array([0] * 20 + [1] * 3)
    assert fold_count(label, np.arange(23)) == 3
    assert fold_count(label, np.array([*range(20), 20, 20, 20])) == 2
