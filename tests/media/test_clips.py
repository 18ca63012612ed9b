"""Clips hold the frames that their definition names, wherever a reading begins and whatever the slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.clip_input import CLIP_TOLERANCE_S, ClipInput, ClipRange
from mediaml.core.frame import Frame
from mediaml.core.model_input import ImageInput
from mediaml.core.slices import slice_of
from mediaml.media.clips import clipper_of, clips_of
from mediaml.testing import frame

SMALL = ImageInput(4, 4)
Clip = tuple[int, float, float, tuple[int, ...]]
"""Number, start, duration, and the numbers of the frames in it."""


def film(times: list[float], last_s: float = 0.04) -> list[Frame]:
    """Frames at these times, each of a grey that tells its number."""
    ends = [*times[1:], times[-1] + last_s]
    return [
        replace(
            frame((index, index, index), width=8, height=8, index=index, time_s=time), duration_s=end - time
        )
        for index, (time, end) in enumerate(zip(times, ends, strict=True))
    ]


def told(clips: list[Frame]) -> list[Clip]:
    return [
        (one.index, one.time_s, one.duration_s, tuple(int(image.max()) for image in one.clip))
        for one in clips
    ]


def by_definition(frames: list[Frame], spec: ClipInput) -> list[Clip]:
    """The clips, by the words of `ClipInput` and nothing else."""
    end_s = frames[-1].time_s + frames[-1].duration_s
    return _timed(frames, spec, end_s) if spec.every_s is not None else _counted(frames, spec, end_s)


def _timed(frames: list[Frame], spec: ClipInput, end_s: float) -> list[Clip]:
    clips: list[Clip] = []
    covered_s, place = -1.0, -1
    while (start := (place := place + 1) * spec.step_s) < end_s - CLIP_TOLERANCE_S:
        if start + spec.length_s <= frames[0].time_s - CLIP_TOLERANCE_S:
            continue
        instants = [start + step * spec.every_s for step in range(spec.frames)]
        whole = instants[-1] < end_s - CLIP_TOLERANCE_S
        news_s = end_s - max(covered_s, start)
        if not whole and (spec.last == "drop" or (clips and news_s < spec.every_s / 2)):
            continue
        shown = [
            max((one.index for one in frames if one.time_s - CLIP_TOLERANCE_S <= instant), default=0)
            for instant in instants
        ]
        within = start + spec.length_s <= end_s + CLIP_TOLERANCE_S
        covered_s = start + spec.length_s if within else end_s
        clips.append((len(clips), start, spec.length_s if within else end_s - start, tuple(shown)))
    return clips


def _counted(frames: list[Frame], spec: ClipInput, end_s: float) -> list[Clip]:
    clips: list[Clip] = []
    covered = 0
    for start in range(0, len(frames), spec.step):
        numbers = [start + step * spec.stride for step in range(spec.frames)]
        cut = numbers[-1] >= len(frames)
        if cut and (spec.last == "drop" or covered >= len(frames)):
            continue
        covered = start + spec.length
        last = frames[min(covered, len(frames)) - 1]
        start_s = frames[start].time_s
        shown = tuple(min(number, len(frames) - 1) for number in numbers)
        clips.append((len(clips), start_s, last.time_s + last.duration_s - start_s, shown))
    return clips


timed = st.builds(
    ClipInput,
    st.just(SMALL),
    frames=st.integers(1, 6),
    every_s=st.sampled_from([0.02, 0.04, 0.1, 0.25, 1.0]),
    hop_s=st.none() | st.sampled_from([0.03, 0.1, 0.5, 3.0]),
    last=st.sampled_from(["pad", "drop"]),
)
counted = st.builds(
    ClipInput,
    st.just(SMALL),
    frames=st.integers(1, 6),
    stride=st.integers(1, 4),
    hop=st.none() | st.integers(1, 30),
    last=st.sampled_from(["pad", "drop"]),
)
films = st.tuples(
    st.sampled_from([0.0, 0.08, 2.5]),
    st.lists(st.sampled_from([0.01, 0.04, 0.041, 0.3, 2.0]), min_size=1, max_size=40),
).map(lambda drawn: film([drawn[0], *(drawn[0] + np.cumsum(drawn[1])).tolist()]))


@given(films, timed | counted)
def test_clips_are_what_their_definition_says(frames: list[Frame], spec: ClipInput) -> None:
    assert told(list(clips_of(frames, spec))) == by_definition(frames, spec)


@given(films, timed | counted, st.sampled_from([0.5, 1.0, 20.0]))
def test_a_reading_from_any_slice_goes_on_as_if_it_had_not_ended(
    frames: list[Frame], spec: ClipInput, slice_s: float
) -> None:
    whole = list(clips_of(frames, spec))
    for first in range(1, slice_of(frames[-1].time_s, slice_s) + 2):
        before = [clip for clip in whole if slice_of(clip.time_s, slice_s) < first]
        since_s = before[-1].time_s if before else None
        clipper = clipper_of(spec, ClipRange(len(before), since_s, first, None, slice_s))
        from_s = clipper.from_s
        # What a reader gives: the frame shown at that time, and those after it.
        given_ = [
            one
            for one in frames
            if from_s is None or one.time_s + one.duration_s > from_s - 2 * CLIP_TOLERANCE_S
        ]
        rest = [clip for one in given_ for clip in clipper.add(one)] + list(clipper.end())
        assert told(rest) == told(whole[len(before) :])


@given(films, timed | counted, st.sampled_from([0.5, 1.0]), st.integers(1, 5))
def test_clips_before_the_end_of_a_range_are_all_made(
    frames: list[Frame], spec: ClipInput, slice_s: float, end: int
) -> None:
    wanted = [clip for clip in clips_of(frames, spec) if slice_of(clip.time_s, slice_s) < end]
    clipper = clipper_of(spec, ClipRange(end_slice=end, slice_s=slice_s))
    made = []
    for one in frames:
        if clipper.is_done:
            break
        made += clipper.add(one)
    else:
        made += clipper.end()
    assert told(made) == told(wanted)


@given(timed | counted)
def test_one_frame_is_one_clip_of_it(spec: ClipInput) -> None:
    photo = frame((7, 7, 7), width=8, height=8)
    assert told(list(clips_of([photo], spec))) == [(0, 0.0, 0.0, (7,) * spec.frames)]
    assert not list(clips_of([], spec))


def test_times_that_a_container_rounded_count_as_they_were_meant() -> None:
    spec = ClipInput(SMALL, frames=15, every_s=1 / 30)
    frames = film([round(index / 30, 3) for index in range(30)], last_s=0.033)
    assert [clip[3] for clip in told(list(clips_of(frames, spec)))] == [
        tuple(range(15)),
        tuple(range(15, 30)),
    ]


def test_a_frame_that_is_held_is_in_all_clips_of_its_time() -> None:
    spec = ClipInput(SMALL, frames=2, every_s=0.5)
    clips = told(list(clips_of(film([0.0, 3.2, 3.4], last_s=0.6), spec)))
    assert [clip[3] for clip in clips] == [(0, 0), (0, 0), (0, 0), (0, 2)]


def test_a_clip_is_fitted_as_the_input_says_and_keeps_the_size_of_the_file() -> None:
    wide = [frame(np.full((10, 40, 3), 200, np.uint8)) for _ in range(2)]
    spec = ClipInput(ImageInput(8, 8, fit="letterbox", pad=9), frames=2)
    (clip,) = clips_of([wide[0], replace(wide[1], index=1, time_s=0.1)], spec)
    assert (clip.width, clip.height) == (40, 10)
    assert clip.clip is not None and clip.clip.shape == (2, 8, 8, 3) and clip.clip.dtype == np.uint8
    assert sorted(set(clip.clip.ravel().tolist())) == [9, 200]
    assert clip.nbytes == clip.clip.nbytes
    assert clip.without_pixels().clip is None
    with pytest.raises(ValueError, match="no single image"):
        _ = clip.image


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"frames": 0}, "frames must be positive"),
        ({"every_s": 0.0}, "every_s must be positive"),
        ({"every_s": 0.1, "stride": 2}, "leave them out beside every_s"),
        ({"every_s": 0.1, "hop": 2}, "leave them out beside every_s"),
        ({"hop_s": 0.1}, "hop_s needs every_s"),
    ],
)
def test_inputs_that_make_no_sense_are_refused(fields: dict[str, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ClipInput(SMALL, **fields)
