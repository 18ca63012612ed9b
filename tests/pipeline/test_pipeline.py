"""The pipeline answers every frame once, whatever plugins and files do."""

from __future__ import annotations

import threading

import pytest

from mediaml.core.errors import MemoryLimitError
from mediaml.core.media import Kind
from mediaml.core.prediction import Label
from mediaml.core.worker_memory import WorkerMemory
from tests.support.media.files import write_video
from tests.support.pipeline_run import Bench, Counting, Staged


def labels(*indices: int) -> list[tuple[Label, ...]]:
    return [(Label(str(index), 1.0),) for index in indices]


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


@pytest.mark.parametrize(("make", "in_flight"), [(Counting, 1), (Staged, 1), (Counting, 200_000)])
def test_frames_wait_for_room(bench, make, in_flight):
    """A budget smaller than a frame passes every frame alone, and gives back what failed frames took."""
    bench.memory = WorkerMemory(pictures=1, in_flight=in_flight)
    model = make()
    answers, failures = bench.run(model)
    assert answers["in/clip.mp4"] == labels(*range(30))
    assert failures == {"in/broken.mp4": "open"}
    if make is Counting:
        frame_bytes = 160 * 96 * 3 // 2
        assert max(model.batches) <= max(1, in_flight // frame_bytes)


@pytest.mark.parametrize("stage", ["prepare", "run", "decode"])
def test_frames_that_fail_give_their_room_back(bench, stage):
    bench.memory = WorkerMemory(pictures=1, in_flight=1)
    answers, failures = bench.run(Staged(48, stage))
    assert set(failures) == {"in/broken.mp4", "in/photo1.png", "in/photo3.png"}
    assert answers["in/clip.mp4"] == labels(*range(30))


def test_pixels_are_let_go_where_decoding_does_not_look_at_them(bench):
    class Blind(Staged):
        decodes_pixels = False
        seen = 0

        def decode(self, outputs, frames):
            assert all(frame.nbytes == 0 for frame in frames)
            with pytest.raises(ValueError, match="decodes_pixels"):
                _ = frames[0].image
            Blind.seen += len(frames)
            return super().decode(outputs, frames)

    answers, _ = bench.run(Blind())
    assert Blind.seen == 35
    assert answers["in/clip.mp4"] == labels(*range(30))


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


class Replacing(Counting):
    """Puts another file in the place of the one that it is asked about."""

    def __init__(self, path):
        super().__init__()
        self.path = path

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
