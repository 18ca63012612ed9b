"""Scores of prompts from embeddings: the mathematics of CLIP's zero-shot labels.

All embeddings have unit length, so that a product is a cosine. Cosines are scaled before the exponential
by the logit scale that the model learned (Radford et al., Learning Transferable Visual Models From Natural
Language Supervision, 2021, figure 3); the published models all reached the limit of 100 that training set it.
"""

from __future__ import annotations

import numpy as np

from mediaml.plugin import Float32Array

LOGIT_SCALE = 100.0


def softmax_scores(images: Float32Array, prompts: Float32Array, scale: float = LOGIT_SCALE) -> Float32Array:
    """How the prompts share each image: every row sums to 1.

    Args:
        images: [n, d], prompts: [m, d], both of unit length.

    Returns:
        float32 [n, m], 0..1.
    """
    logits = scale * (images @ prompts.T)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def background_scores(
    images: Float32Array, prompts: Float32Array, background: Float32Array, scale: float = LOGIT_SCALE
) -> Float32Array:
    """Each prompt by itself against the background: its share in a softmax of it and the background alone.

    With one background text that is sigmoid(scale x (cosine to the prompt - cosine to the background)).

    Args:
        images: [n, d], prompts: [m, d], background: [b, d], all of unit length.

    Returns:
        float32 [n, m], 0..1; rows need not sum to 1.
    """
    logits = scale * (images @ prompts.T).astype(np.float64)
    behind = np.logaddexp.reduce(scale * (images @ background.T).astype(np.float64), axis=1, keepdims=True)
    return np.asarray(np.exp(-np.logaddexp(0.0, behind - logits)), dtype=np.float32)


def averaged(features: Float32Array, templates: int) -> Float32Array:
    """Features [m x templates, d] of every prompt in every template to one per prompt, [m, d] of unit length.

    The mean of unit vectors, scaled to unit length again, as the authors' ensemble does it.
    """
    if templates == 1:
        return features
    means = features.reshape(-1, templates, features.shape[1]).mean(axis=1)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)
