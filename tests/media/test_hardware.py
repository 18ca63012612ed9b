"""`--decode`: NVDEC is asked for and verified; no GPU is needed here, where PyAV's hardware stands in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from mediaml.core.errors import DeviceError, MediaError
from mediaml.core.media import Kind
from mediaml.media import hardware
from mediaml.media.hardware import open_decoding, require_decoder
from mediaml.media.limits import Limits
from mediaml.media.reader import open_reader
from scripts.paths import DEMO_CLIP


def has_cuda() -> bool:
    try:
        require_decoder("cuda")
    except DeviceError:
        return False
    return True


def first_image(decode: Any) -> np.ndarray:
    with open_reader(DEMO_CLIP, Kind.VIDEO, limits=Limits(decode=decode)) as reader:
        return next(iter(reader.frames())).image


def test_auto_decodes_everywhere_with_the_same_pixels() -> None:
    difference = np.abs(first_image("auto").astype(int) - first_image("cpu").astype(int))
    assert difference.max() <= (2 if has_cuda() else 0)


def test_cuda_is_obtained_or_refused(mediaml: Any) -> None:
    said = mediaml("run", "-p", "yolo", DEMO_CLIP, "--no-annotate", "--decode", "cuda", "-q")
    assert said.code == (0 if has_cuda() else 3)
    if not has_cuda():
        assert said.err.startswith("mediaml: --decode cuda cannot be used: FFmpeg opens no CUDA device (")
        assert "--decode cpu" in said.err
        with pytest.raises(MediaError):
            first_image("cuda")


class Asked:
    """PyAV's `HWAccel` on a machine with a GPU."""

    def __init__(self, device: str, *, allow_software_fallback: bool) -> None:
        assert device == "cuda"
        self.falls_back = allow_software_fallback


class Container:
    """An open file whose decoder says where it is."""

    def __init__(self, *, on_gpu: bool) -> None:
        context = SimpleNamespace(is_hwaccel=on_gpu)
        self.streams = SimpleNamespace(video=[SimpleNamespace(codec_context=context)])
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_a_decoder_that_is_not_on_the_gpu_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    container = Container(on_gpu=False)
    monkeypatch.setattr(hardware, "HWAccel", Asked)
    monkeypatch.setattr(av, "open", lambda *_, hwaccel, **__: container)
    with pytest.raises(MediaError, match=r"a\.mp4 cannot be decoded on the GPU"):
        open_decoding("cuda", "a.mp4", "a.mp4")
    assert container.closed
    assert open_decoding("auto", "a.mp4", "a.mp4") is container


def test_a_decoder_on_the_gpu_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    container = Container(on_gpu=True)

    def opened(*_: object, hwaccel: Any, **__: object) -> Container:
        asked.append(hwaccel)
        return container

    monkeypatch.setattr(hardware, "HWAccel", Asked)
    monkeypatch.setattr(av, "open", opened)
    for decode in ("cuda", "auto", "cpu"):
        assert open_decoding(decode, "a.mp4", "a.mp4") is container
    assert [one and one.falls_back for one in asked] == [False, True, None]
