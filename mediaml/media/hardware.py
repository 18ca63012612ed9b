"""Decoding of video on an NVIDIA GPU (NVDEC), through FFmpeg's hardware contexts."""

from __future__ import annotations

from typing import Any

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer

from mediaml.core.errors import DeviceError, MediaError
from mediaml.media.limits import Decode

_DEVICE = "cuda"


def require_decoder(decode: Decode) -> None:
    """Check that a decoder that was asked for by name can be used at all.

    Raises:
        DeviceError: there is no such device.
    """
    if decode != "cuda":
        return
    try:
        HWAccel(_DEVICE, allow_software_fallback=False).create(av.Codec("h264", "r"))
    except Exception as error:
        raise DeviceError(
            f"--decode cuda cannot be used: FFmpeg opens no CUDA device ({_reason(error)})",
            "Check `mediaml doctor` and `nvidia-smi`, or decode with --decode cpu.",
        ) from error


def open_decoding(decode: Decode, path: object, file: Any, **how: Any) -> InputContainer:
    """`av.open`, with the video's decoder where it was asked for.

    Raises:
        MediaError: `cuda` was asked for, and the video is not decoded there.
        FFmpegError, OSError: see `av.open`.
    """
    if decode == "cpu":
        return _opened(file, how)
    if decode == "auto":
        try:
            return _opened(file, how, HWAccel(_DEVICE, allow_software_fallback=True))
        except (av.FFmpegError, NotImplementedError):
            # No GPU, or none that takes this codec. A file that is opened again is at its start.
            return _opened(_at_start(file), how)
    try:
        container = _opened(file, how, HWAccel(_DEVICE, allow_software_fallback=False))
    except NotImplementedError as error:
        raise _not_there(path) from error
    if not decodes_on_gpu(container):
        container.close()
        raise _not_there(path)
    return container


def decodes_on_gpu(container: InputContainer) -> bool:
    """Whether the decoder of every video in the container, as it says itself, is on the GPU."""
    contexts = [stream.codec_context for stream in container.streams.video if stream.codec_context]
    return all(context.is_hwaccel for context in contexts)


def _opened(file: Any, how: dict[str, Any], hwaccel: HWAccel | None = None) -> InputContainer:
    container: InputContainer = av.open(file, mode="r", hwaccel=hwaccel, **how)
    return container


def _at_start(file: Any) -> Any:
    if hasattr(file, "seek"):
        file.seek(0)
    return file


def _not_there(path: object) -> MediaError:
    return MediaError(
        f"{path} cannot be decoded on the GPU: it does not take its codec.", "Use --decode auto."
    )


def _reason(error: Exception) -> str:
    """FFmpeg's own last word, such as `[CUDA] Could not dynamically load CUDA`."""
    text = str(error)
    return text.rpartition("last error log: ")[2].strip() or type(error).__name__
