"""Decode, batch, infer: threads with bounded queues between them.

    jobs -> reader threads (decode, prepare) -> inference thread (batch, run) -> post thread (decode answers)
         -> streams (whole slices, in order) -> results, drawn by the caller, who commits them

Nothing is held but what the queues hold, so memory does not grow with the length of a file or of the list.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mediaml.media.limits import Limits
from mediaml.run.channel import Channel
from mediaml.run.infer import Answered, Inference, post_process
from mediaml.run.read import Job, Sample, read_job
from mediaml.work import TaskResult

_SAMPLES, _ANSWERED = 32, 4
_WAIT_S, _JOIN_S = 0.05, 10.0


def default_readers() -> int:
    """Number of reader threads: decoders have threads of their own, so a few keep the device fed."""
    return max(2, min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4))


@dataclass(frozen=True, slots=True)
class _Crash:
    """A thread died of something that is nobody's file's fault."""

    error: BaseException


class Pipeline:
    """The threads of one run.

    Args:
        readers: number of sources decoded at once.
        limits: on pixels, streams and duration.
    """

    def __init__(self, *, readers: int, limits: Limits) -> None:
        self._limits = limits
        self._stop = threading.Event()
        self._jobs: Channel[Job] = Channel(readers, self._stop)
        self._samples: Channel[Sample] = Channel(_SAMPLES, self._stop)
        self._answered: Channel[Answered] = Channel(_ANSWERED, self._stop)
        self._results: queue.SimpleQueue[TaskResult | _Crash] = queue.SimpleQueue()
        self._inference = Inference(self._samples, self._answered)
        bodies = [*[self._read] * readers, self._inference.work, self._post]
        self._threads = [self._thread(body) for body in bodies]
        self._open: set[tuple[int, int]] = set()

    def emit(self, result: TaskResult) -> None:
        """Take a result from any thread."""
        self._results.put(result)

    def results(self, jobs: Iterator[Job]) -> Iterator[list[TaskResult]]:
        """Work through the jobs and yield what is ready, in the caller's thread, until all is done.

        `jobs` is drawn from in the caller's thread too, as readers become free. Closing the generator
        stops all threads; tasks under way are then lost, and `leftovers` has what was ready.
        """
        for thread in self._threads:
            thread.start()
        waiting: Job | None = None
        exhausted = False
        try:
            while not exhausted or waiting or self._open or not self._results.empty():
                while not exhausted:
                    waiting = waiting or next(jobs, None)
                    exhausted = waiting is None
                    if waiting is None or not self._start(waiting):
                        break
                    waiting = None
                ready = self._ready(_WAIT_S)
                if ready:
                    yield ready
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(_JOIN_S)

    def leftovers(self) -> list[TaskResult]:
        """Results that were ready when the run was stopped."""
        return self._ready(0.0)

    def _start(self, job: Job) -> bool:
        if not self._jobs.offer(job):
            return False
        self._open.update((want.stream.source, want.stream.model) for want in job.wants)
        return True

    def _ready(self, wait_s: float) -> list[TaskResult]:
        ready: list[TaskResult] = []
        while True:
            try:
                result = self._results.get(timeout=wait_s) if wait_s else self._results.get_nowait()
            except queue.Empty:
                return ready
            wait_s = 0.0
            if isinstance(result, _Crash):
                raise result.error
            if result.last or result.failure:
                self._open.discard((result.task.source, result.task.model))
            ready.append(result)

    def _thread(self, body: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                body()
            except BaseException as error:  # noqa: BLE001  handed to the main thread, which raises it
                self._results.put(_Crash(error))

        return threading.Thread(target=guarded, daemon=True)

    def _read(self) -> None:
        while not self._jobs.closed:
            job = self._jobs.get()
            if job is not None:
                read_job(job, self._samples.put, self._limits)

    def _post(self) -> None:
        while not self._answered.closed:
            answered = self._answered.get()
            if answered is not None:
                post_process(answered, self._inference)
