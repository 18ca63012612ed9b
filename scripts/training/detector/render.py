"""Samples from plans, on the CPU by OpenCV or on a GPU that holds every photo in its own memory."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from scripts.training.detector.augment import FILL, Sample, Tile, is_small, render_batch
from scripts.training.detector.data import Photo


class Renderer(Protocol):
    """Samples to uint8 RGB [batch, size, size, 3]."""

    def __call__(self, samples: Sequence[Sample], size: int) -> Tensor: ...


class CpuRenderer:
    """OpenCV in a few threads."""

    def __init__(self, photos: Sequence[Photo], threads: int) -> None:
        self._photos = photos
        self._pool = ThreadPoolExecutor(threads)

    def __call__(self, samples: Sequence[Sample], size: int) -> Tensor:
        return torch.from_numpy(render_batch(self._photos, samples, size, self._pool))


class DeviceRenderer:
    """Photos decoded once into the device's memory (about 0.55 MB each), warped there.

    Both levels of every photo are stacked at the top left of equal squares filled with grey.
    """

    def __init__(self, photos: Sequence[Photo], device: torch.device) -> None:
        self._device = device
        side = max(max(photo.levels[0].shape[:2]) for photo in photos)
        self._levels = []
        for level, width in enumerate((side, (side + 1) // 2)):
            stack = torch.full((len(photos), 3, width, width), FILL, dtype=torch.uint8, device=device)
            for number, photo in enumerate(photos):
                pixels = torch.from_numpy(np.ascontiguousarray(photo.levels[level].transpose(2, 0, 1)))
                stack[number, :, : pixels.shape[1], : pixels.shape[2]] = pixels.to(device)
            self._levels.append(stack)

    def __call__(self, samples: Sequence[Sample], size: int) -> Tensor:
        canvas = torch.full((len(samples), 3, size, size), float(FILL), device=self._device)
        tiles = [(number, tile) for number, sample in enumerate(samples) for tile in sample]
        for level in (0, 1):
            # Tiles of one sample do not overlap, but two writes into one sample need two turns.
            left = [(number, tile) for number, tile in tiles if is_small(tile) == bool(level)]
            while left:
                turn = dict(reversed(left))
                self._paste(canvas, list(turn.items()), level, size)
                left = [(number, tile) for number, tile in left if turn[number] is not tile]
        return canvas.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)

    def _paste(self, canvas: Tensor, rows: Sequence[tuple[int, Tile]], level: int, size: int) -> None:
        tiles = [tile for _, tile in rows]
        place = torch.tensor([number for number, _ in rows], device=self._device)
        photo = torch.tensor([tile.photo for tile in tiles], device=self._device)
        numbers = torch.tensor(
            [[t.scale_x, t.shift_x, t.scale_y, t.shift_y, *t.area] for t in tiles], device=self._device
        )
        stack = self._levels[level]
        centre = torch.arange(size, device=self._device) + 0.5
        # Continuous sample position to the share of the stack's side, -1..1 as grid_sample wants it.
        side = stack.shape[-1] * (2**level)
        x = (centre[None] - numbers[:, 1:2]) / numbers[:, 0:1] * 2 / side - 1
        y = (centre[None] - numbers[:, 3:4]) / numbers[:, 2:3] * 2 / side - 1
        where = torch.stack((x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)), -1)
        # Outside the stack grid_sample answers 0: grey, once it has been taken off before and put on after.
        warped = functional.grid_sample(stack[photo].float() - FILL, where, align_corners=False) + FILL
        inside_x = (centre >= numbers[:, 4:5]) & (centre < numbers[:, 6:7])
        inside_y = (centre >= numbers[:, 5:6]) & (centre < numbers[:, 7:8])
        inside = (inside_y[:, :, None] & inside_x[:, None, :])[:, None]
        canvas[place] = torch.where(inside, warped, canvas[place])
