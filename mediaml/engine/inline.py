"""Everything in this process and this thread: `--jobs 0`, so that a debugger can stop in a plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mediaml.core.sampling import Sampling
from mediaml.core.work import Job, Reading, Sniff, TaskResult
from mediaml.engine.jobs import devices_of, encode_result, identify_sniffed, load_models
from mediaml.engine.messages import ModelDevices, Setup, batch_keys
from mediaml.engine.protocol import JobPlanner
from mediaml.ledger.encoding import TaskRecord
from mediaml.pipeline.models import LoadedModel
from mediaml.pipeline.pipeline import Pipeline
from mediaml.pipeline.sample import no_mark


class InlineEngine:
    """Runs jobs one by one, frame by frame. A decoder that crashes ends the run.

    Args:
        warn: takes one line for the user.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._setup: Setup | None = None
        self._models: list[LoadedModel] = []
        self._pipeline: Pipeline | None = None
        self._records: list[TaskRecord] = []
        self._shrunk: dict[str, int] = {}

    def begin(self, setup: Setup, *, later: bool = False) -> None:
        """See `Engine.begin`."""
        self._setup = setup

    def ready(self) -> Sequence[ModelDevices]:
        """See `Engine.ready`."""
        self._load()
        return [devices_of(model) for model in self._models]

    def _load(self) -> Pipeline:
        """The pipeline, with its models loaded when it is first needed."""
        if self._pipeline is not None:
            return self._pipeline
        assert self._setup is not None
        self._models = load_models(self._setup, self._warn)
        self._pipeline = Pipeline(
            self._models,
            readers=1,
            track=self._setup.track,
            sampling=Sampling.of_record(self._setup.sampling),
            memory=self._setup.memory,
            folder=self._setup.output,
            limits=self._setup.limits,
            slice_s=self._setup.slice_s,
            step=lambda: None,
            emit=self._encode,
            shrunk=self._shrink,
            crashed=_raise,
        )
        return self._pipeline

    def run(self, jobs: Iterator[Job | Sniff], planner: JobPlanner) -> Iterator[None]:
        """See `Engine.run`; a turn is a job."""
        assert self._setup is not None
        for asked in jobs:
            job = asked
            if isinstance(job, Sniff):
                answer = identify_sniffed(job, self._setup.limits)
                settled = planner.settle(job, answer)
                if settled is None:
                    yield
                    continue
                job = settled
            self._load().run_alone(job, no_mark)
            for key, frames in self._shrunk.items():
                planner.note_batch_limit(key, frames)
            yield
        yield

    def emit(self, record: TaskRecord) -> None:
        """See `Engine.emit`."""
        self._records.append(record)

    def take(self) -> list[TaskRecord]:
        """See `Engine.take`."""
        taken, self._records = self._records, []
        return taken

    def reading(self) -> Sequence[Reading]:
        """See `Engine.reading`; nothing is read between two turns."""
        return ()

    def close(self) -> None:
        """See `Engine.close`."""
        if self._pipeline is not None:
            self._pipeline.close()

    def _encode(self, result: TaskResult) -> None:
        record = encode_result(result)
        if self._setup and self._setup.debug and record.failure is not None and record.failure.trace:
            self._warn(record.failure.trace)
        self._records.append(record)

    def _shrink(self, model: LoadedModel, frames: int) -> None:
        self._warn(f"{model.spec.name}: out of memory; batch size reduced to {frames}")
        self._shrunk |= dict.fromkeys(batch_keys(model.identity, model.devices), frames)


def _raise(error: BaseException) -> None:
    raise error
