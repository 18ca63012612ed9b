"""The detector taught block by block: cuts, coordinates, blocks, the parts of a run (need PyTorch)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.models.small_detector import lesson_of, small_network, small_shape

pytestmark = pytest.mark.train


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """As the training itself: threads that meet at every small layer stand still on a busy machine."""
    import torch

    torch.set_num_threads(1)


def test_the_cuts_of_a_cfg_are_its_narrow_maps() -> None:
    from scripts.training.detector.cuts import Cut, cuts_of

    wide = {"type": "convolutional", "activation": "leaky"}
    narrow = {"type": "convolutional", "activation": "linear"}
    yolo, pool = {"type": "yolo"}, {"type": "maxpool"}
    shortcut = [{"type": "dropout"}, {"type": "shortcut"}]
    sections = [wide, narrow, wide, narrow, *shortcut, wide, narrow, pool, wide, narrow, wide, narrow, yolo]
    cuts = cuts_of([*sections, narrow, wide, narrow, yolo])
    assert cuts.blocks == (Cut(None, 1, 1), Cut(1, 3, 5), Cut(5, 7, 7))
    assert [cut.residual for cut in cuts.blocks] == [False, True, False]
    assert cuts.stages == [[1, 5], [7]]
    assert (cuts.neck, cuts.heads, cuts.fine) == (9, ((10, 12), (14, 16)), 5)
    with pytest.raises(ValueError, match="pools"):
        cuts_of([narrow, yolo])


def test_the_default_net_has_the_teachers_narrow_maps(assets: Path) -> None:
    import torch

    from scripts.training.detector.card import MOST_OPERATIONS
    from scripts.training.detector.net import Detector
    from scripts.training.detector.teacher import MapTeacher
    from scripts.training.shipping import flops_of

    teacher = MapTeacher(assets / "models" / "yolo", torch.device("cpu"), 1)
    network = Detector()
    assert [residual for residual, _ in network.blocks()] == [cut.residual for cut in teacher.cuts.blocks]
    answers = teacher(np.zeros((1, 64, 96, 3), np.uint8))
    maps = network.maps(torch.zeros(1, 3, 64, 96))
    assert [m.shape for m in maps] == [answers[cut.after].shape for cut in teacher.cuts.blocks]
    neck = network.pool(maps[-1])
    heads = network.detect(neck, maps[network.last_fine()])
    assert neck.shape == answers[teacher.cuts.neck].shape
    assert maps[network.last_fine()].shape == answers[teacher.cuts.fine].shape
    assert [head.shape for head in heads] == [answers[last].shape for _, last in teacher.cuts.heads]
    assert flops_of(network, torch.zeros(1, 3, 320, 320)) <= MOST_OPERATIONS


def test_measured_coordinates_have_variance_one_and_no_covariance() -> None:
    import torch

    from scripts.training.detector.coordinates import fit, measure

    generator = torch.Generator().manual_seed(0)
    values = torch.randn(4, 3, 20, 20, generator=generator) * torch.tensor([5.0, 1, 0.1]).view(1, 3, 1, 1)
    values[:, 1] += values[:, 0] + 7
    placed = measure(values, mixed=True)(values)
    rows = placed.transpose(0, 1).flatten(1)
    assert torch.allclose(torch.cov(rows), torch.eye(3), atol=1e-2)
    assert torch.allclose(rows.mean(1), torch.zeros(3), atol=1e-3)
    apart = measure(values, mixed=False)
    assert torch.count_nonzero(apart.matrix - torch.diag(apart.matrix.diagonal())) == 0
    assert torch.allclose(apart(values).transpose(0, 1).flatten(1).std(1), torch.ones(3), atol=1e-3)
    # A student that was taught in these coordinates gives them back.
    assert torch.allclose(fit(values, placed)(values), placed, atol=1e-3)


def test_blocks_that_answer_as_the_lesson_says_have_no_error() -> None:
    import copy

    import torch

    from scripts.training.detector.blockwise import Scales, tasks_of

    network = small_network()
    lesson = lesson_of(network)
    scales = Scales.measured(network, [lesson])
    # A block in training answers in units of its scale; undo what settling will do.
    trained = copy.deepcopy(network)
    with torch.no_grad():
        for (_, block), scale in zip(trained.blocks(), scales.blocks, strict=True):
            block.project.weight.div_(scale[:, None, None, None])
            block.project.bias.div_(scale)
    generator = torch.Generator().manual_seed(0)
    tasks = tasks_of(trained, lesson, scales)
    assert len(tasks) == len(lesson.maps) + 5
    assert max(float(task.error(generator)) for task in tasks) < 1e-8
    scales.settle(trained)
    for mine, theirs in zip(trained.parameters(), network.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)
    with torch.no_grad():
        list(network.blocks())[2][1].project.bias.add_(1.0)
    assert float(tasks_of(network, lesson, scales)[2].error(generator)) > 0.01


class _OneLesson:
    """A source that always draws the same lesson, and a teacher's cuts to measure by."""

    def __init__(self, lesson: Any) -> None:
        self.lesson, self.coordinates, self.measured = lesson, None, 0

    def measure(self, batch: int, size: int, student: Any = None) -> Any:
        from scripts.training.detector.coordinates import Coordinates
        from scripts.training.detector.cuts import Cuts

        self.measured += 1
        return Coordinates(Cuts((), 0, ((0, 0), (0, 0))), {})

    def draw(self, batch: int, size: int, last: int = 0) -> Any:
        return self.lesson


