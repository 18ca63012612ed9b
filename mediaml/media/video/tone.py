"""High dynamic range (PQ and HLG) to standard range, by a 3D lookup table that FFmpeg's `lut3d` applies.

Source: ITU-R BT.2390-10, 5.4.1 (EETF: the knee that leaves dark and middle tones as they are), on the largest
of R, G and B, which keeps the hue; reference white is 203 cd/m2 (ITU-R BT.2408-7, 2.2). libplacebo does the
same on another axis. PyAV's wheels have neither zscale nor libplacebo.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import Type
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from mediaml.core.arrays import Float64Array
from mediaml.media.limits import Limits
from mediaml.media.video.side_data import side_data_of

PQ, HLG = 16, 18  # TransferCharacteristics of ITU-T H.273, table 3
WHITE = 203.0  # cd/m2 of diffuse white
USUAL_PEAK = 1000.0  # cd/m2, where the stream does not say how bright it gets
SIZE = 33  # entries along each axis of the table
# BT.2020 to BT.709 primaries in linear light: ITU-R BT.2087-0, annex 2.
TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
)
BT709_PRIMARIES = 1
# SMPTE ST 2084, equations 4.1 and 5.2.
M1, M2, C1, C2, C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128


@dataclass(frozen=True, slots=True)
class Grade:
    """How a stream's signal is to be read.

    Attributes:
        transfer: TransferCharacteristics, `PQ` or `HLG`.
        peak: cd/m2 of the brightest content.
        wide: whether the primaries are those of BT.2020.
    """

    transfer: int
    peak: float
    wide: bool

    @classmethod
    def of(cls, frame: VideoFrame) -> Grade | None:
        """What a decoded frame says; `None` where it is of standard range."""
        if frame.color_trc not in (PQ, HLG):
            return None
        peak = _stated_peak(frame) if frame.color_trc == PQ else None
        return cls(frame.color_trc, max(peak or USUAL_PEAK, WHITE), frame.color_primaries != BT709_PRIMARIES)


def _stated_peak(frame: VideoFrame) -> float | None:
    """MaxCLL (CTA-861.3), else the luminance of the display that the film was graded on (SMPTE ST 2086)."""
    found = {data.type: bytes(data) for data in side_data_of(frame)}
    light, display = found.get(Type.CONTENT_LIGHT_LEVEL), found.get(Type.MASTERING_DISPLAY_METADATA)
    if light and (level := struct.unpack_from("=I", light)[0]):
        return float(level)
    if display and len(display) >= 88:
        # AVMasteringDisplayMetadata: ten rationals for the colours, darkest and brightest; then two flags.
        numerator, denominator = struct.unpack_from("=ii", display, 72)
        has_luminance = struct.unpack_from("=i", display, 84)[0]
        if has_luminance and numerator > 0 and denominator > 0:
            return float(numerator / denominator)
    return None


def pq_to_light(signal: Float64Array) -> Float64Array:
    """PQ signal 0..1 to light in cd/m2: the EOTF of SMPTE ST 2084."""
    power = signal ** (1 / M2)
    return 10_000 * (np.maximum(power - C1, 0) / (C2 - C3 * power)) ** (1 / M1)


def light_to_pq(light: Float64Array) -> Float64Array:
    """Light in cd/m2 to PQ signal 0..1."""
    power = (np.maximum(light, 0) / 10_000) ** M1
    return ((C1 + C2 * power) / (1 + C3 * power)) ** M2


def hlg_to_light(signal: Float64Array, peak: float) -> Float64Array:
    """HLG signals [..., 3] to light in cd/m2 on a display of some peak: ITU-R BT.2100-2, table 5."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luma = scene @ np.array([0.2627, 0.6780, 0.0593])
    gamma = 1.2 + 0.42 * np.log10(peak / 1000)
    return cast(Float64Array, peak * np.maximum(luma, 1e-9)[..., None] ** (gamma - 1) * scene)


def compressed(light: Float64Array, peak: float) -> Float64Array:
    """Light of at most `peak` to light of at most `WHITE`, both cd/m2: the EETF of BT.2390."""
    top = light_to_pq(np.float64(peak))  # type: ignore[arg-type]
    largest = light_to_pq(np.float64(WHITE)) / top  # type: ignore[arg-type]
    signal = np.minimum(light_to_pq(light) / top, 1)
    knee = max(0.0, 1.5 * float(largest) - 0.5)
    t = (signal - knee) / max(1 - knee, 1e-9)
    above = (2 * t**3 - 3 * t**2 + 1) * knee
    above += (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * largest
    return pq_to_light(np.where(signal < knee, signal, above) * top)


def lut_of(grade: Grade, size: int = SIZE) -> Float64Array:
    """R'G'B' of the stream to that of sRGB (IEC 61966-2-1), float64 [red, green, blue, 3] in 0..1."""
    axis = np.linspace(0, 1, size)
    signal = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    light = pq_to_light(signal) if grade.transfer == PQ else hlg_to_light(signal, grade.peak)
    brightest = light.max(axis=-1, keepdims=True)
    linear = light * compressed(brightest, grade.peak) / np.maximum(brightest, 1e-9) / WHITE
    if grade.wide:
        linear = linear @ TO_BT709.T
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return cast(Float64Array, encoded)


class ToneMapper:
    """Applies the table of one stream to frames; may be used by several threads, one at a time."""

    def __init__(self, grade: Grade) -> None:
        self._table = lut_of(grade)
        self._graphs: dict[tuple[int, int, str], Graph] = {}
        self._lock = threading.Lock()

    def apply(self, frame: VideoFrame) -> VideoFrame:
        """A frame in planar RGB of any depth (`gbrp`, `gbrp10le`) to sRGB in the same format."""
        key = (frame.width, frame.height, frame.format.name)
        with self._lock:
            graph = self._graphs.get(key)
            if graph is None:
                self._graphs.clear()
                graph = self._graphs[key] = self._graph(*key)
            graph.push(frame)
            return cast(VideoFrame, graph.pull())

    def _graph(self, width: int, height: int, pix_fmt: str) -> Graph:
        graph = Graph()
        source: Any = graph.add_buffer(
            width=width, height=height, format=VideoFormat(pix_fmt), time_base=Fraction(1, 1_000_000)
        )
        with TemporaryDirectory(prefix="mediaml-") as folder:
            cube = Path(folder) / "tone.cube"
            with cube.open("w") as file:
                file.write(f"LUT_3D_SIZE {SIZE}\n")
                np.savetxt(file, self._table.transpose(2, 1, 0, 3).reshape(-1, 3), fmt="%.6f")
            name = str(cube).replace("\\", "/").replace(":", "\\:")
            mapping = graph.add("lut3d", file=name, interp="tetrahedral")
            graph.link_nodes(source, mapping, graph.add("buffersink")).configure()
        return graph


def tone_of(frame: VideoFrame, limits: Limits) -> ToneMapper | None:
    """The mapping that a stream needs, by its first frame; `None` where it needs or may have none."""
    grade = Grade.of(frame) if limits.tone_map else None
    return None if grade is None else ToneMapper(grade)
