"""Zero-shot mathematics on the real text embeddings of ViT-B/32."""

from __future__ import annotations

import numpy as np
import pytest

from mediaml_clip.zero_shot import averaged, background_scores, softmax_scores


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def coco(assets):
    return unit(np.load(assets / "models/clip/detic_coco80_clip_vitb32_text_a+cname.npy").astype(np.float32))


def test_every_name_is_likest_itself(coco):
    scores = softmax_scores(coco, coco)
    assert scores.shape == (80, 80) and np.array_equal(scores.argmax(axis=1), np.arange(80))
    assert scores.sum(axis=1) == pytest.approx(1, abs=1e-5)
    logits = 100 * coco.astype(np.float64) @ coco.T.astype(np.float64)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert scores == pytest.approx(powers / powers.sum(axis=1, keepdims=True), abs=1e-4)


def test_background_scores_stand_each_for_itself(coco):
    prompts, background = coco[:5], coco[5:7]
    together = background_scores(coco, prompts, background)
    apart = np.concatenate(
        [background_scores(coco, prompts[n : n + 1], background) for n in range(5)], axis=1
    )
    assert together == pytest.approx(apart, abs=2e-5)
    pair = softmax_scores(coco, np.concatenate([prompts[:1], background]))
    assert together[:, 0] == pytest.approx(pair[:, 0], abs=1e-5)
    assert np.isfinite(background_scores(coco, prompts, background, scale=1e5)).all()


def test_averages_have_unit_length(coco):
    mean = averaged(coco, 4)
    assert mean.shape == (20, 512) and np.linalg.norm(mean, axis=1) == pytest.approx(1, abs=1e-5)
    assert averaged(coco, 1) is coco
