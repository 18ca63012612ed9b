"""The pipeline answers every frame once, whatever plugins and files do."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest

from mediaml.core.errors import MemoryLimitError
from mediaml.core.media import Kind
from mediaml.core.model_input import SoundInput
from mediaml.core.work import Job, ModelIdentity, Sniff
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.view import open_view
from mediaml.media.limits import Limits
from mediaml.media.sniff import sniff_kind
from mediaml.pipeline.inputs import Selection, scan
from mediaml.pipeline.models import Choice, LoadedModel, ResolvedModel
from mediaml.pipeline.pipeline import Pipeline
from mediaml.pipeline.plan import Planner
from mediaml.plugin import Label, ModelSpec, NoOptions
from mediaml.registry.entry_points import Offer, PluginRecord
from tests.support.media.files import write_image, write_video


class Counting:
    """Answers with the frame's index; remembers batch sizes."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict(self, frames):
        self.batches.append(len(frames))
        return [Label(str(frame.index), 1.0) for frame in frames]


class Staged:
    """Three stages, each of which can be told to fail for a frame of a certain width."""

    def __init__(self, bad_width: int = 0, stage: str = "") -> None:
        self.bad_width = bad_width
        self.stage = stage

    def _maybe(self, stage: str, width: int) -> None:
        if stage == self.stage and width == self.bad_width:
            raise RuntimeError(f"{stage} fails for {width}")

    def prepare(self, frame):
        self._maybe("prepare", frame.width)
        return np.array([frame.width, frame.index], np.float32)

    def run(self, batch):
        for width in batch[:, 0]:
            self._maybe("run", int(width))
        return [batch]

    def decode(self, outputs, frames):
        for frame in frames:
            self._maybe("decode", frame.width)
        assert [frame.width for frame in frames] == outputs[0][:, 0].astype(int).tolist()
        return [Label(str(int(row[1])), 1.0) for row in outputs[0]]

    def predict(self, frames):
        raise AssertionError("a staged model is run by its stages")


@dataclass
class Bench:
    """A ledger and a pipeline over one folder."""

    folder: object
    batch: int = 4
    force: bool = False
    only_failed: bool = False
    alone: bool = False
    shrunk: list[int] = field(default_factory=list)
    marks: list[tuple[str, int | None]] = field(default_factory=list)

    def run(self, *models: object) -> tuple[dict[str, list[str]], dict[str, str]]:
        """Labels by source name, and failures' stages by source name."""
        loaded = [self._loaded(f"m{index}", model) for index, model in enumerate(models)]
        told: queue.SimpleQueue[object] = queue.SimpleQueue()
        with (
            Ledger(self.folder / "out") as ledger,
            Pipeline(
                loaded,
                readers=3,
                limits=Limits(),
                emit=lambda result: told.put(record_of(result)),
                shrunk=lambda model, frames: self.shrunk.append(frames),
                step=lambda: None,
                crashed=told.put,
            ) as pipeline,
        ):
            planner = Planner(
                ledger,
                [(resolved(model), ledger.add_model(model.identity)) for model in loaded],
                kinds=frozenset(Kind),
                force=self.force,
                only_failed=self.only_failed,
                emit=told.put,
            )
            for job in planner.jobs(scan(Selection((str(self.folder / "in"),)))):
                self._start(
                    planner.settle(job, sniff_kind(job.location)) if isinstance(job, Sniff) else job,
                    pipeline,
                )
            self.planned = planner.planned
            self._commit_all(ledger, told)
        with open_view(self.folder / "out") as view:
            answers = {row.name: [answer.labels for answer in view.answers(row.id)] for row in view.sources()}
            failures = {row.source.name: row.failure.stage for row in view.failures()}
        return answers, failures

    def _start(self, job: Job, pipeline: Pipeline) -> None:
        look = partial(pipeline.look_alone, job, self._mark) if self.alone else partial(pipeline.look, job)
        assert pipeline.submit(look)

    def _mark(self, stage: str, model: int | None, time_s: float) -> None:
        self.marks.append((stage, model))

    def _commit_all(self, ledger: Ledger, told: queue.SimpleQueue[object]) -> None:
        left = sum(self.planned.under_way.values())
        while left:
            record = told.get(timeout=60)
            if isinstance(record, BaseException):
                raise record
            ledger.commit([record])
            left -= bool(record.last or record.failure)

    def _loaded(self, name: str, model: object) -> LoadedModel:
        kinds = getattr(model, "kinds", frozenset({Kind.IMAGE, Kind.VIDEO}))
        spec = ModelSpec(name, task="classify", load=lambda context: None, kinds=kinds, sound=SoundInput())
        identity = ModelIdentity(name, "classify", "", "", "", "", "", "{}")
        return LoadedModel(spec, model, identity, ("cpu",), (), self.batch)


