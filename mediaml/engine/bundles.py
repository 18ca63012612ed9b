"""Which small files travel together, so that messages and hand-overs are per bundle, not per file."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mediaml.core.media import Kind
from mediaml.core.work import Job, Sniff
from mediaml.engine.messages import Assigned, ReadBundle, ReadSource, order_of

SMALL_BYTES = 32 << 10
"""Largest file of a bundle: up to here a hand-over between threads costs about as much as decoding."""
MOST_FILES, MOST_BYTES = 64, 1 << 20
# A bundle holds at most this part of the files before it, so that few files still keep all threads busy.
GROWTH = 16
# How long a bundle waits for further files.
MOST_WAIT_S = 0.05


def orders_of(jobs: Iterator[Job | Sniff], *, bundled: bool = True) -> Iterator[Assigned]:
    """The orders for jobs, in their order; runs of small images become bundles.

    A job that is not small ends a bundle, and so does waiting.

    Args:
        bundled: whether there may be bundles at all; not where each file has a time limit, as the files of
            a bundle are begun together.
    """
    waiting: list[ReadSource] = []
    size = begun = 0
    since_s = 0.0
    for job in jobs:
        order = order_of(job)
        bytes_ = _small_bytes(job) if bundled else None
        if bytes_ is None or not isinstance(order, ReadSource):
            yield from _bundle(waiting)
            waiting, size = [], 0
            yield order
            continue
        since_s = since_s if waiting else time.monotonic()
        waiting.append(order)
        size, begun = size + bytes_, begun + 1
        is_full = len(waiting) >= min(MOST_FILES, max(1, begun // GROWTH)) or size >= MOST_BYTES
        if is_full or time.monotonic() - since_s > MOST_WAIT_S:
            yield from _bundle(waiting)
            waiting, size = [], 0
    yield from _bundle(waiting)


def _bundle(orders: list[ReadSource]) -> Iterator[Assigned]:
    if len(orders) > 1:
        yield ReadBundle(tuple(orders))
    else:
        yield from orders


def _small_bytes(job: Job | Sniff) -> int | None:
    """The size of a small image that is to be read from its start; `None` for anything else."""
    if isinstance(job, Sniff) or job.kind is not Kind.IMAGE or job.stamp is None:
        return None
    size = job.stamp[0]
    is_whole = all(want.next_slice == 0 and want.end_slice is None for want in job.wants)
    return size if is_whole and 0 < size <= SMALL_BYTES else None
