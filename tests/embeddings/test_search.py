"""Search, vectors and duplicates, on real ViT-B/32 embeddings and on made ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaml.core.errors import OutputError
from mediaml.core.media import Kind
from mediaml.embeddings.duplicates import duplicate_groups
from mediaml.embeddings.search import search
from mediaml.embeddings.vectors import Vectors, choose_space, open_vectors, pack, unit_rows
from mediaml.ledger.embeddings import EmbeddingRow, Space, embedding_spaces
from tests.support.ledger_rows import add, identity

COCO, LVIS = "detic_coco80_clip_vitb32_text_a+cname.npy", "detic_lvis1203_clip_vitb32_text_a+cname.npy"


@pytest.fixture(scope="session")
def coco(assets):
    return unit_rows(np.load(assets / "models" / "clip" / COCO).astype(np.float32))


@pytest.fixture(scope="session")
def lvis(assets):
    return unit_rows(np.load(assets / "models" / "clip" / LVIS).astype(np.float32))


def vectors_of(matrix, sources=None) -> Vectors:
    """Vectors in memory; each row a source of its own unless said."""
    matrix = unit_rows(np.asarray(matrix, np.float32))
    owners = range(len(matrix)) if sources is None else sources
    rows = [EmbeddingRow(int(source), 0, 0.0, 0.0, b"") for source in owners]
    return Vectors(Space("clip", "", "", (1,), matrix.shape[1]), pack(rows, matrix))


def opened(folder) -> Vectors:
    return open_vectors(folder, choose_space(folder, None))


def test_real_vectors_find_their_own_names(tmp_path, coco, lvis):
    add(tmp_path, "lvis.mp4", lvis, Kind.VIDEO)
    vectors = opened(tmp_path)
    assert len(vectors) == 1203 and isinstance(vectors.records, np.memmap)
    assert vectors.rows(slice(None)) == pytest.approx(lvis, abs=1e-3)
    cosines = coco @ lvis.T
    for question, row in list(zip(coco, cosines, strict=True))[::8]:
        hits = search(vectors, question, 5, alike=1.0)
        assert [hit.frame for hit in hits] == np.argsort(-row)[:5].tolist()
        assert [hit.score for hit in hits] == pytest.approx(sorted(row, reverse=True)[:5], abs=1e-3)
        assert hits[0].time_s == hits[0].frame / 2


def test_the_file_is_made_anew_when_the_ledger_changes(tmp_path, coco):
    add(tmp_path, "a.png", coco[0])
    first = opened(tmp_path)
    (path,) = tmp_path.glob("vectors-*.npy")
    before = path.stat().st_mtime_ns
    assert len(opened(tmp_path)) == 1 and path.stat().st_mtime_ns == before
    add(tmp_path, "b.png", coco[1])
    assert len(opened(tmp_path)) == 2 and len(first) == 1
    assert len(list(tmp_path.glob("vectors-*.npy"))) == 1
    (path,) = tmp_path.glob("vectors-*.npy")
    path.write_bytes(path.read_bytes()[:100])
    assert len(opened(tmp_path)) == 2


def test_options_share_a_space_and_weights_do_not(tmp_path, coco):
    add(tmp_path, "a.png", coco[0])
    add(tmp_path, "b.png", coco[1], model=identity(options='{"prompts":["a"]}'))
    (space,) = embedding_spaces(tmp_path)
    assert len(space.ids) == 2 and space.dimensions == 512 and len(opened(tmp_path)) == 2
    add(tmp_path, "c.png", coco[2], model=identity("b" * 64))
    # Other weights live beside them; those that a run asked for last are searched.
    assert choose_space(tmp_path, None).weights_sha256 == "b" * 64
    add(tmp_path, "a.png", coco[0])
    assert choose_space(tmp_path, None).weights_sha256 == "a" * 64
    # A source that two identities have embedded is found once.
    add(tmp_path, "b.png", coco[1])
    assert len(opened(tmp_path)) == 2
    add(tmp_path, "c.png", coco[2, :8], model=identity("c" * 64, name="other"))
    with pytest.raises(OutputError, match="several models"):
        choose_space(tmp_path, None)
    assert choose_space(tmp_path, "other").dimensions == 8


def test_near_duplicates_are_one_answer():
    rng = np.random.default_rng(0)
    scenes = unit_rows(rng.standard_normal((3, 64)).astype(np.float32))
    shots = np.repeat(scenes, 100, axis=0) + 0.002 * rng.standard_normal((300, 64))
    vectors = vectors_of(shots, sources=np.arange(300) // 100)
    hits = search(vectors, scenes[1], 3, alike=0.99)
    assert hits[0].source == 1 and {hit.source for hit in hits} == {0, 1, 2}
    assert [hit.alike for hit in hits] == [99, 99, 99]
    assert len(search(vectors, scenes[1], 20, alike=0.99)) == 3


def test_answers_lie_behind_many_alike_ones():
    crowd = np.zeros((20_000, 4), np.float32)
    crowd[:, 0] = 1
    crowd[-1] = (0.0, 1.0, 0.0, 0.0)
    hits = search(vectors_of(crowd), np.array([0.8, 0.6, 0, 0], np.float32), 2, alike=0.99)
    assert [hit.source for hit in hits] == [0, 19_999] and hits[0].alike == 19_998


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999),
    rows=st.integers(1, 60),
    count=st.integers(1, 70),
    alike=st.sampled_from((0.3, 0.8, 1.1)),
)
def test_search_is_what_a_slow_one_finds(seed, rows, count, alike):
    rng = np.random.default_rng(seed)
    vectors = vectors_of(rng.standard_normal((rows, 6)))
    question = unit_rows(rng.standard_normal((1, 6)).astype(np.float32))[0]
    matrix = vectors.rows(slice(None))
    kept: list[int] = []
    for index in np.argsort(-(matrix @ question), kind="stable"):
        if len(kept) < count and all(matrix[index] @ matrix[other] < alike for other in kept):
            kept.append(int(index))
    hits = search(vectors, question, count, alike)
    assert [hit.source for hit in hits] == kept
    assert sum(1 + hit.alike for hit in hits) <= rows


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), rows=st.integers(1, 50), room=st.sampled_from((1, 2000, 1 << 20)))
def test_groups_hold_what_is_alike_to_their_first(seed, rows, room):
    rng = np.random.default_rng(seed)
    vectors = vectors_of(rng.standard_normal((rows, 3)))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("mediaml.embeddings.duplicates._ROOM", room)
        groups = duplicate_groups(vectors, frozenset(range(rows)), 0.9)
    members = [source for group in groups for source in group.sources]
    assert len(members) == len(set(members))
    matrix = vectors.rows(slice(None))
    cosines = matrix @ matrix.T
    for group in groups:
        first, *rest = group.sources
        assert rest and all(cosines[first, other] >= 0.9 and other > first for other in rest)
        assert group.closeness == pytest.approx(cosines[first, rest].min(), abs=1e-5)
    alone = set(range(rows)) - set(members)
    assert all(cosines[a, b] < 0.9 for a in alone for b in alone if a != b)


def test_frames_of_videos_are_no_duplicates(tmp_path, coco):
    first = add(tmp_path, "a.png", coco[0])
    other = add(tmp_path, "b.png", coco[0])
    add(tmp_path, "c.mp4", coco[[0, 0, 1]], Kind.VIDEO)
    (group,) = duplicate_groups(opened(tmp_path), frozenset({first, other}), 0.99)
    assert group.sources == (first, other)
