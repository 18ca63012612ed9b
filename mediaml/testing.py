"""Frames, media and a model runner for unit tests of plugins.

    from mediaml.testing import frame, run_model

    def test_red():
        [prediction] = run_model(spec, [frame((255, 0, 0))])
        assert prediction.labels[0].name == "red"

Everything is made in memory and is the same every time. Importing this module is light.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from mediaml.core.arrays import Array, UInt8Array
from mediaml.core.audio_input import AudioInput
from mediaml.core.clip_input import ClipInput
from mediaml.core.errors import ModelError, require
from mediaml.core.frame import Fit, Frame, Resample
from mediaml.core.media import Kind, MediaInfo
from mediaml.core.prediction import Prediction
from mediaml.registry.spec import LoadContext, Model, ModelSpec, NoOptions

if TYPE_CHECKING:
    from mediaml.pipeline.models import ResolvedModel

__all__ = ["clip", "cut_clips", "frame", "run_model", "tone"]

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class _ArrayPixels:
    """Pixels of an array: uint8 RGB [height, width, 3]."""

    pixels: UInt8Array = field(repr=False)

    def image(self) -> UInt8Array:
        return self.pixels

    def fitted(
        self, width: int, height: int, fit: Fit, *, pad: int = 114, resample: Resample = "bilinear"
    ) -> UInt8Array:
        from mediaml.ops.fitting import fit_image

        return fit_image(self.pixels, width, height, fit, pad=pad, resample=resample)


def frame(
    image: Array | Colour = (128, 128, 128),
    *,
    width: int = 64,
    height: int = 48,
    index: int = 0,
    time_s: float = 0.0,
    kind: Kind = Kind.IMAGE,
) -> Frame:
    """A frame as a model gets it.

    Args:
        image: uint8 RGB [height, width, 3] or grey [height, width]; or one colour (red, green, blue), 0..255.
        width, height: pixels, where `image` is a colour.
        index, time_s: place in its file; seconds.
        kind: of the file that it seems to come from.

    Raises:
        ValueError: the array is of another type or shape.
    """
    pixels = np.asarray(image)
    if isinstance(image, tuple):
        pixels = np.full((height, width, 3), image, np.uint8)
    require(pixels.dtype == np.uint8, f"an image is uint8, not {pixels.dtype}")
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    require(pixels.ndim == 3 and pixels.shape[2] == 3, f"an image is [h, w, 3] or [h, w], not {pixels.shape}")
    name = "frame.png" if kind is Kind.IMAGE else "clip.mp4"
    info = MediaInfo(name, kind)
    tall, wide = pixels.shape[:2]
    return Frame(index, time_s, 0.0, info, wide, tall, _ArrayPixels(np.ascontiguousarray(pixels)))


def clip(
    frames: int = 8, *, width: int = 160, height: int = 96, fps: float = 25.0, square: int = 32
) -> list[Frame]:
    """The frames of a video: a white square on black that moves 2 pixels to the right with each frame.

    Its left edge is at `2 * index` pixels, and it comes in again at the left; it is centred vertically.

    Args:
        frames: their number. width, height: pixels. fps: frames per second. square: its side, pixels.

    Raises:
        ValueError: the square is larger than the picture.
    """
    require(0 < square <= min(width, height), f"a square of {square} pixels is not in {width}x{height}")
    made = []
    for index in range(frames):
        image = np.zeros((height, width, 3), np.uint8)
        left, top = (2 * index) % (width - square + 1), (height - square) // 2
        image[top : top + square, left : left + square] = 255
        one = frame(image, index=index, time_s=index / fps, kind=Kind.VIDEO)
        made.append(replace(one, duration_s=1 / fps))
    return made


def cut_clips(frames: Sequence[Frame], spec: ClipInput) -> list[Frame]:
    """The clips of the frames of a file, as a run cuts them: a `Frame` each, its frames in `clip`."""
    from mediaml.media.clips import clips_of

    return list(clips_of(frames, spec))


def tone(
    frequency: float = 440.0, *, seconds: float = 1.0, level: float = 0.4, audio: AudioInput | None = None
) -> list[Frame]:
    """The windows of a sine wave, as the reader of audio files cuts them.

    Args:
        frequency: Hz; 0 is silence. seconds: length. level: amplitude, 0..1.
        audio: windows and features; those of the model that is tested.
    """
    from mediaml.media.reader import open_reader

    rate = 48_000
    times = np.arange(max(1, round(seconds * rate))) / rate
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tone.wav"
        write_wav(path, level * np.sin(2 * np.pi * frequency * times), rate)
        with open_reader(path, Kind.AUDIO, audio=audio or AudioInput()) as reader:
            return [replace(one, media=replace(one.media, path=path.name)) for one in reader.frames()]


def write_wav(path: Path, samples: Array, rate: int) -> None:
    """Write samples [n] or [n, channels] in -1..1 as 16-bit PCM."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1] if samples.ndim == 2 else 1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).round().astype("<i2").tobytes())


