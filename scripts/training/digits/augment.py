"""Augmentation of a whole batch at once, on the device: warps, stroke width, contrast, noise."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as f


def warp(images: Tensor, random: torch.Generator) -> Tensor:
    """Rotate (+-13 degrees), scale (+-12 %), shear, move (+-2 pixels) and bend elastically.

    The bend is a coarse random field, smoothly enlarged, after Simard, Steinkraus and Platt ("Best Practices
    for Convolutional Neural Networks", 2003).
    """
    count, device = len(images), images.device
    chance = torch.rand(count, 6, generator=random, device=device) * 2 - 1
    angle, shear = chance[:, 0] * 0.23, chance[:, 1] * 0.2
    scale_x, scale_y = 1 + 0.12 * chance[:, 2], 1 + 0.12 * chance[:, 3]
    cosine, sine = torch.cos(angle), torch.sin(angle)
    theta = torch.stack(
        [
            cosine * scale_x, (shear - sine) * scale_y, chance[:, 4] * 0.14,
            sine * scale_x, cosine * scale_y, chance[:, 5] * 0.14,
        ],
        dim=1,
    ).view(count, 2, 3)  # fmt: skip
    grid = f.affine_grid(theta, list(images.shape), align_corners=False)
    coarse = torch.randn(count, 2, 5, 5, generator=random, device=device)
    strength = 0.06 * torch.rand(count, 1, 1, 1, generator=random, device=device)
    field = f.interpolate(coarse * strength, size=images.shape[-2:], mode="bicubic", align_corners=True)
    return f.grid_sample(images, grid + field.permute(0, 2, 3, 1), mode="bilinear", align_corners=False)


def restroke(images: Tensor, random: torch.Generator) -> Tensor:
    """Blend a third of the pictures with a thicker or a thinner copy of themselves."""
    chance = torch.rand(len(images), 2, 1, 1, 1, generator=random, device=images.device)
    some = images * 1.0
    thick = f.max_pool2d(images, 3, 1, 1)
    thin = -f.max_pool2d(-images, 3, 1, 1)
    blend = 0.8 * chance[:, 1]
    some = torch.where(chance[:, 0] < 0.18, torch.lerp(images, thick, blend), some)
    return torch.where(chance[:, 0] > 0.86, torch.lerp(images, thin, 0.7 * blend), some)


def augment(images: Tensor, random: torch.Generator) -> Tensor:
    """Augmented copies of float32 [n, 1, 28, 28], 0..1."""
    seen = restroke(warp(images, random), random)
    chance = torch.rand(len(images), 3, 1, 1, 1, generator=random, device=images.device)
    seen = seen.clamp(0, 1) ** (0.7 + 0.7 * chance[:, 0])
    seen = seen * (1 - 0.25 * chance[:, 1])
    noise = torch.randn(seen.shape, generator=random, device=images.device) * 0.06 * chance[:, 2] ** 2
    return (seen + noise).clamp(0, 1)
