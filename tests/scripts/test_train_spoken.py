"""Training and evaluation of `spoken`: strings are what their targets say, the net does not mind cutting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mediaml_spoken import AUDIO_INPUT
from scripts.evaluation.spoken import Hits, Spoken, compare, total, windows_of
from scripts.training.spoken.compose import Composition, Event, compose, place, targets
from scripts.training.spoken.recordings import Clip, active_part
from scripts.training.spoken.sounds import SYNTHETIC, coloured_noise, fragment
from scripts.training.spoken.spec import OTHER, SILENCE, position_times
from scripts.training.spoken.tempo import LEAST, MOST, at_tempo, in_tempos
from scripts.training.spoken.voices import SAID, WORDS, spoken_by_flite

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
    assert len(windows_of(np.zeros(AUDIO_INPUT.window_samples, np.float32))) == 1
    assert len(windows_of(np.zeros(AUDIO_INPUT.window_samples + 1, np.float32))) == 2
    assert windows_of(np.zeros(30_000, np.float32)).shape[1:] == (AUDIO_INPUT.mels, AUDIO_INPUT.steps)


def test_each_digit_is_matched_with_one_answer_in_time() -> None:
    said = [Spoken(1, 1.0), Spoken(2, 2.0)]
    answers = [Spoken(1, 1.1), Spoken(1, 0.9), Spoken(2, 2.5)]
    assert compare(said, answers) == Hits(2, 3, 1)
    assert total([Hits(2, 3, 1), Hits(1, 1, 1)]) == Hits(3, 4, 2)
    assert total([]) == Hits(0, 0, 0)


def test_without_flite_the_script_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="Install Debian's package flite"):
        spoken_by_flite("kal", ["-t", "seven"], tmp_path)


def test_words_are_no_digits_and_are_heard_in_strings() -> None:
    assert len(set(WORDS.split())) == len(WORDS.split()) > 200
    word = np.full(8_000, 0.5, np.float32)
    made = place(np.random.default_rng(3), CLIPS, [word], 80_000, 0.0)
    assert all(event.digit is None for event in made[1])
    assert any(event.end_s - event.start_s > 0.8 for event in made[1])


def test_every_digit_has_pronunciations_in_phones() -> None:
    assert sorted(SAID) == list(range(10))
    assert all(len(set(said)) == len(said) >= 3 for said in SAID.values())


@pytest.mark.parametrize("factor", [LEAST, 1.0, MOST])
def test_another_tempo_changes_the_length_and_keeps_the_pitch(factor: float) -> None:
    time = np.arange(8_000) / 8_000
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    played = at_tempo(tone, factor)
    assert len(played) == pytest.approx(8_000 / factor, rel=0.03)
    middle = played[len(played) // 4 : len(played) // 4 + 2_000]
    strongest = int(np.abs(np.fft.rfft(middle * np.hanning(2_000))).argmax())
    assert strongest * 8_000 / 2_000 == pytest.approx(440, abs=8)


def test_clips_keep_their_digit_and_speaker_at_other_tempos() -> None:
    samples = np.sin(np.arange(4_000) / 3).astype(np.float32)
    clip = Clip("7_theo_0", 7, "theo", samples, 0, 4_000)
    first, second = (in_tempos([clip], 3, seed=1) for _ in range(2))
    assert first[0] is clip
    assert [(c.digit, c.speaker) for c in first] == [(7, "theo")] * 4
    assert all(4_000 / MOST * 0.95 <= len(c.samples) <= 4_000 / LEAST * 1.05 for c in first[1:])
    assert [len(c.samples) for c in first] == [len(c.samples) for c in second]


@pytest.mark.train
def test_no_net_of_a_fold_has_heard_the_speaker_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Voices are told apart by the only target of their strings."""
    import torch

    from scripts.training.spoken import folds, learning

    speakers = ("ada", "bob", "cem", "dan")
    clips = [replace(one, speaker=speaker) for speaker in speakers for one in CLIPS[:2]]
    strings = {
        name: learning.Strings(np.zeros((4, 40, 70), np.float16), np.full((4, 18), 1 << place, np.int16))
        for place, name in enumerate((*speakers, "flite-kal"))
    }
    given: dict[str, set[str]] = {}
    real = learning.train

    def train(name: str, parts: Sequence[learning.Strings], *rest: Any) -> Any:
        given[name] = {tuple(strings)[int(part.sets[0, 0]).bit_length() - 1] for part in parts}
        return real(name, parts, *rest)

    monkeypatch.setattr(folds, "train", train)
    recipe = learning.Recipe(shared=2, steps=2, batch=4, width=4, hidden=8)
    table = folds.leave_one_out(clips, strings, recipe, tmp_path, torch.device("cpu"))
    assert set(table["per_source"]) == set(speakers)
    for speaker in speakers:
        assert given[f"without-{speaker}"] == set(strings) - {speaker}
        half = f"half-{int(speaker in ('ada', 'bob'))}"
        assert speaker not in given[half] and "flite-kal" in given[half]


@pytest.mark.train
def test_a_stopped_training_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    import torch

    from scripts.training.spoken import learning

    rng = np.random.default_rng(0)
    strings = [
        learning.Strings(
            rng.normal(-8, 3, (12, 40, 70)).astype(np.float16), np.full((12, 18), 1 << 10, np.int16)
        )
    ]

    def recipe(shared: int) -> learning.Recipe:
        return learning.Recipe(shared=shared, batch=4, width=4, hidden=8)

    for folder, stops in (("whole", (4,)), ("parts", (2, 4))):
        (tmp_path / folder).mkdir()
        for stop in stops:
            learning.train("net", strings, recipe(stop), tmp_path / folder, torch.device("cpu"))
    whole, parts = (
        torch.load(learning.checkpoint("net", tmp_path / folder))["net"] for folder in ("whole", "parts")
    )
    for name, values in whole.items():
        torch.testing.assert_close(values, parts[name], msg=name)


@pytest.mark.train
def test_answers_do_not_depend_on_where_a_window_was_cut() -> None:
    import torch

    from scripts.training.spoken.net import SpokenNet

    torch.manual_seed(0)
    net = SpokenNet(8, 16).eval()
    spectra = torch.rand(1, 40, 200) * 10 - 13
    with torch.inference_mode():
        whole, part = net(spectra), net(spectra[:, :, 40:160])
    np.testing.assert_allclose(part[:, :, 8:21], whole[:, :, 18:31], atol=1e-5)


@pytest.mark.train
def test_the_export_equals_the_net(tmp_path: Path) -> None:
    import torch

    from scripts.training.spoken.export import ship
    from scripts.training.spoken.net import SpokenNet

    torch.manual_seed(0)
    assert ship(SpokenNet(8, 16).eval(), CLIPS, tmp_path / "spoken.onnx") < 1e-4
    assert (tmp_path / "spoken.golden.npz").is_file()
