"""The definition of a sampling, against a search of all frames for every target; and how one is asked for."""

from __future__ import annotations

import math
from bisect import bisect_left
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.chooser import Chooser
from mediaml.core.errors import UsageError
from mediaml.core.sampling import ALL_FRAMES, Sampling, is_partial, is_sparse

RATES = st.sampled_from([Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(15, 2)])
STEPS = st.fractions(min_value=Fraction(1, 100), max_value=20, max_denominator=300)


def taken(sampling: Sampling, times: list[Fraction], keys: list[bool] | None = None) -> list[int]:
    chooser = Chooser(sampling)
    marked = zip(times, keys or [True] * len(times), strict=True)
    return [n for n, (time_s, key) in enumerate(marked) if chooser.takes(n, float(time_s), key=key)]


def first_at_or_after(times: list[Fraction], base: Fraction, step: Fraction, end: Fraction) -> list[int]:
    """For each target in turn the first frame at or after it: looked for among all frames."""
    found: list[int] = []
    target = base
    while times and target <= times[-1]:
        place = bisect_left(times, target)
        if times[place] < end and place not in found:
            found.append(place)
        target += step
    return found


@given(RATES, STEPS, st.integers(0, 200), st.fractions(0, 5, max_denominator=100))
def test_a_constant_rate_by_time(rate, step, count, start):
    times = [n / rate for n in range(count)]
    wanted = first_at_or_after(times, start, step, Fraction(1000))
    assert taken(Sampling(step_s=step, start_s=start), times) == wanted


@given(
    st.lists(st.integers(0, 20_000), unique=True, max_size=80).map(sorted),
    STEPS,
    st.integers(0, 3000),
    st.integers(1, 20_000),
)
def test_uneven_times_and_a_range(ticks, step, start, length):
    """Stamps of 1/1000 s that are exact: so are the targets, with steps that are multiples of a tick."""
    step = max(Fraction(1, 1000), Fraction(round(step * 1000), 1000))
    times = [Fraction(tick, 1000) for tick in ticks]
    begin, end = Fraction(start, 1000), Fraction(start + length, 1000)
    wanted = first_at_or_after(times, begin, step, end)
    sampling = Sampling(step_s=step, start_s=begin, end_s=end)
    assert taken(sampling, times) == wanted
    chooser = Chooser(sampling, Fraction(1, 1000))
    assert [n for n, time_s in enumerate(times) if chooser.takes(n, float(time_s))] == wanted


@given(st.integers(1, 50), st.integers(0, 300), st.integers(0, 100), st.integers(1, 200))
def test_by_number_counts_from_the_first_of_the_range(every, count, start, length):
    times = [Fraction(n, 25) for n in range(count)]
    sampling = Sampling(every, start_s=Fraction(start, 25), end_s=Fraction(start + length, 25))
    assert taken(sampling, times) == list(range(count))[start : start + length][::every]


@given(st.lists(st.booleans(), max_size=60))
def test_keyframes_of_a_range(keys):
    times = [Fraction(n, 10) for n in range(len(keys))]
    sampling = Sampling(keyframes=True, start_s=Fraction(1), end_s=Fraction(4))
    assert taken(sampling, times, keys) == [n for n, key in enumerate(keys) if key and 10 <= n < 40]


@given(RATES, st.integers(0, 100))
def test_a_higher_rate_than_the_sources_takes_every_frame_once(rate, count):
    assert taken(Sampling(step_s=1 / (rate * 3)), [n / rate for n in range(count)]) == list(range(count))
    assert taken(Sampling(step_s=1 / rate), [n / rate for n in range(count)]) == list(range(count))


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_the_rate_of_a_file_whose_clock_counts_milliseconds_takes_every_frame(rate):
    stamps = [round(Fraction(1000 * n, rate)) for n in range(500)]
    chooser = Chooser(Sampling.of(fps=rate), Fraction(1, 1000))
    assert all(chooser.takes(n, stamp / 1000) for n, stamp in enumerate(stamps))