def resolved(model: LoadedModel) -> ResolvedModel:
    """What the planner knows of a model."""
    return ResolvedModel(
        Choice(Offer(model.spec, PluginRecord("", "", "", "")), NoOptions()), None, model.identity
    )


@pytest.fixture
def bench(tmp_path):
    (tmp_path / "in").mkdir()
    for index in range(5):
        write_image(tmp_path / "in" / f"photo{index}.png", 40 + 8 * (index % 2), 32)
    write_video(tmp_path / "in" / "clip.mp4", frames=30, width=64, height=48)
    (tmp_path / "in" / "broken.mp4").write_bytes(b"not a video at all")
    (tmp_path / "in" / "notes.txt").write_text("not media, and does not claim to be")
    return Bench(tmp_path)


def labels(*indices: int) -> list[str]:
    return [f'[{{"label":"{index}","score":1.0}}]' for index in indices]


@pytest.mark.parametrize("make", [Counting, Staged])
def test_every_frame_is_answered_once_and_failures_are_rows(bench, make):
    answers, failures = bench.run(make())
    assert answers["in/clip.mp4"] == labels(*range(30))
    assert all(answers[f"in/photo{index}.png"] == labels(0) for index in range(5))
    assert failures == {"in/broken.mp4": "open"}
    assert bench.planned.not_media == 1
    assert threading.active_count() < 10


def test_two_models_share_one_decode(bench):
    answers, _ = bench.run(Counting(), Staged())
    assert answers["in/clip.mp4"] == labels(*range(30)) * 2


def test_frames_of_different_files_share_a_batch(bench):
    bench.batch = 3
    model = Counting()
    bench.run(model)
    assert sum(model.batches) == 35
    assert max(model.batches) <= 3


@pytest.mark.parametrize(("stage", "said"), [("prepare", "prepare"), ("run", "infer"), ("decode", "infer")])
def test_a_frame_that_fails_costs_its_own_file_only(bench, stage, said):
    answers, failures = bench.run(Staged(48, stage))
    assert failures == {"in/broken.mp4": "open", "in/photo1.png": said, "in/photo3.png": said}
    assert answers["in/photo0.png"] == labels(0)
    assert answers["in/clip.mp4"] == labels(*range(30))


