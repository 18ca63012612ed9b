"""Decode, batch, infer: threads with bounded queues between them.

    errands -> reader threads -> inference thread -> post thread -> streams -> emit
               decode, prepare   batch, run          decode answers  whole slices, in order

Small files travel in blocks of samples, as a hand-over costs as much as a small image. Nothing is held but
what the queues and blocks hold, so memory does not grow with the length of a file or of the list.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from mediaml.core.byte_budget import ByteBudget
from mediaml.core.channel import Channel
from mediaml.core.clip_input import ClipRange
from mediaml.core.errors import DeviceError
from mediaml.core.media import Kind
from mediaml.core.sampling import ALL_FRAMES, Sampling
from mediaml.core.slices import SLICE_S
from mediaml.core.track import TrackChoice
from mediaml.core.work import Job, Reading, TaskResult, Want
from mediaml.core.worker_memory import WorkerMemory
from mediaml.media.clips import Clipper, clipper_of
from mediaml.media.limits import Limits
from mediaml.media.write.picture_writer import PictureWriter, Place
from mediaml.pipeline.infer import Inference, InferredBatch, post_process
from mediaml.pipeline.models import LoadedModel
from mediaml.pipeline.prepare import Block, prepare_samples
from mediaml.pipeline.read import read_job
from mediaml.pipeline.reading import ReadingChoice
from mediaml.pipeline.sample import Consumer, Mark, Put, Sample
from mediaml.pipeline.stream import Stream

_SAMPLES, _ANSWERED, _MOST_BATCHED = 32, 4, 16
_JOIN_S = 10.0

Errand = Callable[[], None]
"""Work for a reader thread."""


class Pipeline(AbstractContextManager["Pipeline"]):
    """The threads that work on files, for one device.

    Args:
        models: the models of the run, in their order.
        readers: number of sources decoded at once.
        limits: on pixels, streams and duration.
        slice_s: length of the time slices, seconds.
        track: which audio track is read. sampling: which frames are.
        memory: what the frames of the worker may take.
        folder: the output folder, for the pictures of answers; `None` leaves them in the answers.
        emit: takes the result of each task; called from any thread.
        shrunk: see `Inference`.
        step: called with every frame read, batch answered and errand done: heartbeats.
        crashed: called when a thread died for a reason that is not a file's.
    """

    def __init__(
        self,
        models: Sequence[LoadedModel],
        *,
        readers: int,
        limits: Limits,
        slice_s: float = SLICE_S,
        track: TrackChoice = TrackChoice(),  # noqa: B008
        sampling: Sampling = ALL_FRAMES,
        memory: WorkerMemory = WorkerMemory(),  # noqa: B008
        folder: Path | None = None,
        emit: Callable[[TaskResult], None],
        shrunk: Callable[[LoadedModel, int], None],
        step: Callable[[], None],
        crashed: Callable[[BaseException], None],
    ) -> None:
        self._models = models
        self._limits = limits
        self._how = ReadingChoice(slice_s, track, sampling)
        self._folder = folder
        self._emit = emit
        self._crashed = crashed
        self._stop = threading.Event()
        self._errands: Channel[Errand] = Channel(readers, self._stop)
        self._in_flight = ByteBudget(
            memory.in_flight_for(min(model.batch, _MOST_BATCHED) for model in models), self._stop
        )
        self._pictures = ByteBudget(memory.pictures, self._stop)
        self._samples: Channel[Sequence[Sample]] = Channel(_SAMPLES, self._stop)
        self._answered: Channel[InferredBatch] = Channel(_ANSWERED, self._stop)
        self._inference = Inference(self._samples, self._answered, shrunk)
        self._step = step
        self._reading: dict[int, Reading] = {}
        bodies = [*[self._run_errands] * readers, self._inference.work, self._post]
        self._threads = [self._thread(body) for body in bodies]
        for thread in self._threads:
            thread.start()

    def reading(self) -> list[Reading]:
        """The sources that are being read; may be called from any thread."""
        return list(self._reading.values())

    def submit(self, errand: Errand) -> bool:
        """Give a reader thread an errand; waits for room, and is false when the pipeline is closed."""
        return self._errands.put(errand)

    def run(self, job: Job) -> None:
        """Read a source and submit its frames: for a reader thread."""

        def put(sample: Sample) -> bool:
            self._note(job, sample)
            return self._hand_on([sample])

        self._read(job, put)
        self._reading.pop(job.id, None)

    def run_bundle(self, jobs: Sequence[Job]) -> None:
        """The same for small sources, whose frames are prepared and handed on in blocks."""
        block = Block(self._hand_on)
        for job in jobs:
            self._read(job, block.add)
            self._step()
        block.put()

    def _read(self, job: Job, put: Put) -> None:
        read_job(
            job,
            self._consumers(job),
            put,
            self._limits,
            how=self._how,
            step=self._step,
            room=self._pictures.holding,
        )

    def _hand_on(self, samples: Sequence[Sample]) -> bool:
        ready = prepare_samples(samples)
        if not ready:
            return not self._stop.is_set()
        share = self._in_flight.take(sum(sample.nbytes for sample in ready))
        if share is None:
            return False
        shares = share.split(len(ready))
        return self._samples.put(
            [replace(sample, share=part) for sample, part in zip(ready, shares, strict=True)]
        )

    def run_alone(self, job: Job, mark: Mark) -> None:
        """The same step by step in the caller's thread, each step marked before it is taken.

        For a source that may have ended a process before: nothing else may be under way, so that the last
        mark tells what ended it.
        """

        def answer(sample: Sample) -> bool:
            self._note(job, sample)
            ready = prepare_samples([sample], mark)
            try:
                return not ready or self._inference.answer_now(ready[0], mark)
            except DeviceError as error:  # not an error of the reading, which would treat it as one
                self._crashed(error)
                return False

        read_job(job, self._consumers(job), answer, self._limits, mark, how=self._how, step=self._step)
        self._reading.pop(job.id, None)

    def close(self) -> None:
        """Stop all threads; what is under way is lost. Closing twice does nothing."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_JOIN_S)

    def __exit__(self, *_: object) -> None:
        self.close()

    def _consumers(self, job: Job) -> list[Consumer]:
        return [
            Consumer(
                want,
                self._models[want.index],
                Stream(job.id, want.model, self._emit, self._pictures_of(job, want)),
                self._clipper(job, want),
            )
            for want in job.wants
        ]

    def _clipper(self, job: Job, want: Want) -> Clipper | None:
        model = self._models[want.index]
        spec = model.clip
        if spec is None or model.spec.reads(job.kind) is Kind.AUDIO:
            return None
        first, end = want.next_slice, want.end_slice
        return clipper_of(spec, ClipRange(want.frames_before, want.since_s, first, end, self._how.slice_s))

    def _pictures_of(self, job: Job, want: Want) -> Callable[[int], PictureWriter] | None:
        """Begins the files for the pictures of a slice; see `Stream`."""
        if self._folder is None:
            return None
        moving = self._models[want.index].spec.reads(job.kind) is Kind.VIDEO
        folder, source, model = self._folder, job.id, want.model
        return lambda number: PictureWriter(Place(folder, source, model, number, moving))

    def _note(self, job: Job, sample: Sample) -> None:
        self._step()
        frame = sample.frame
        self._reading[job.id] = Reading(job.id, frame.time_s, frame.media.duration_s)

    def _thread(self, body: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                body()
            except BaseException as error:  # noqa: BLE001  reported to the owner of the pipeline
                self._crashed(error)

        return threading.Thread(target=guarded, daemon=True)

    def _run_errands(self) -> None:
        while not self._errands.closed:
            errand = self._errands.get()
            if errand is not None:
                errand()
                self._step()

    def _post(self) -> None:
        while not self._answered.closed:
            answered = self._answered.get()
            if answered is not None:
                post_process(answered, self._inference)
                self._step()
