"""Augmentation against shortcuts: paper, colour, shape, sharpness and JPEG must not decide."""

from collections.abc import Sequence

import cv2
import numpy as np

from scripts.training.financial.canvas import Picture

INPUT = 160


def view(rng: np.random.Generator, picture: Picture) -> Picture:
    """A random crop, tilt and perspective, `INPUT` x `INPUT`, beyond the edges whatever the edge shows."""
    side = picture.shape[0]
    if rng.random() < 0.25:
        # The whole picture, as the product shows it to the net.
        return np.asarray(cv2.resize(picture, (INPUT, INPUT), interpolation=cv2.INTER_AREA), np.uint8)
    width, height = side * rng.uniform(0.62, 1.12, 2)
    left, top = (side - width) * rng.random(), (side - height) * rng.random()
    corners = np.array([(left, top), (left + width, top), (left + width, top + height), (left, top + height)])
    if rng.random() < 0.5:
        corners += rng.normal(0, side * 0.03, (4, 2))
    if rng.random() < 0.3:
        angle = rng.normal(0, 0.12)
        turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
        corners = (corners - side / 2) @ turn + side / 2
    target = np.array([(0, 0), (INPUT, 0), (INPUT, INPUT), (0, INPUT)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    border = (cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT)[int(rng.random() < 0.3)]
    fill = tuple(float(value) for value in rng.integers(0, 256, 3))
    return np.asarray(
        cv2.warpPerspective(
            picture, matrix, (INPUT, INPUT), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=fill
        ),
        np.uint8,
    )


def onto(rng: np.random.Generator, picture: Picture, behind: Picture) -> Picture:
    """The picture as if it lay, hung or was shown on a screen in the scene of a photo, filling most of it."""
    side = picture.shape[0]
    share = rng.uniform(0.6, 0.95, 2)
    offset = rng.uniform(0, 1, 2) * (1 - share)
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * share + offset + rng.normal(0, 0.025, (4, 2))
    target = (corners * side).astype(np.float32)
    source = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    scene = behind.copy()
    cv2.warpPerspective(picture, matrix, (side, side), dst=scene, borderMode=cv2.BORDER_TRANSPARENT)
    return scene


def recoloured(rng: np.random.Generator, picture: Picture) -> Picture:
    """Dark mode, grey, tinted paper, exchanged channels, contrast and brightness: one or two of them."""
    values = picture.astype(np.float32)
    if rng.random() < 0.25:
        values = 255 - values
    choice = rng.random()
    if choice < 0.2:
        values = np.repeat(values @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, axis=2)
    elif choice < 0.4:
        values = values[:, :, rng.permutation(3)]
    if rng.random() < 0.4:
        # White becomes any colour, black any darker one: paper and ink of all kinds.
        light = rng.uniform(110, 255, 3).astype(np.float32)
        dark = (light * rng.uniform(0, 0.45, 3)).astype(np.float32)
        values = dark + values * ((light - dark) / np.float32(255))
    if rng.random() < 0.4:
        contrast, brightness = np.float32(rng.uniform(0.5, 1.3)), np.float32(rng.normal(0, 25))
        values = (values - np.float32(128)) * contrast + np.float32(128) + brightness
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def degraded(rng: np.random.Generator, picture: Picture) -> Picture:
    """Blur, fewer pixels, noise, JPEG of any quality: what copying does to pictures."""
    side = picture.shape[0]
    if rng.random() < 0.2:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.3)), np.uint8)
    if rng.random() < 0.2:
        small = int(side * rng.uniform(0.5, 0.95))
        shrunk = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        picture = np.asarray(cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
    if rng.random() < 0.2:
        noise = rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(rng.uniform(2, 18))
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = int(rng.integers(15, 96))
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return picture


def augmented(rng: np.random.Generator, picture: Picture, scenes: Sequence[Picture]) -> Picture:
    """One training view of a picture: uint8 RGB `INPUT` x `INPUT`."""
    if rng.random() < 0.12:
        picture = onto(rng, picture, scenes[int(rng.integers(len(scenes)))])
    picture = view(rng, picture)
    if rng.random() < 0.7:
        picture = recoloured(rng, picture)
    return degraded(rng, picture)