@pytest.mark.parametrize("tick", [Fraction(1, 25), Fraction(1, 10)])
def test_where_a_tick_is_a_frame_no_frame_before_its_target_is_taken(tick):
    chooser = Chooser(Sampling(step_s=Fraction(3, 10)), tick)
    times = [float(n * tick) for n in range(50)]
    chosen = [time_s for n, time_s in enumerate(times) if chooser.takes(n, time_s)]
    assert chosen == [min(t for t in times if t >= k * 0.3 - 1e-9) for k in range(len(chosen))]


def test_hours_of_targets_do_not_drift():
    times = [float(Fraction(1001 * n, 30000)) for n in range(0, 30 * 3600 * 10, 997)]
    chooser = Chooser(Sampling(step_s=Fraction(1, 10)))
    assert all(chooser.takes(n, time_s) for n, time_s in enumerate(times))


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"every": 10}, Sampling(10)),
        ({"every": "10"}, Sampling(10)),
        ({"every": "0.5s"}, Sampling(step_s=Fraction(1, 2))),
        ({"every": "40ms"}, Sampling(step_s=Fraction(1, 25))),
        ({"fps": 2}, Sampling(step_s=Fraction(1, 2))),
        ({"fps": "30000/1001"}, Sampling(step_s=Fraction(1001, 30000))),
        ({"start": "1:30", "duration": 10}, Sampling(start_s=Fraction(90), end_s=Fraction(100))),
        ({"end": "1:02:03.5"}, Sampling(end_s=Fraction("3723.5"))),
        ({"start": 2.5, "end": "4s"}, Sampling(start_s=Fraction(5, 2), end_s=Fraction(4))),
        ({"keyframes": True, "still": 0.02}, Sampling(keyframes=True, still=0.02)),
        ({}, ALL_FRAMES),
    ],
)
def test_what_is_asked_for(asked, wanted):
    sampling = Sampling.of(**asked)
    assert sampling == wanted
    assert Sampling.of_record(sampling.record()) == sampling
    assert all(type(value) in (bool, int, float, str) for value in sampling.record().values())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"every": "0"}, "--every 0 must be more than 0"),
        ({"every": "0.0s"}, "must be more than 0"),
        ({"every": "5x"}, "'5x' is neither a number of frames nor seconds"),
        ({"every": "-5"}, "neither"),
        ({"every": "nan s"}, "neither"),
        ({"every": "1.5"}, "neither"),
        ({"fps": "0"}, "must be more than 0"),
        ({"fps": "30/0"}, "must be more than 0"),
        ({"fps": "fast"}, "not a frame rate"),
        ({"start": "5", "end": "5"}, "--end 5 is not after --start 5"),
        ({"start": 9, "end": "0:05"}, "--end 0:05 is not after --start 9"),
        ({"end": 0}, "--end 0 is not after --start 0"),
        ({"start": "-1"}, "is not a time"),
        ({"start": "1:2:3:4"}, "is not a time"),
        ({"start": "1e9999"}, "is not a time"),
        ({"duration": 0}, "--duration must be more than 0"),
        ({"end": 5, "duration": 5}, "--end and --duration contradict"),
        ({"every": 5, "fps": 2}, "--every and --fps contradict"),
        ({"every": 1, "keyframes": True}, "--every and --keyframes contradict"),
        ({"fps": 2, "scenes": True}, "--fps and --scenes contradict"),
        ({"still": 0}, "not between 0 and 1"),
        ({"still": math.nan}, "not between 0 and 1"),
    ],
)
def test_what_cannot_be_asked_for(asked, said):
    with pytest.raises(UsageError, match=said):
        Sampling.of(**asked)


def test_what_a_record_says_of_the_frames_that_are_left_out():
    assert is_sparse(Sampling.of(fps=2).record())
    assert not is_sparse(Sampling.of(start=2, still=0.1).record())
    assert is_partial({"@start_s": "2"}, "@")
    assert not is_partial(Sampling.of(still=0.1).record())
