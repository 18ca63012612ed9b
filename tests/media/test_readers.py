"""One suite over every reader and every kind of file: what holds for all of them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import MediaError
from mediaml.core.frame import Fit, Frame, Resample
from mediaml.core.media import Kind
from mediaml.media.reader import Reader, open_reader
from mediaml.media.sniff import sniff_kind
from tests.support.media.material import numbered, quartered, write_sound, write_video

AUDIO_INPUT = AudioInput()
Maker = Callable[[Path], Path]


def picture(ending: str) -> Maker:
    def make(folder: Path) -> Path:
        path = folder / f"ein Bild äöü.{ending}"
        path.write_bytes(cv2.imencode(f".{ending}", quartered(60, 40)[..., ::-1])[1].tobytes())
        return path

    return make


def video(name: str, **how: object) -> Maker:
    return lambda folder: write_video(folder / name, **how)  # type: ignore[arg-type]


def sound(name: str, codec: str, **how: object) -> Maker:
    return lambda folder: write_sound(folder / name, codec=codec, **how)  # type: ignore[arg-type]


UNEVEN = (0, 40, 50, 200, 240, 1000, 1040)
MADE: dict[str, tuple[Kind, Maker]] = {
    "jpeg": (Kind.IMAGE, picture("jpg")),
    "png": (Kind.IMAGE, picture("png")),
    "webp": (Kind.IMAGE, picture("webp")),
    "bmp": (Kind.IMAGE, picture("bmp")),
    "tiff": (Kind.IMAGE, picture("tiff")),
    "mp4": (Kind.VIDEO, video("a.mp4")),
    "mp4 with sound": (Kind.VIDEO, video("a.mp4", sound_s=1.0)),
    "fragmented mp4": (
        Kind.VIDEO,
        video("a.mp4", container_options={"movflags": "frag_keyframe+empty_moov"}),
    ),
    "turned mov": (Kind.VIDEO, video("a.mov", turn=90)),
    "oblong pixels": (Kind.VIDEO, video("a.mp4", aspect=Fraction(4, 3))),
    "variable rate mkv": (Kind.VIDEO, video("a.mkv", times_ms=UNEVEN)),
    "late start": (Kind.VIDEO, video("a.mkv", times_ms=tuple(range(1000, 2000, 40)))),
    "avi": (Kind.VIDEO, video("a.avi", codec="mpeg4")),
    "webm": (Kind.VIDEO, video("a.webm", codec="libvpx-vp9", options={"deadline": "realtime"})),
    "transport stream": (Kind.VIDEO, video("a.ts")),
    "10 bit": (Kind.VIDEO, video("a.mp4", pix_fmt="yuv420p10le")),
    "wav": (Kind.AUDIO, sound("a.wav", "pcm_s16le")),
    "wav 24 bit": (Kind.AUDIO, sound("a.wav", "pcm_s24le", rate=16_000, layout="mono")),
    "flac": (Kind.AUDIO, sound("a.flac", "flac")),
    "mp3": (Kind.AUDIO, sound("a.mp3", "libmp3lame")),
    "opus": (Kind.AUDIO, sound("a.ogg", "libopus", rate=48_000)),
    "m4a": (Kind.AUDIO, sound("a.m4a", "aac")),
    "sound of a video": (Kind.AUDIO, video("a.mp4", sound_s=1.7)),
}
SHARED = (
    "image/dog.jpg", "image/exif_orientation/Landscape_6.jpg", "image/pngsuite/pngsuite/basn6a16.png",
    "video/av1_video.mkv", "video/corrupted.mp4", "video/delayed_start.mp4",
    "video/h265_10bits.mp4", "video/nasa_13013.mp4", "video/test.avi",
    "video/unordered.mov", "video/var_fps_video.mp4", "video/video_90.mov", "video/video_180.mov",
    "video/video_270.mov", "audio/sine_mono_s32_8000.wav",
)  # fmt: skip


@pytest.fixture(scope="module", params=[*MADE, *SHARED])
def media(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Kind]:
    """A file, rendered or shared, and what it is read as."""
    name: str = request.param
    if name in MADE:
        kind, make = MADE[name]
        return make(tmp_path_factory.mktemp("media")), kind
    path = request.getfixturevalue("assets") / "media" / name
    return path, {"image": Kind.IMAGE, "video": Kind.VIDEO, "audio": Kind.AUDIO}[
        name.split("/", maxsplit=1)[0]
    ]


def opened(media: tuple[Path, Kind]) -> Reader:
    return open_reader(*media, audio=AUDIO_INPUT)


Seen = tuple[int, float, float, int, int, str]


def seen(frame: Frame) -> Seen:
    """All that a consumer can see of a frame."""
    pixels = hashlib.sha256(frame.fitted(24, 16, "stretch").tobytes()).hexdigest()
    return frame.index, frame.time_s, frame.duration_s, frame.width, frame.height, pixels


@pytest.fixture(scope="module")
def full(media: tuple[Path, Kind]) -> list[Seen]:
    with opened(media) as reader:
        return [seen(frame) for frame in reader.frames()]


def test_kind_is_told_by_content(media: tuple[Path, Kind]) -> None:
    path, kind = media
    sniffed = sniff_kind(path)
    assert sniffed is kind or (kind is Kind.AUDIO and sniffed is Kind.VIDEO)


def test_times_and_indices(full: list[Seen]) -> None:
    assert full
    assert [index for index, *_ in full] == list(range(len(full)))
    times = [time_s for _, time_s, *_ in full]
    assert times == sorted(times)
    assert all(duration_s >= 0 for _, _, duration_s, *_ in full)


def test_frames_agree_with_the_header(media: tuple[Path, Kind], full: list[Seen]) -> None:
    with opened(media) as reader:
        info, frame = reader.info, next(iter(reader.frames()))
    assert info.kind is media[1]
    assert frame.media is info
    assert frame.image.shape == (frame.height, frame.width, 3)
    assert frame.image.dtype == np.uint8
    if info.kind is Kind.AUDIO:
        assert frame.spectrogram is not None
        assert frame.spectrogram.shape == (AUDIO_INPUT.mels, AUDIO_INPUT.steps) == (frame.height, frame.width)
    else:
        assert (frame.width, frame.height) == (info.width, info.height)
    if info.duration_s is not None:
        assert full[-1][1] <= info.duration_s + 0.05


def test_accounts_match(media: tuple[Path, Kind], full: list[Seen]) -> None:
    with opened(media) as reader:
        assert reader.accounts.decoded == 0
        count = 0
        for count, _ in enumerate(reader.frames(), start=1):
            assert reader.accounts.decoded == count
        accounts = reader.accounts
    assert count == len(full) == accounts.decoded
    # One packet cannot be decoded, and the decoder flags one frame that is predicted from it.
    is_damaged = media[0].name == "corrupted.mp4"
    assert accounts.corrupt == (2 if is_damaged else 0)
    if accounts.expected is not None:
        assert accounts.decoded + is_damaged == accounts.expected
    assert reader.accounts == accounts


def test_same_frames_again(media: tuple[Path, Kind], full: list[Seen]) -> None:
    with opened(media) as reader:
        next(iter(reader.frames()))
        assert [seen(frame) for frame in reader.frames()] == full


@pytest.mark.parametrize("part", [0.3, 0.62, 1.5])
def test_a_start_gives_the_rest_of_a_full_pass(
    media: tuple[Path, Kind], full: list[Seen], part: float
) -> None:
    start_s = part * full[-1][1] if full[-1][1] else part
    expected = [frame for frame in full if frame[1] >= start_s]
    with opened(media) as reader:
        assert [seen(frame) for frame in reader.frames(start_s)] == expected
        assert reader.accounts.decoded == len(expected)


def test_fitted_shapes(media: tuple[Path, Kind]) -> None:
    with opened(media) as reader:
        frame = next(iter(reader.frames()))
    for fit in get_args(Fit):
        for size in ((32, 20), (1, 1), (17, 31)):
            for resample in get_args(Resample):
                fitted = frame.fitted(*size, fit, pad=7, resample=resample)
                assert fitted.shape == (size[1], size[0], 3)
                assert fitted.dtype == np.uint8
                assert fitted.flags.c_contiguous


def test_fitted_to_its_own_size_is_the_image(media: tuple[Path, Kind]) -> None:
    with opened(media) as reader:
        frame = next(iter(reader.frames()))
    np.testing.assert_array_equal(frame.fitted(frame.width, frame.height, "letterbox"), frame.image)


def test_pixels_outlive_the_reader(media: tuple[Path, Kind]) -> None:
    with opened(media) as reader:
        frame = next(iter(reader.frames()))
        inside = frame.image
    np.testing.assert_array_equal(frame.image, inside)


def test_nobody_can_spoil_the_pixels(media: tuple[Path, Kind]) -> None:
    with opened(media) as reader:
        frame = next(iter(reader.frames()))
    before = frame.image.copy()
    frame.image[:] = 3
    frame.fitted(frame.width, frame.height, "stretch")[:] = 3
    np.testing.assert_array_equal(frame.image, before)


def test_close_twice_and_read_never(media: tuple[Path, Kind]) -> None:
    reader = opened(media)
    unfinished = reader.frames()
    next(unfinished)
    reader.close()
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        next(iter(reader.frames()))


def test_wrong_kind_is_a_clear_error(media: tuple[Path, Kind]) -> None:
    path, kind = media
    wrong = Kind.VIDEO if kind is not Kind.VIDEO else Kind.IMAGE
    if sniff_kind(path) is wrong:
        pytest.skip("the sound of a video can be read as video")
    with pytest.raises(MediaError) as caught, open_reader(path, wrong) as reader:
        list(reader.frames())
    assert str(path) in caught.value.message
    assert len(str(caught.value).splitlines()) <= 2


def test_sound_needs_a_description(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="AudioInput"):
        open_reader(tmp_path / "a.wav", Kind.AUDIO)


def test_numbers_survive() -> None:
    from tests.support.media.material import number_in

    assert [number_in(numbered(number, 64, 48)) for number in (0, 1, 255, 4095)] == [0, 1, 255, 4095]


def test_threads_may_open_files_of_every_kind_at_once() -> None:
    """PyAV's modules import one another in a circle; the first files come from several threads at once."""
    script = """
import sys, threading
from pathlib import Path
from typing import get_args
from mediaml.core.audio_input import AudioInput
from mediaml.media.reader import open_reader
from mediaml.media.sniff import sniff_kind
from mediaml.core.media import Kind

clip, together, failed = Path(sys.argv[1]), threading.Barrier(6), []

def work(number):
    together.wait()
    try:
        if number % 3 == 0:
            open_reader(clip, Kind.VIDEO).close()
        elif number % 3 == 1:
            open_reader(clip, Kind.AUDIO, audio=AudioInput()).close()
        else:
            sniff_kind(clip)
    except BaseException as error:
        failed.append(repr(error))

threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(failed)
"""
    command = [sys.executable, "-c", script, str(Path(__file__).with_name("demo.mp4"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
