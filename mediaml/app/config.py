"""What can be asked of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mediaml.app.failure_policy import FailurePolicy
from mediaml.core.errors import require
from mediaml.core.media import Kind
from mediaml.core.sampling import ALL_FRAMES, Sampling
from mediaml.core.track import TrackChoice
from mediaml.engine.timeouts import Timeouts
from mediaml.media.limits import Limits
from mediaml.onnx.providers import Precision
from mediaml.pipeline.inputs import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """One run, as it was asked for.

    Attributes:
        selection: the inputs. models: names of the models, in order, each once.
        output: the output folder.
        weights: `NAME=MODEL`, or `MODEL` where one model runs; see `choose_models`.
        options: `NAME.OPTION=VALUE`, or `OPTION=VALUE` where one model runs.
        prompts: for every model that takes prompts.
        device: see `parse_devices`. precision: see `Precision`.
        kinds: the kinds of media that are wanted.
        annotate: whether annotated copies are rendered; `None` renders them for models that draw.
        outputs: names of further formats to write, beside `results.jsonl` and `failures.jsonl`.
        force: rerun inference even where results exist.
        compare_content: detect changed files by SHA-256, not by size and time of modification.
        only_failed: retry only what failed before.
        failure_policy: when failures stop the run. timeouts: when a file is abandoned.
        jobs: 0 runs everything in this process, where a debugger can stop it; `None` uses worker processes.
        batch, threads, readers: frames per batch, threads of ONNX Runtime, files decoded at once; `None`
            decides by device and machine.
        memory: bytes for all processes together; `None` takes half of the machine's. See `divide_memory`.
        track: the audio track that is read. sampling: the frames that are looked at.
        follow: whether objects in videos are numbered.
        limits: on each media file. offline: never touch the network. debug: workers send tracebacks.
    """

    selection: Selection
    models: tuple[str, ...]
    output: Path = Path("mediaml-out")
    weights: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    device: str = "auto"
    precision: Precision = "exact"
    kinds: frozenset[Kind] = frozenset(Kind)
    annotate: bool | None = None
    outputs: tuple[str, ...] = ()
    force: bool = False
    compare_content: bool = False
    only_failed: bool = False
    failure_policy: FailurePolicy = field(default_factory=FailurePolicy)
    timeouts: Timeouts = field(default_factory=Timeouts)
    jobs: int | None = None
    batch: int | None = None
    threads: int | None = None
    readers: int | None = None
    memory: int | None = None
    track: TrackChoice = field(default_factory=TrackChoice)
    sampling: Sampling = ALL_FRAMES
    follow: bool = False
    limits: Limits = field(default_factory=Limits)
    offline: bool = False
    debug: bool = False

    def __post_init__(self) -> None:
        require(self.jobs in (None, 0), f"jobs must be 0 or None, not {self.jobs}")
