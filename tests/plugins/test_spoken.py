"""The plugin `spoken`: one answer a digit, no matter how the sound was cut, sampled or wrapped."""

from __future__ import annotations

import io
import tarfile
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediaml.core.errors import ModelError
from mediaml.media.reader import open_reader
from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import open_session
from mediaml.ops.spectrogram import log_mel
from mediaml.plugin import Frame, Kind, Label, LoadContext, MediaInfo
from mediaml.store.bundled import bundled_folder, bundled_model
from mediaml_spoken import AUDIO_INPUT, SpokenOptions, mediaml_models
from mediaml_spoken.model import SpokenModel, edges
from mediaml_spoken.peaks import OWN, own_rows, peaks, rest

ROWS, LABELS = 30, 12
Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def model() -> SpokenModel:
    return load(SpokenOptions())


def load(options: SpokenOptions) -> SpokenModel:
    context = LoadContext(
        options=options,
        weights=bundled_model("spoken"),
        session_opener=lambda path: open_session(path, parse_device("cpu"), threads=1),
        warn=lambda line: None,
    )
    return SpokenModel(context)


def track_of(*bumps: tuple[int, int, float], rows: int = ROWS) -> Floats:
    """A track with digits at rows: (row, digit, score), else silence."""
    track = np.zeros((rows, LABELS), np.float32)
    for row, digit, score in bumps:
        for offset, share in ((-1, 0.7), (0, 1.0), (1, 0.7)):
            if 0 <= row + offset < rows:
                track[row + offset, digit] = score * share
    track[:, 10] = 1 - track[:, :10].sum(axis=1)
    return track


def write_wave(path: Path, samples: Floats, rate: int, channels: int) -> None:
    pcm = np.repeat((np.clip(samples, -1, 1) * 32_767).astype("<i2")[:, None], channels, axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())


def heard(model: SpokenModel, path: Path) -> list[tuple[str, float]]:
    """The product's answers: name and the time of the window's middle."""
    with open_reader(path, Kind.AUDIO, audio=AUDIO_INPUT) as reader:
        frames = list(reader.frames())
    answers = model.predict(frames)
    return [
        (label.name, frame.time_s + AUDIO_INPUT.window_s / 2)
        for frame, labels in zip(frames, answers, strict=True)
        for label in labels  # type: ignore[union-attr]
        if isinstance(label, Label)
    ]


def test_spec_reads_sound_and_the_sound_of_videos() -> None:
    (spec,) = mediaml_models()
    assert (spec.name, spec.weights, spec.audio) == ("spoken", "spoken", AUDIO_INPUT)
    assert spec.reads(Kind.AUDIO) is Kind.AUDIO
    assert spec.reads(Kind.VIDEO) is Kind.AUDIO
    assert spec.reads(Kind.IMAGE) is None


@given(st.lists(st.floats(0, 1, width=32), min_size=ROWS, max_size=150), st.integers(0, 9))
def test_windows_share_the_peaks_of_the_whole_track(heights: list[float], digit: int) -> None:
    # A track of a whole recording, and the same cut into windows that each answer for their own rows.
    count = 1 + (len(heights) - ROWS) // OWN
    rows = ROWS + (count - 1) * OWN
    whole = np.zeros((rows, LABELS), np.float32)
    whole[:, digit] = heights[:rows]
    expected = [(peak.row, peak.score) for peak in peaks(whole, 0, rows, 0.5)]
    found = []
    for index in range(count):
        window = whole[index * OWN : index * OWN + ROWS]
        start, stop = own_rows(ROWS, index == 0, index == count - 1)
        found += [(index * OWN + peak.row, peak.score) for peak in peaks(window, start, stop, 0.5)]
    assert found == expected


def test_one_bump_is_one_peak_and_weak_ones_are_none() -> None:
    assert [peak.digit for peak in peaks(track_of((14, 7, 0.9)), 0, ROWS, 0.5)] == [7]
    assert not list(peaks(track_of((14, 7, 0.4)), 0, ROWS, 0.5))


def test_of_two_close_peaks_the_higher_counts() -> None:
    assert [peak.digit for peak in peaks(track_of((12, 1, 0.8), (15, 2, 0.9)), 0, ROWS, 0.5)] == [2]
    assert [peak.digit for peak in peaks(track_of((9, 1, 0.8), (15, 2, 0.9)), 0, ROWS, 0.5)] == [1, 2]


def test_rest_is_silence_or_other() -> None:
    track = track_of()
    assert rest(track, 13, 17) == (10, 1.0)
    track[:, 10], track[:, 3] = 0.25, 0.75
    assert rest(track, 13, 17) == (11, 0.75)


@pytest.mark.parametrize(
    ("index", "time_s", "duration_s", "length_s", "expected"),
    [
        (0, 0.0, 1.5, 9.0, (True, False)),
        (0, 0.0, 0.4, 0.4, (True, True)),
        (3, 0.6, 1.5, 9.0, (False, False)),
        (3, 0.6, 1.5, 2.1, (False, True)),
        (3, 0.6, 1.3, None, (False, True)),
    ],
)
def test_edges(
    index: int, time_s: float, duration_s: float, length_s: float | None, expected: tuple[bool, bool]
) -> None:
    info = MediaInfo("sound.wav", Kind.AUDIO, duration_s=length_s)
    frame = Frame(index, time_s, duration_s, info, 118, 40, pixels=None)  # type: ignore[arg-type]
    assert edges(frame) == expected


