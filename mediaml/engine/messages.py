"""The messages between an engine and its workers.

Orders go to a worker, one `Setup` first; everything else comes back. All of it is plain data in MessagePack,
validated against these types when it is read: a worker has opened untrusted files.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from mediaml.core.location import decoded, encoded
from mediaml.core.media import Kind
from mediaml.core.track import TrackChoice
from mediaml.core.work import Failure, Job, ModelIdentity, Reading, Sniff, Stage, Want
from mediaml.core.worker_memory import WorkerMemory
from mediaml.ledger.encoding import TaskRecord
from mediaml.media.limits import Limits
from mediaml.onnx.providers import DeviceRequest


class Message(msgspec.Struct, frozen=True, tag_field="message", tag=True):
    """Any message."""


class ModelOrder(msgspec.Struct, frozen=True):
    """A model to load.

    Attributes:
        weights: its file's path in the system's encoding.
        identity: what decides its predictions, its options among it.
        keep: detections of a lower score are bounded in number, see `mediaml.core.view.bounded`.
    """

    weights: bytes | None
    identity: ModelIdentity
    keep: float = 0.0


class Setup(Message, frozen=True):
    """What a worker is for.

    Attributes:
        models: in the order of the run. device: where they are to run.
        threads, batch: see `load_model`. readers, limits, slice_s: see `Pipeline`.
        batch_limits: the largest batches that fit in memory, by `batch_keys`.
        debug: whether a crash shows where every thread was.
        track: which audio track is read. memory: what frames may take.
        sampling: which frames are read, see `Sampling.record`.
        plugin_files: paths of files that are plugins in this run, in the system's encoding.
        folder: the output folder in the system's encoding, for the pictures of answers.
    """

    models: tuple[ModelOrder, ...]
    device: DeviceRequest
    threads: int | None
    batch: int | None
    readers: int
    limits: Limits
    slice_s: float
    batch_limits: dict[str, int]
    debug: bool = False
    track: TrackChoice = TrackChoice()
    sampling: dict[str, bool | int | float | str] = {}
    memory: WorkerMemory = WorkerMemory()
    plugin_files: tuple[bytes, ...] = ()
    folder: bytes | None = None

    @property
    def output(self) -> Path | None:
        """The output folder."""
        return None if self.folder is None else Path(os.fsdecode(self.folder))


class Identify(Message, frozen=True):
    """Identify the kind of a source."""

    position: int
    location: bytes
    alone: bool = False

    @property
    def key(self) -> str:
        """The key of this order."""
        return f"identify {self.position}"

    @property
    def sniff(self) -> Sniff:
        """The question."""
        return Sniff(self.position, decoded(self.location))


class ReadSource(Message, frozen=True):
    """Run models on a source; `alone`: step by step, each step marked, as it may have ended a process."""

    source: int
    location: bytes
    kind: Kind
    wants: tuple[Want, ...]
    alone: bool = False
    stamp: tuple[int, int] | None = None

    @property
    def key(self) -> str:
        """The key of this order."""
        return f"read {self.source}"

    @property
    def job(self) -> Job:
        """What is to be done."""
        return Job(self.source, decoded(self.location), self.kind, self.wants, self.stamp)


class ReadBundle(Message, frozen=True):
    """Run models on small sources, which are read in a row by one thread."""

    orders: tuple[ReadSource, ...]

    @property
    def key(self) -> str:
        """The key of this bundle."""
        return f"bundle {self.orders[0].source}"


Order = Identify | ReadSource
Assigned = Order | ReadBundle
"""What a worker is given to do."""


def order_of(job: Job | Sniff) -> Order:
    """The order that asks for a job."""
    if isinstance(job, Sniff):
        return Identify(job.position, encoded(job.location))
    return ReadSource(job.id, encoded(job.location), job.kind, job.wants, stamp=job.stamp)


class ModelDevices(msgspec.Struct, frozen=True):
    """What a loaded model really runs on, its label list, and the frames of its clips; see `LoadedModel`."""

    devices: tuple[str, ...]
    fallbacks: tuple[str, ...]
    labels: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    clip_frames: int | None = None


class ModelsLoaded(Message, frozen=True):
    """All models are loaded."""

    models: tuple[ModelDevices, ...]


class WorkerFailed(Message, frozen=True):
    """The worker cannot continue, and exits.

    Attributes:
        type, text, hint: of the error. trace: its traceback, for `--debug`.
    """

    type: str
    text: str
    hint: str
    trace: str


class Notice(Message, frozen=True):
    """A line for the user."""

    text: str


class Began(Message, frozen=True):
    """An order has been begun, or a bundle of them."""

    key: str


class Identified(Message, frozen=True):
    """What a source is, or why that is unknown."""

    key: str
    answer: Kind | None
    failure: Failure | None = None


class TasksDone(Message, frozen=True):
    """The outcome of some tasks."""

    records: tuple[TaskRecord, ...]


def key_of(record: TaskRecord) -> str:
    """The key of the `ReadSource` that a record belongs to."""
    return f"read {record.task.source}"


class StepStarted(Message, frozen=True):
    """A step that is about to be taken for an order that is run alone; see `mediaml.pipeline.read.Mark`."""

    key: str
    stage: Stage
    model: int | None
    time_s: float


class BatchReduced(Message, frozen=True):
    """The largest batch of a model that fits in memory; `key` is `batch_keys`'s."""

    name: str
    key: str
    frames: int


class Alive(Message, frozen=True):
    """There was progress since the last heartbeat; `reading` is what is being read."""

    reading: tuple[Reading, ...] = ()


Report = (
    ModelsLoaded | WorkerFailed | Notice | Began | Identified | TasksDone | StepStarted | BatchReduced | Alive
)


def batch_keys(identity: ModelIdentity, devices: tuple[str, ...]) -> list[str]:
    """Keys of the largest batch size of a model: one for each device it runs on."""
    return [f"{identity.weights_sha256 or identity.name} {device}" for device in devices or ("cpu",)]
