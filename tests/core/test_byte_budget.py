"""The byte budget: never more in use than it holds, a giant passes alone, nobody waits for ever."""

from __future__ import annotations

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.byte_budget import ByteBudget


@given(
    capacity=st.integers(1, 100), sizes=st.lists(st.integers(0, 150), max_size=40), threads=st.integers(1, 4)
)
def test_no_more_is_in_use_than_it_holds(capacity: int, sizes: list[int], threads: int) -> None:
    budget = ByteBudget(capacity, threading.Event())
    lock, used, peaks, passed = threading.Lock(), [0, 0], [], []

    def work(mine: list[int]) -> None:
        for size in mine:
            share = budget.take(size)
            assert share is not None
            with lock:
                used[0] += size
                used[1] += size > 0
                peaks.append((used[0], used[1]))
            with lock:
                used[0] -= size
                used[1] -= size > 0
            share.give_back()
            share.give_back()
            passed.append(size)

    workers = [threading.Thread(target=work, args=(sizes[at::threads],)) for at in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(passed) == sorted(sizes)
    assert all(total <= capacity or count == 1 for total, count in peaks)
    assert budget.used == 0


def test_what_does_not_fit_waits_for_its_turn() -> None:
    budget = ByteBudget(10, threading.Event())
    first = budget.take(8)
    assert first is not None
    done = threading.Event()

    def second() -> None:
        with budget.holding(5) as is_running:
            assert is_running
            done.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert not done.wait(0.15)
    first.give_back()
    assert done.wait(10)
    thread.join()
    assert budget.used == 0


def test_waiting_ends_with_the_run() -> None:
    stop = threading.Event()
    budget = ByteBudget(10, stop)
    assert budget.take(10) is not None
    threading.Timer(0.05, stop.set).start()
    begun = time.monotonic()
    with budget.holding(1) as is_running:
        assert not is_running
    assert time.monotonic() - begun < 10
    assert budget.used == 10