def test_neighbouring_windows_agree_on_shared_rows(model: SpokenModel) -> None:
    rng = np.random.default_rng(0)
    time = np.arange(AUDIO_INPUT.window_samples + AUDIO_INPUT.hop_samples) / AUDIO_INPUT.sample_rate
    samples = 0.2 * np.sin(
        2 * np.pi * 300 * time * (1 + 0.3 * np.sin(3 * time))
    ) + 0.01 * rng.standard_normal(len(time))
    cut = [
        samples[start:][: AUDIO_INPUT.window_samples].astype(np.float32)
        for start in (0, AUDIO_INPUT.hop_samples)
    ]
    first, second = model.run(np.stack([log_mel(window, AUDIO_INPUT) for window in cut]))[1]
    np.testing.assert_allclose(first[9 + OWN : 21 + OWN - 4], second[9 : 21 - 4], atol=1e-5)


def test_golden_file_replays(model: SpokenModel) -> None:
    with np.load(bundled_folder() / "spoken.golden.npz") as golden:
        answers = model.run(golden["input.spectrogram"])
        for output, answer in zip(model.session.outputs, answers, strict=True):
            np.testing.assert_allclose(answer, golden[f"output.{output.name}"], atol=1e-4)


def test_silence_has_no_digits_and_says_so_on_request(model: SpokenModel, tmp_path: Path) -> None:
    write_wave(tmp_path / "quiet.wav", np.zeros(32_000, np.float32), 16_000, 2)
    assert heard(model, tmp_path / "quiet.wav") == []
    names = [name for name, _ in heard(load(SpokenOptions(all=True)), tmp_path / "quiet.wav")]
    assert set(names) == {"silence"}
    assert len(names) > 1


def test_other_models_are_refused(tmp_path: Path) -> None:
    context = LoadContext(
        options=SpokenOptions(),
        weights=bundled_model("spoken"),
        session_opener=lambda path: stranger(),
        warn=lambda line: None,
    )
    with pytest.raises(ModelError, match="not a spoken-digit model"):
        SpokenModel(context)


def stranger():  # type: ignore[no-untyped-def]
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value], [answer])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return open_session(made.SerializeToString(), parse_device("cpu"))


@pytest.fixture(scope="module")
def spoken(assets: Path) -> tuple[Floats, list[tuple[str, float]]]:
    """A recording of the digits 7 1 4 0 with gaps, at 8 kHz, and when each is said."""
    parts, truth, cursor = [np.zeros(4_000, np.float32)], [], 4_000
    with tarfile.open(assets / "data" / "spoken_digits" / "fsdd.tar.xz") as tar:
        members = {Path(member.name).name: member for member in tar.getmembers()}
        for digit in (7, 1, 4, 0):
            file = tar.extractfile(members[f"{digit}_jackson_3.wav"])
            assert file is not None
            with wave.open(io.BytesIO(file.read())) as clip:
                raw = np.frombuffer(clip.readframes(clip.getnframes()), "<i2").astype(np.float32) / 32_768
            truth.append((str(digit), (cursor + len(raw) / 2) / 8_000))
            parts += [raw, np.zeros(3_200, np.float32)]
            cursor += len(raw) + 3_200
    return np.concatenate(parts), truth


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 2), (44_100, 2), (48_000, 1)])
def test_a_recording_gives_each_digit_once_with_its_time(
    model: SpokenModel,
    spoken: tuple[Floats, list[tuple[str, float]]],
    tmp_path: Path,
    rate: int,
    channels: int,
) -> None:
    samples, truth = spoken
    times = np.arange(int(len(samples) * rate / 8_000)) / rate
    resampled = np.interp(times, np.arange(len(samples)) / 8_000, samples).astype(np.float32)
    write_wave(tmp_path / "said.wav", resampled, rate, channels)
    answers = heard(model, tmp_path / "said.wav")
    assert [name for name, _ in answers] == [name for name, _ in truth]
    assert all(abs(found - said) < 0.25 for (_, found), (_, said) in zip(answers, truth, strict=True))


def test_the_sound_of_a_video_is_heard(
    model: SpokenModel, spoken: tuple[Floats, list[tuple[str, float]]], tmp_path: Path
) -> None:
    samples, truth = spoken
    path = tmp_path / "said.mkv"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 32
        sound = container.add_stream("pcm_s16le", rate=8_000, layout="mono")
        for index in range(int(len(samples) / 800)):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), index, np.uint8), format="rgb24")
            container.mux(picture.encode(frame))
        pcm = (samples * 32_767).astype(np.int16)[None]
        audio = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        audio.sample_rate, audio.pts, audio.time_base = 8_000, 0, Fraction(1, 8_000)
        for packets in (sound.encode(audio), sound.encode(None), picture.encode(None)):
            container.mux(packets)
    assert [name for name, _ in heard(model, path)] == [name for name, _ in truth]
