"""Small files are prepared and handed on in blocks; a frame that fails costs itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mediaml.core.arrays import Float32Array
from mediaml.core.media import Kind
from mediaml.core.work import Job, TaskResult, Want
from mediaml.media.limits import Limits
from mediaml.pipeline.pipeline import Pipeline
from mediaml.plugin import Frame
from tests.support.media.files import write_image
from tests.support.pipeline_run import Bench, Staged


class AtOnce(Staged):
    """Prepares several frames at once; remembers how many."""

    def __init__(self, bad_width: int = 0, stage: str = "") -> None:
        super().__init__(bad_width, stage)
        self.blocks: list[int] = []

    def prepare_batch(self, frames: Sequence[Frame]) -> list[Float32Array]:
        samples = [self.prepare(frame) for frame in frames]
        self.blocks.append(len(frames))
        return samples


class Short(AtOnce):
    """Gives one sample too few."""

    def prepare_batch(self, frames: Sequence[Frame]) -> list[Float32Array]:
        return super().prepare_batch(frames)[1:]


def bundled(tmp_path, model: Staged) -> dict[int, TaskResult]:
    """The results of 40 pictures that are read as one bundle, by their number; the 17th is 48 wide."""
    loaded = Bench(tmp_path)._loaded("m", model)
    jobs, done = [], []
    for number in range(40):
        path = tmp_path / f"{number}.png"
        write_image(path, 48 if number == 17 else 40, 32)
        jobs.append(Job(number, path, Kind.IMAGE, (Want(1, 0),)))
    with Pipeline(
        [loaded],
        readers=1,
        limits=Limits(),
        emit=done.append,
        shrunk=lambda *_: None,
        step=lambda: None,
        crashed=pytest.fail,
    ) as pipeline:
        pipeline.submit(lambda: pipeline.run_bundle(jobs))
        while len(done) < len(jobs):
            assert all(thread.is_alive() for thread in pipeline._threads)
    return {result.task.source: result for result in done}


@pytest.mark.parametrize("make", [Staged, AtOnce, Short])
def test_every_picture_of_a_bundle_is_answered(tmp_path, make) -> None:
    model = make()
    results = bundled(tmp_path, model)
    assert sorted(results) == list(range(40))
    assert all(len(result.answers) == 1 and result.last for result in results.values())
    assert {result.info.width for result in results.values() if result.info} == {40, 48}
    if make is AtOnce:
        assert sum(model.blocks) == 40
        assert len(model.blocks) < 10


@pytest.mark.parametrize("stage", ["prepare", "run", "decode"])
def test_a_picture_that_fails_costs_itself(tmp_path, stage) -> None:
    results = bundled(tmp_path, AtOnce(48, stage))
    assert sorted(results) == list(range(40))
    failed = [number for number, result in results.items() if result.failure is not None]
    assert failed == [17]
    assert results[17].failure.stage == ("prepare" if stage == "prepare" else "infer")
