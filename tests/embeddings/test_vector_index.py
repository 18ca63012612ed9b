"""The approximate index against exact search, on real ViT-B/32 embeddings and on seeded ones."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from mediaml.core.errors import UsageError
from mediaml.core.media import Kind
from mediaml.embeddings.index import nearest_rows, open_index, search_index
from mediaml.embeddings.search import search
from mediaml.embeddings.vectors import choose_space, open_vectors, unit_rows
from tests.support.ledger_rows import add

CLIP = "models/clip/detic_{}_clip_vitb32_text_a+cname.npy"


def opened(folder):
    return open_vectors(folder, choose_space(folder, None))


def index_files(folder):
    return sorted(path.name for path in folder.glob("vectors-*.usearch*"))


def test_real_vectors_are_recalled(tmp_path, assets):
    """Recall at 10 of 1203 real embeddings, asked by 80 others, with few candidates: 0.95 or more."""
    coco, lvis = (
        unit_rows(np.load(assets / CLIP.format(name)).astype(np.float32)) for name in ("coco80", "lvis1203")
    )
    add(tmp_path, "lvis.mp4", lvis, Kind.VIDEO)
    index = open_index(opened(tmp_path))
    exact = np.argsort(-(coco @ lvis.T), axis=1)[:, :10]
    found = [set(nearest_rows(index, question, 10).tolist()) for question in coco]
    recall = np.mean([len(rows & set(best)) / 10 for rows, best in zip(found, exact.tolist(), strict=True)])
    assert recall >= 0.95


def test_answers_are_those_of_exact_search(tmp_path, assets):
    """4800 noisy copies of real embeddings: scores, times and merging as without the index."""
    rng = np.random.default_rng(0)
    lvis = unit_rows(np.load(assets / CLIP.format("lvis1203")).astype(np.float32))
    noise = 0.02 * rng.standard_normal((4 * len(lvis), lvis.shape[1]))
    add(tmp_path, "a.mp4", unit_rows(np.repeat(lvis, 4, axis=0) + noise), Kind.VIDEO)
    vectors = opened(tmp_path)
    for question in lvis[::200]:
        exact = search(vectors, question, 5, alike=0.95)
        near = search_index(vectors, question, 5, alike=0.95)
        # Of two copies that are equally near, rounding may put either first.
        assert [hit.frame // 4 for hit in near] == [hit.frame // 4 for hit in exact]
        assert [hit.score for hit in near] == pytest.approx([hit.score for hit in exact], abs=1e-6)


def test_a_crowd_of_alike_frames_does_not_hide_the_rest(tmp_path):
    rng = np.random.default_rng(1)
    vectors = np.repeat(unit_rows(rng.standard_normal((2, 8)).astype(np.float32)), 3000, axis=0)
    add(tmp_path, "a.mp4", unit_rows(vectors + 1e-3 * rng.standard_normal(vectors.shape)), Kind.VIDEO)
    hits = search_index(opened(tmp_path), vectors[0], 2, alike=0.99)
    assert hits[0].frame < 3000 <= hits[1].frame


def test_the_index_lies_beside_the_vectors_and_goes_with_them(tmp_path):
    rng = np.random.default_rng(2)
    add(tmp_path, "a.png", rng.standard_normal((1, 8)))
    open_index(opened(tmp_path))
    (first,) = index_files(tmp_path)
    before = (tmp_path / first).stat().st_mtime_ns
    assert len(open_index(opened(tmp_path))) == 1 and (tmp_path / first).stat().st_mtime_ns == before
    add(tmp_path, "b.png", rng.standard_normal((1, 8)))
    assert len(open_index(opened(tmp_path))) == 2
    (second,) = index_files(tmp_path)
    assert second != first
    (tmp_path / second).write_bytes(b"rot")
    assert len(open_index(opened(tmp_path))) == 2


def test_without_the_package_the_error_says_what_to_install(tmp_path, monkeypatch):
    add(tmp_path, "a.png", np.ones((1, 8)))
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(UsageError, match=r"pip install 'mediaml\[index\]'"):
        search_index(opened(tmp_path), np.ones(8, np.float32), 1, alike=0.9)
