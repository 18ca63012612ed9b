"""Training and evaluation of `spoken`: strings are what their targets say, the net does not mind cutting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from evaluation.spoken import Hits, Spoken, compare, total, windows_of
from numpy.typing import NDArray
from training.spoken.compose import Composition, Event, compose, targets
from training.spoken.recordings import Clip, active_part
from training.spoken.sounds import SYNTHETIC, coloured_noise, fragment
from training.spoken.spec import OTHER, SILENCE, position_times

from mediaml_spoken import SOUND

Floats = NDArray[np.float32]


def clip(digit: int) -> Clip:
    time = np.arange(4_000) / 8_000
    samples = (np.sin(2 * np.pi * (200 + 50 * digit) * time) * np.hanning(4_000)).astype(np.float32)
    return Clip(f"{digit}_nobody_0", digit, "nobody", samples, *active_part(samples))


CLIPS = [clip(digit) for digit in range(10)]


def test_the_active_part_leaves_silence_out() -> None:
    samples = np.zeros(8_000, np.float32)
    samples[3_000:5_000] = 0.5
    start, end = active_part(samples)
    assert abs(start - 3_000) < 100
    assert abs(end - 5_000) < 100


def test_the_same_seed_gives_the_same_string() -> None:
    first, second = (compose(np.random.default_rng(5), CLIPS) for _ in range(2))
    np.testing.assert_array_equal(first.samples, second.samples)
    assert first.events == second.events


@pytest.mark.parametrize("seed", range(8))
def test_strings_are_sound_and_their_events_lie_inside(seed: int) -> None:
    made = compose(np.random.default_rng(seed), CLIPS)
    assert made.samples.dtype == np.float32
    assert np.abs(made.samples).max() <= 1.0
    assert all(event.end_s <= 3.3 for event in made.events if event.digit is not None)
    assert len(targets(made)) == len(position_times(len(made.samples)))


def test_targets_ask_for_the_digit_in_its_middle_alone() -> None:
    made = Composition(np.zeros(25_600, np.float32), (Event(1.0, 1.5, 4), Event(2.2, 3.0, None)), False)
    sets, times = targets(made), position_times(25_600)
    at = {second: int(sets[np.abs(times - second).argmin()]) for second in (0.3, 1.25, 1.36, 1.42, 2.6)}
    assert at[0.3] == 1 << SILENCE
    assert at[1.25] == 1 << 4
    assert at[1.36] & (1 << 4)
    assert at[1.36] & (1 << OTHER)
    assert not at[1.42] & (1 << 4)
    assert at[2.6] == 1 << OTHER


def test_fragments_are_shorter_than_half_a_digit() -> None:
    rng = np.random.default_rng(0)
    whole = CLIPS[0].end - CLIPS[0].start
    assert all(len(fragment(rng, CLIPS)) < whole / 2 for _ in range(20))


@pytest.mark.parametrize("make", SYNTHETIC)
def test_synthetic_sounds_are_finite_and_as_long_as_asked(make) -> None:  # type: ignore[no-untyped-def]
    sound = make(np.random.default_rng(1), 5_000)
    assert sound.shape == (5_000,)
    assert np.isfinite(sound).all()


def test_noise_has_unit_power_and_falls_with_frequency() -> None:
    noise = coloured_noise(np.random.default_rng(2), 16_384, 2.0)
    power = np.abs(np.fft.rfft(noise)) ** 2
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1, rel=1e-3)
    assert power[10:100].mean() > 1000 * power[4_000:].mean()


def test_recordings_are_cut_as_the_reader_cuts_them() -> None:
    assert len(windows_of(np.zeros(100, np.float32))) == 1
    assert len(windows_of(np.zeros(SOUND.window_samples, np.float32))) == 1
    assert len(windows_of(np.zeros(SOUND.window_samples + 1, np.float32))) == 2
    assert windows_of(np.zeros(30_000, np.float32)).shape[1:] == (SOUND.mels, SOUND.steps)


def test_each_digit_is_matched_with_one_answer_in_time() -> None:
    said = [Spoken(1, 1.0), Spoken(2, 2.0)]
    answers = [Spoken(1, 1.1), Spoken(1, 0.9), Spoken(2, 2.5)]
    assert compare(said, answers) == Hits(2, 3, 1)
    assert total([Hits(2, 3, 1), Hits(1, 1, 1)]) == Hits(3, 4, 2)
    assert total([]) == Hits(0, 0, 0)


@pytest.mark.train
def test_answers_do_not_depend_on_where_a_window_was_cut() -> None:
    import torch
    from training.spoken.net import SpokenNet

    torch.manual_seed(0)
    net = SpokenNet(8, 16).eval()
    spectra = torch.rand(1, 40, 200) * 10 - 13
    with torch.inference_mode():
        whole, part = net(spectra), net(spectra[:, :, 40:160])
    np.testing.assert_allclose(part[:, :, 8:21], whole[:, :, 18:31], atol=1e-5)


@pytest.mark.train
def test_the_export_equals_the_net(tmp_path: Path) -> None:
    import torch
    from training.spoken.export import ship
    from training.spoken.net import SpokenNet

    torch.manual_seed(0)
    assert ship(SpokenNet(8, 16).eval(), CLIPS, tmp_path / "spoken.onnx") < 1e-4
    assert (tmp_path / "spoken.golden.npz").is_file()
