"""High dynamic range as the formulas of ITU-R BT.2100 and BT.2390 map it, pixel by pixel in float64."""

from __future__ import annotations

import subprocess
from collections.abc import Container, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import Float64Array, UInt8Array
from scripts.reliability.colours import Planes

TRANSFERS = frozenset({"smpte2084", "arib-std-b67"})
"""Of high dynamic range, by ffprobe's names: PQ and HLG."""
_WHITE, _PEAK = 203.0, 1000.0
# x and y of red, green, blue and white (ITU-R BT.2020-2 and BT.709-6).
_BT2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290))
_BT709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), (0.3127, 0.3290))


def mapped(path: Path, frame: dict[str, Any], wanted: Container[int]) -> Iterator[UInt8Array | None]:
    """The frames of a file in BT.2020 as uint8 sRGB [height, width, 3]; `None` for those not wanted.

    Args:
        frame: the first one, as ffprobe describes it.
    """
    planes = Planes.of(frame)
    assert planes is not None
    call = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-f", "rawvideo", "-"]
    is_pq, peak = frame["color_transfer"] == "smpte2084", max(_peak(frame), _WHITE)
    with subprocess.Popen(call, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        number = 0
        while len(data := process.stdout.read(planes.size)) == planes.size:
            image = None
            if number in wanted:
                signal = planes.signal(data, planes.width, planes.height)
                image = _shown(_from_pq(signal) if is_pq else _from_hlg(signal), peak)
            yield image
            number += 1


def _peak(frame: dict[str, Any]) -> float:
    """cd/m2 of the brightest content, else of the display that it was graded on."""
    found = {data["side_data_type"]: data for data in frame.get("side_data_list", [])}
    if frame["color_transfer"] != "smpte2084":
        return _PEAK
    light = float(found.get("Content light level metadata", {}).get("max_content", 0))
    display = Fraction(found.get("Mastering display metadata", {}).get("max_luminance", 0))
    return light or float(display) or _PEAK


def _shown(light: Float64Array, peak: float) -> UInt8Array:
    """Light of BT.2020, cd/m2, to sRGB: the EETF on the largest of R, G and B, whose hue stays."""
    largest = light.max(axis=-1, keepdims=True)
    linear = light * np.where(largest > 0, _eetf(largest, peak) / np.maximum(largest, 1e-9), 1) / _WHITE
    linear = np.clip(linear @ (np.linalg.inv(_to_xyz(_BT709)) @ _to_xyz(_BT2020)).T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    result: UInt8Array = np.rint(encoded * 255).astype(np.uint8)
    return result


def _eetf(light: Float64Array, peak: float) -> Float64Array:
    """ITU-R BT.2390-10, 5.4.1, with black at 0."""
    most = _pq(np.array(_WHITE)) / _pq(np.array(peak))
    e1 = np.clip(_pq(light) / _pq(np.array(peak)), 0, 1)
    ks = np.maximum(1.5 * most - 0.5, 0)
    t = (e1 - ks) / np.maximum(1 - ks, 1e-9)
    spline = (2 * t**3 - 3 * t**2 + 1) * ks + (t**3 - 2 * t**2 + t) * (1 - ks) + (3 * t**2 - 2 * t**3) * most
    return _from_pq(np.where(e1 < ks, e1, spline) * _pq(np.array(peak)))


def _from_pq(signal: Float64Array) -> Float64Array:
    """SMPTE ST 2084, equation 4.1."""
    power = signal ** (32 / 2523)
    share = np.maximum(power - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * power)
    result: Float64Array = 10_000 * share ** (16384 / 2610)
    return result


def _from_hlg(signal: Float64Array) -> Float64Array:
    """ITU-R BT.2100-2, table 5: the inverse OETF and the OOTF of a display of 1000 cd/m2."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    result: Float64Array = _PEAK * np.maximum(luminance, 1e-9)[..., None] ** 0.2 * scene
    return result


def _pq(light: Float64Array) -> Float64Array:
    """SMPTE ST 2084, equation 5.2."""
    power = (light / 10_000) ** (2610 / 16384)
    result: Float64Array = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    return result


def _to_xyz(points: tuple[tuple[float, float], ...]) -> Float64Array:
    """From linear RGB of some primaries to XYZ (SMPTE RP 177)."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in points]).T
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])