def test_a_wrong_number_of_answers_is_a_failure_not_a_shift(bench):
    class Short(Counting):
        def predict(self, frames):
            return super().predict(frames)[: len(frames) // 2]

    _, failures = bench.run(Short())
    assert set(failures.values()) == {"open", "infer"}
    assert len(failures) == 7


def test_what_is_done_is_not_done_again(bench):
    first, second = Counting(), Counting()
    answers, _ = bench.run(first)
    again, _ = bench.run(second)
    assert again == answers
    assert sum(second.batches) == 0
    assert len(bench.planned.done) == 6
    bench.force = True
    third = Counting()
    assert bench.run(third)[0] == answers
    assert sum(third.batches) == 35


def test_a_crash_of_ours_reaches_the_main_thread(bench, monkeypatch):
    monkeypatch.setattr("mediaml.pipeline.pipeline.post_process", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bench.run(Counting())


def test_a_silent_video_is_whole_for_a_model_that_listens(bench):
    class Listening(Counting):
        kinds = frozenset({Kind.AUDIO})

    answers, failures = bench.run(Listening())
    assert answers["in/clip.mp4"] == []
    assert failures == {"in/broken.mp4": "open"}
    assert bench.planned.unwanted == {Kind.IMAGE: 5}


def test_a_video_that_is_cut_off_is_answered_as_far_as_it_goes(bench):
    whole = bench.folder / "in" / "clip.mp4"
    cut = bench.folder / "in" / "cut.mkv"
    write_video(cut, frames=60, width=64, height=48)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size * 2 // 3])
    whole.unlink()
    answers, failures = bench.run(Counting())
    assert failures["in/cut.mkv"] == "decode"
    assert 10 < len(answers["in/cut.mkv"]) < 60
    assert answers["in/cut.mkv"] == labels(*range(len(answers["in/cut.mkv"])))


def test_only_what_failed_is_tried_again(bench):
    failing = Staged(48, "run")
    bench.run(failing)
    failing.stage = ""
    (bench.folder / "in" / "new.png").write_bytes((bench.folder / "in" / "photo0.png").read_bytes())
    bench.only_failed = True
    answers, failures = bench.run(failing)
    assert failures == {"in/broken.mp4": "open"}
    assert answers["in/photo1.png"] == labels(0)
    assert answers["in/new.png"] == []


def test_a_source_done_alone_is_answered_alike_and_every_step_is_marked(bench):
    together, _ = bench.run(Staged(48, "run"))
    alone = Bench(bench.folder / "again", alone=True)
    alone.folder.mkdir()
    (alone.folder / "in").symlink_to(bench.folder / "in")
    answers, failures = alone.run(Staged(48, "run"))
    assert answers == together
    assert failures == {"in/broken.mp4": "open", "in/photo1.png": "infer", "in/photo3.png": "infer"}
    assert set(alone.marks) == {("open", None), ("decode", None), ("prepare", 0), ("infer", 0)}


class Hungry(Counting):
    """Has memory for two frames, or, like a session, says so in its own words."""

    def __init__(self, most: int, error: type[Exception]) -> None:
        super().__init__()
        self.most, self.error = most, error

    def predict(self, frames):
        if len(frames) > self.most:
            raise self.error("too many frames")
        return super().predict(frames)


@pytest.mark.parametrize("error", [MemoryError, MemoryLimitError])
def test_a_batch_that_does_not_fit_in_memory_is_halved_for_good(bench, error):
    bench.batch = 8
    model = Hungry(2, error)
    answers, failures = bench.run(model)
    assert answers["in/clip.mp4"] == labels(*range(30))
    assert failures == {"in/broken.mp4": "open"}
    assert bench.shrunk[-1] == 2
    assert sum(model.batches) == 35


def test_a_frame_that_fits_in_no_memory_costs_its_file(bench):
    _, failures = bench.run(Hungry(0, MemoryError))
    assert set(failures.values()) == {"open", "infer"}
    assert len(failures) == 7


@dataclass
class Replacing(Counting):
    """Puts another file in the place of the one that it is asked about."""

    path: object = None

    def predict(self, frames):
        write_video(self.path, frames=3, width=64, height=48)
        return [Label(str(frame.index), 1.0) for frame in frames]


def test_a_file_that_is_replaced_while_it_is_read_has_failed(tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "clip.mp4"
    write_video(path, frames=60, width=64, height=48)
    assert Bench(tmp_path).run(Replacing(path)) == ({"in/clip.mp4": []}, {"in/clip.mp4": "decode"})


def test_a_file_that_is_replaced_between_plan_and_reading_has_failed(tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "clip.mp4"
    write_video(path, frames=60, width=64, height=48)
    bench = Bench(tmp_path)
    start = bench._start

    def late(job, pipeline):
        write_video(path, frames=3, width=64, height=48)
        start(job, pipeline)

    bench._start = late
    assert bench.run(Counting()) == ({"in/clip.mp4": []}, {"in/clip.mp4": "open"})
