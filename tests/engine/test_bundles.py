"""Runs of small images travel in bundles, everything else by itself, all in its order."""

from __future__ import annotations

from pathlib import Path

from mediaml.core.media import Kind
from mediaml.core.work import Job, Sniff, Want
from mediaml.engine.bundles import MOST_BYTES, MOST_FILES, SMALL_BYTES, orders_of
from mediaml.engine.messages import Assigned, Identify, ReadBundle


def job(number: int, size: int = 500, kind: Kind = Kind.IMAGE, want: Want = Want(1, 0)) -> Job:  # noqa: B008
    return Job(number, Path(f"/in/{number}"), kind, (want,), (size, 0))


def sources(orders: list[Assigned]) -> list[list[int]]:
    """The numbers of the sources of each order."""
    return [
        [one.source for one in order.orders]
        if isinstance(order, ReadBundle)
        else [order.position if isinstance(order, Identify) else order.source]
        for order in orders
    ]


def test_few_files_go_one_by_one() -> None:
    assert sources(list(orders_of(job(number) for number in range(20)))) == [[number] for number in range(20)]


def test_many_go_in_bundles_that_grow() -> None:
    bundles = sources(list(orders_of(job(number) for number in range(5000))))
    assert [number for bundle in bundles for number in bundle] == list(range(5000))
    assert max(map(len, bundles)) == MOST_FILES
    assert len(bundles) < 350


def test_bundles_are_bounded_by_bytes() -> None:
    bundles = sources(list(orders_of(job(number, SMALL_BYTES) for number in range(5000))))
    assert max(map(len, bundles)) == MOST_BYTES // SMALL_BYTES


def test_what_is_not_small_goes_by_itself_and_is_not_overtaken() -> None:
    others = [
        job(2000, SMALL_BYTES + 1),
        job(2001, kind=Kind.VIDEO),
        job(2002, want=Want(1, 0, next_slice=1)),
        Sniff(2003, Path("/in/2003")),
    ]
    many = [job(number) for number in range(1000)]
    bundles = sources(list(orders_of(iter([*many, *others, *many]))))
    place = bundles.index([2000])
    assert bundles[place : place + 4] == [[2000], [2001], [2002], [2003]]
    assert sum(map(len, bundles)) == 2004