def test_a_run_goes_through_its_parts_and_resumes_where_it_was(tmp_path: Path) -> None:
    import torch

    from scripts.training.detector.loop import PARTS, Run, Settings

    lesson = lesson_of(small_network())
    settings = Settings(steps=20, batch=2, joint_batch=4, blockwise=0.4, heads=0.3, size=64)
    run = Run(settings, small_shape(), tmp_path, torch.device("cpu"))
    run.train(_OneLesson(lesson), [])  # type: ignore[arg-type]
    samples = 8 * 2 + 12 * 4
    assert (run.step, run.samples, run.progress, run.part) == (20, samples, 1.0, "whole")
    assert [row["part"] for row in run.history] == list(PARTS)
    blocks, heads, whole = run.history
    assert len(blocks["blocks"]) == len(lesson.maps) + 5
    assert {"ap50", "maps", "heads", "objectness"} <= set(heads) == set(whole)
    assert (tmp_path / "history.jsonl").read_text(encoding="utf-8").count("\n") == 3
    again = Run(settings, small_shape(), tmp_path, torch.device("cpu"))
    again.resume()
    assert (again.step, again.samples, again.progress, again.part) == (20, samples, 1.0, "whole")
    for mine, theirs in zip(again.averaged.parameters(), run.averaged.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_blocks_learn_one_by_one(tmp_path: Path) -> None:
    import torch

    from scripts.training.detector.blockwise import tasks_of
    from scripts.training.detector.loop import Run, Settings

    settings = Settings(steps=200, batch=2, blockwise=0.5, block_rate=3e-3, size=64)
    run = Run(settings, small_shape(), tmp_path, torch.device("cpu"))
    source: Any = _OneLesson(lesson_of(small_network()))
    run.network.load_state_dict(small_network().state_dict())
    with torch.no_grad():
        for parameter in run.network.parameters():
            parameter.mul_(1 + 0.3 * torch.randn(parameter.shape))
    run.prepare(source)
    assert run.scales is not None

    def errors() -> Any:
        tasks = tasks_of(run.network, source.lesson, run.scales)  # type: ignore[arg-type]
        return np.array([float(task.error(run.generator)) for task in tasks])

    before = errors()
    for _ in range(60):
        run._one(source)
        run._advance()
    assert (errors() < before).mean() > 0.8


def test_a_run_killed_among_the_blocks_keeps_their_scales(tmp_path: Path) -> None:
    import torch

    from scripts.training.detector.loop import Run, Settings

    settings = Settings(steps=40, batch=2, blockwise=0.5, size=64)
    run = Run(settings, small_shape(), tmp_path, torch.device("cpu"))
    source: Any = _OneLesson(lesson_of(small_network()))
    run.prepare(source)
    run._one(source)
    run._advance()
    run.save()
    again = Run(settings, small_shape(), tmp_path, torch.device("cpu"))
    again.resume()
    assert (again.step, again.part) == (1, "blockwise")
    assert again.scales is not None and run.scales is not None
    for mine, theirs in zip(again.scales.blocks, run.scales.blocks, strict=True):
        assert torch.equal(mine, theirs)


def test_a_run_from_a_shipped_net_skips_the_blocks(tmp_path: Path) -> None:
    import torch

    from scripts.training.detector.loop import Run, Settings

    settings = Settings(steps=4, batch=2, blockwise=0.0, heads=0.5, size=64)
    run = Run(settings, small_shape(), tmp_path, torch.device("cpu"))
    source = _OneLesson(lesson_of(run.averaged))
    run.train(source, [])  # type: ignore[arg-type]
    assert [row["part"] for row in run.history] == ["heads", "whole"]
    assert (run.step, source.measured, run.scales) == (4, 1, None)


def test_a_net_that_answers_as_the_lesson_says_misses_no_map() -> None:
    from scripts.training.detector.losses import Weights, joint_loss
    from scripts.training.detector.net import grid

    network = small_network()
    lesson = lesson_of(network)
    for deep in (False, True):
        loss, parts = joint_loss(network, lesson, grid(64, 64), Weights(), deep=deep)
        assert parts[:2].max() < 1e-8
        network.learn_from(len(network.stages) - 1 if deep else 0)
        network.zero_grad()
        loss.backward()
        learning = [parameter.grad is not None for parameter in network.stages[0].parameters()]
        assert set(learning) == {not deep}
        assert all(parameter.grad is not None for parameter in network.fine.parameters())


def test_bfloat16_is_used_only_where_it_is_computed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from scripts.training.precision import has_bfloat16

    for able, expected in (({"avx2": True, "amx_bf16": False}, False), ({"amx_bf16": True}, True)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able)
        assert has_bfloat16(torch.device("cpu")) is expected
