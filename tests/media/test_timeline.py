"""Times never run backwards, whatever the stamps say."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mediaml.media.decode import Tally
from mediaml.media.timeline import BestEffort, Stamp, Timeline

MS = Fraction(1, 1000)
ticks = st.none() | st.integers(-(2**40), 2**40)
stamps = st.builds(Stamp, ticks, ticks, st.none() | st.integers(-5, 2**30))
lines = st.builds(Timeline, st.just(MS), ticks, st.none() | st.just(Fraction(25)))


def placed(line: Timeline, items: list[Stamp]) -> tuple[list[tuple[float, float]], Tally]:
    tally = Tally()
    found = [(time_s, duration_s) for time_s, duration_s, _ in line.place(((s, s) for s in items), tally)]
    return found, tally


def in_ms(found: list[tuple[float, float]]) -> list[tuple[int, int]]:
    return [(round(time_s * 1000), round(duration_s * 1000)) for time_s, duration_s in found]


@given(lines, st.lists(stamps))
def test_any_stamps(line: Timeline, items: list[Stamp]) -> None:
    found, tally = placed(line, items)
    assert len(found) == len(items)
    for (time_s, duration_s), (later_s, _) in pairwise(found):
        assert time_s <= later_s
        assert duration_s == later_s - time_s
    assert all(duration_s >= 0 for _, duration_s in found)
    assert 0 <= tally.gaps <= max(0, len(items) - 1)


@given(st.lists(st.integers(1, 10**6), min_size=1), st.integers(-(10**6), 10**6))
def test_times_are_the_stamps_less_the_start(steps: list[int], start: int) -> None:
    at, items = start, []
    for step in steps:
        items.append(Stamp(at, at, step))
        at += step
    found, tally = placed(Timeline(MS, start, None), items)
    assert in_ms(found) == [(item.pts - start, item.duration) for item in items]  # type: ignore[operator]
    assert tally.gaps == 0


def test_without_a_start_the_first_frame_is_at_zero() -> None:
    found, _ = placed(Timeline(MS, None, None), [Stamp(700, 700, 40), Stamp(740, 740, 40)])
    assert in_ms(found) == [(0, 40), (40, 40)]


def test_a_missing_stamp_follows_the_frame_before() -> None:
    found, tally = placed(Timeline(MS, 0, Fraction(25)), [Stamp(0, None, 40), Stamp(None, None, None)])
    assert in_ms(found) == [(0, 40), (40, 40)]
    assert tally.gaps == 1


def test_no_stamps_at_all_go_by_the_rate() -> None:
    found, _ = placed(Timeline(MS, None, Fraction(25)), [Stamp(None, None, None)] * 3)
    assert in_ms(found) == [(0, 40), (40, 40), (80, 40)]


def test_a_small_step_back_is_a_wrong_stamp() -> None:
    items = [Stamp(at, at, 40) for at in (0, 40, 20, 120)]
    found, tally = placed(Timeline(MS, 0, None), items)
    assert [time for time, _ in in_ms(found)] == [0, 40, 40, 120]
    assert tally.gaps == 1


def test_a_large_step_back_is_a_new_clock() -> None:
    items = [Stamp(at, at, 40) for at in (10_000, 10_040, 0, 40)]
    found, tally = placed(Timeline(MS, 10_000, None), items)
    assert [time for time, _ in in_ms(found)] == [0, 40, 80, 120]
    assert tally.gaps == 1


def test_a_jump_is_counted_and_kept() -> None:
    found, tally = placed(Timeline(MS, 0, None), [Stamp(at, at, 40) for at in (0, 40, 5000)])
    assert [time for time, _ in in_ms(found)] == [0, 40, 5000]
    assert tally.gaps == 1


def test_gaps_before_the_start_belong_to_another_pass() -> None:
    tally = Tally()
    items = [(Stamp(at, at, 40), at) for at in (0, 1000, 5000)]
    list(Timeline(MS, 0, None).place(items, tally, since_s=2.0))
    assert tally.gaps == 1


def test_decoding_time_stands_in_for_a_faulty_presentation_time() -> None:
    guess = BestEffort()
    pts = [1, 4, 2, 3, 8, 6, 7]
    found = [guess.ticks(Stamp(stamp, number, None)) for number, stamp in enumerate(pts)]
    assert found[3:] == [3, 4, 5, 6]
    assert BestEffort().ticks(Stamp(None, None, None)) is None
