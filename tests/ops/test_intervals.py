"""Intervals against a plain reading of their rule, frame by frame."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.ops.intervals import Interval, Merging, intervals

STEP = 0.1
SCORES = st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.9]), max_size=60)
MERGINGS = st.builds(
    Merging,
    st.sampled_from([None, 0.1, 0.3, 0.5]),
    st.sampled_from([0.0, 0.1, 0.25, 1.0]),
    st.sampled_from([0.0, 0.05, 0.3]),
    st.sampled_from([0.0, 0.15, 0.5]),
)


def merged(scores, merging, threshold=0.5):
    starts = np.arange(len(scores)) * STEP
    return intervals(starts, starts + STEP, scores, threshold, merging, len(scores) * STEP)


def by_frames(scores, merging, threshold=0.5):
    """Which frames are within an unpadded interval: grown from the strong ones, one frame at a time."""
    release = min(merging.release or threshold, threshold)
    weak = [index for index, score in enumerate(scores) if score >= release]
    most = merging.gap_s / STEP + 0.01
    runs = []
    for index in weak:
        if runs and index - runs[-1][-1] - 1 <= most:
            runs[-1].append(index)
        else:
            runs.append([index])
    kept = [run for run in runs if max(scores[index] for index in run) >= threshold]
    spans = [(run[0] * STEP, run[-1] * STEP + STEP, max(scores[index] for index in run)) for run in kept]
    return [span for span in spans if span[1] - span[0] >= merging.least_s - 1e-9]


@given(SCORES, MERGINGS)
def test_intervals_are_those_of_the_plain_rule(scores, merging):
    plain = [*by_frames(scores, merging)]
    found = merged(scores, Merging(merging.release, merging.gap_s, 0.0, merging.least_s))
    assert [(one.start_s, one.end_s, one.score) for one in found] == [pytest.approx(span) for span in plain]


@given(SCORES, MERGINGS)
def test_intervals_are_ordered_disjoint_and_within_the_file(scores, merging):
    found = merged(scores, merging)
    assert all(0 <= one.start_s < one.end_s <= len(scores) * STEP + 1e-9 for one in found)
    assert all(one.end_s < other.start_s for one, other in itertools.pairwise(found))


@given(SCORES, MERGINGS)
def test_every_strong_frame_is_covered_unless_short_ones_are_left_out(scores, merging):
    keep_all = Merging(merging.release, merging.gap_s, merging.pad_s)
    found = merged(scores, keep_all)
    for index, score in enumerate(scores):
        if score >= 0.5:
            middle = (index + 0.5) * STEP
            assert any(one.start_s <= middle <= one.end_s and one.score >= score for one in found)


@given(SCORES, MERGINGS)
def test_merging_again_changes_nothing(scores, merging):
    found = merged(scores, Merging(merging.release, merging.gap_s, 0.0, merging.least_s))
    columns = [[getattr(one, name) for one in found] for name in ("start_s", "end_s", "score")]
    again = intervals(*columns, 0.5, Merging(merging.release, 0.0), None)
    assert again == found


@given(SCORES, st.sampled_from([0.0, 0.1, 0.25]))
def test_a_lower_release_and_a_longer_gap_only_add_time(scores, gap):
    def seconds(merging):
        return sum(one.end_s - one.start_s for one in merged(scores, merging))

    base = seconds(Merging(None, gap))
    assert seconds(Merging(0.1, gap)) >= base - 1e-9
    assert seconds(Merging(None, gap + 0.5)) >= base - 1e-9
    assert seconds(Merging(None, gap, 0.2)) >= base - 1e-9


def test_windows_that_overlap_are_one_interval():
    """Audio windows of 1 s every 0.5 s; a long one ends after its successor."""
    found = intervals([0, 0.5, 0.6, 3.0], [1, 3.0, 1.0, 3.2], [0.9] * 4, 0.5, Merging(gap_s=0))
    assert found == [Interval(0, 3.2, 0.9)]


def test_frames_of_a_broken_rate_touch():
    duration = 1001 / 30000
    starts = np.round(np.arange(300) * duration, 6)
    found = intervals(starts, starts + round(duration, 6), np.ones(300), 0.5, Merging(gap_s=0.0))
    assert len(found) == 1


def test_a_frame_without_a_duration_is_no_interval_until_it_is_padded():
    assert intervals([1], [1], [0.9], 0.5, Merging()) == []
    assert intervals([1], [1], [0.9], 0.5, Merging(pad_s=0.5)) == [Interval(0.5, 1.5, 0.9)]


@pytest.mark.parametrize(
    "wrong", [{"release": 1.1}, {"gap_s": -1}, {"pad_s": float("inf")}, {"least_s": float("nan")}]
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Merging(**wrong)
