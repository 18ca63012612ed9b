"""How `--memory` is read and divided."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.app import memory
from mediaml.app.memory import MIB, divide_memory, least_memory, parse_size, shares_of, shown_size
from mediaml.core.errors import UsageError
from mediaml.core.worker_memory import WorkerMemory
from mediaml.media.limits import Limits

GIB = 1 << 30


@pytest.mark.parametrize(
    ("text", "size"),
    [("1048576", 1 << 20), ("800M", 800 << 20), ("2G", 2 << 30), ("1.5g", 3 << 29), (" 64 MiB ", 64 << 20)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "2X", "-1G", "0", "M", "1e9", "0.0G"])
def test_nonsense_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        parse_size(text)


@given(
    memory=st.integers(0, 64 * GIB),
    workers=st.integers(1, 8),
    readers=st.integers(1, 64),
    renders=st.booleans(),
)
def test_the_shares_never_exceed_the_whole(memory: int, workers: int, readers: int, renders: bool) -> None:
    if memory < least_memory(workers, renders):
        with pytest.raises(UsageError, match="--memory"):
            divide_memory(memory, workers=workers, readers=readers, renders=renders)
        return
    shares = divide_memory(memory, workers=workers, readers=readers, renders=renders)
    each = shares.worker.pictures + shares.worker.in_flight + shares.decoder * shares.readers
    base = 48 * MIB + workers * 176 * MIB + renders * 112 * MIB
    assert base + workers * each + shares.renderer <= memory
    assert 1 <= shares.readers <= readers
    assert min(shares.worker.pictures, shares.worker.in_flight, shares.decoder) >= 14 * MIB
    assert bool(shares.renderer) == renders
    drawing = shares.drawing(Limits(decoded_bytes=None))
    assert drawing.decoded_bytes == (shares.renderer // 2 or shares.worker.pictures)


def test_one_gibibyte() -> None:
    shares = divide_memory(GIB, workers=1, readers=8, renders=True)
    assert shares.renderer == 172 * MIB
    assert shares.worker == WorkerMemory(pictures=258 * MIB, in_flight=129 * MIB)
    assert (shares.readers, shares.decoder) == (4, 129 * MIB // 4)


def test_the_default_is_half_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "machine_memory", lambda: 8 * GIB)
    wanted = divide_memory(4 * GIB, workers=1, readers=2, renders=True)
    assert shares_of(None, workers=1, readers=2, renders=True) == wanted
    # A small machine is tried with the least, not refused.
    monkeypatch.setattr(memory, "machine_memory", lambda: 512 * MIB)
    assert shares_of(None, workers=1, readers=2, renders=True).readers == 1


def test_a_stricter_limit_of_the_user_stays() -> None:
    shares = divide_memory(2 * GIB, workers=1, readers=2, renders=False)
    assert shares.reading(Limits(decoded_bytes=1000)).decoded_bytes == 1000
    assert shares.reading(Limits(decoded_bytes=None)).decoded_bytes == shares.worker.pictures


def test_too_little_says_how_much() -> None:
    with pytest.raises(UsageError, match=r"--memory 300M is too little: this run needs 464M") as caught:
        divide_memory(300 * MIB, workers=1, readers=2, renders=True)
    assert "--no-annotate" in caught.value.hint
    assert shown_size(300 * MIB + 1) == "301M"


@pytest.mark.parametrize(("batches", "bytes_"), [([], 24 * MIB), ([4, 16], 16 * 24 * MIB), ([64], GIB)])
def test_larger_batches_have_more_in_flight(batches: list[int], bytes_: int) -> None:
    assert WorkerMemory(in_flight=GIB).in_flight_for(batches) == bytes_