def run_model(
    model: ModelSpec | Model | Callable[[LoadContext], Model],
    frames: Sequence[Frame],
    *,
    options: Any = None,
    weights: str | Path | None = None,
    device: str = "cpu",
    threads: int | None = 1,
    batch: int | None = None,
) -> list[Prediction]:
    """What a model answers, one prediction per frame, as a run would keep and show it.

    For a model that takes clips the frames are those of one file, and there is one prediction per clip.

    Options that only select are at their floor while the model runs, and select afterwards, as in a run.

    Args:
        model: a `ModelSpec`; or what its `load` is, such as a class derived from `OnnxModel`; or a loaded
            model.
        frames: see `frame`, `clip` and `tone`; or those of `mediaml.open_media`.
        options: values by name, as after `-O`; or an instance of the options class, which is needed where
            `model` is not a `ModelSpec`. Defaults for the rest.
        weights: as after `-m`; `None` takes those of the spec.
        device: `cpu`, `cuda`, `auto`. threads: of ONNX Runtime. batch: frames per batch; `None` decides.

    Raises:
        OptionError: an option is unknown or out of its range.
        ModelError: the weights are missing or do not fit.
        PluginError: the model does not load, or does not give one answer per frame.
    """
    from mediaml.core.view import select
    from mediaml.onnx.providers import parse_device
    from mediaml.pipeline.direct import predict_frames
    from mediaml.pipeline.models import load_model, resolved_view

    spec = model if isinstance(model, ModelSpec) else _spec_of(model, options)
    resolved = _resolved(spec, options, weights)
    loaded = load_model(resolved, parse_device(device), threads=threads, batch=batch, warn=lambda _: None)
    view = resolved_view(resolved, loaded.labels)
    if loaded.clip is not None and any(one.clip is None and one.samples is None for one in frames):
        frames = cut_clips(frames, loaded.clip)
    return [select(prediction, view) for prediction in predict_frames(loaded, frames)]


def _spec_of(model: Model | Callable[[LoadContext], Model], options: Any) -> ModelSpec:
    """A spec for a model that stands alone."""
    loaded = not isinstance(model, type) and callable(getattr(model, "predict", None))
    load: Any = (lambda _: model) if loaded else model
    kind = type(options) if is_dataclass(options) and not isinstance(options, type) else NoOptions
    return ModelSpec("model", "classify", load, frozenset(Kind), kind, audio=AudioInput())


def _resolved(spec: ModelSpec, options: Any, weights: str | Path | None) -> ResolvedModel:
    import msgspec

    from mediaml.pipeline.models import Choice, resolve_model
    from mediaml.registry.entry_points import Offer, PluginRecord
    from mediaml.registry.options import build_options

    if weights is not None and not Path(weights).exists():
        raise ModelError(f"the weights {weights} do not exist.")
    if options is None or isinstance(options, Mapping):
        texts = {
            name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
            for name, value in (options or {}).items()
        }
        options = build_options(spec, texts)
    record = PluginRecord(spec.name, "", "", spec.module)
    return resolve_model(Choice(Offer(spec, record), options, None if weights is None else Path(weights)))
