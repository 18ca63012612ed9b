"""The detector's network, teacher, targets, losses and export (need PyTorch: `-m train`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.train


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """As the training itself: threads that meet at every small layer stand still on a busy machine."""
    import torch

    torch.set_num_threads(1)


CFG = """
[net]
width=64
height=64
[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
activation=leaky
[convolutional]
filters=4
size=1
stride=1
pad=1
activation=linear
[shortcut]
from=-2
activation=linear
[maxpool]
size=3
stride=1
[route]
layers=-1,-3
[convolutional]
filters=18
size=1
stride=1
pad=1
activation=linear
[yolo]
mask=1,2,0
anchors=1,2, 3,4, 5,6
classes=1
"""


def _darknet_files(folder: Path) -> tuple[Path, Path, int]:
    count = 4 * 4 + 4 * 3 * 9 + 4 + 4 * 4 + 18 + 8 * 18
    numbers = np.random.default_rng(0).uniform(0.1, 1.0, count).astype("<f4")
    header = np.array([0, 2, 0], "<i4").tobytes() + np.array([0], "<i8").tobytes()
    (folder / "tiny.weights").write_bytes(header + numbers.tobytes())
    (folder / "tiny.cfg").write_text(CFG, encoding="utf-8")
    return folder / "tiny.cfg", folder / "tiny.weights", count


def test_the_rebuilt_teacher_answers_as_opencvs_filters_do(tmp_path: Path) -> None:
    """OpenCV's own darknet importer is gone since 5.0, so the layers are recomputed with its filters."""
    import cv2
    import torch
    from training.detector.darknet import Darknet, anchors_of

    cfg, weights, count = _darknet_files(tmp_path)
    assert anchors_of(cfg) == (((3.0, 4.0), (5.0, 6.0), (1.0, 2.0)),)
    numbers = np.fromfile(weights, "<f4")[5:]
    assert len(numbers) == count
    image = np.random.default_rng(1).random((3, 8, 8)).astype(np.float32)
    beta, gamma, mean, variance = numbers[:16].reshape(4, 4)
    kernels = numbers[16:124].reshape(4, 3, 3, 3)
    planes = []
    for out in range(4):
        filtered = [
            cv2.filter2D(image[c], cv2.CV_32F, kernels[out, c], borderType=cv2.BORDER_CONSTANT)
            for c in range(3)
        ]
        plane = (np.sum(filtered, 0)[::2, ::2] - mean[out]) / np.sqrt(variance[out] + 1e-5)
        plane = plane * gamma[out] + beta[out]
        planes.append(np.where(plane > 0, plane, 0.1 * plane))
    first = np.stack(planes)
    bias, kernel = numbers[124:128], numbers[128:144].reshape(4, 4)
    second = np.einsum("oc,chw->ohw", kernel, first) + bias[:, None, None]
    summed = second + first
    pooled = np.stack([cv2.dilate(plane, np.ones((3, 3), np.uint8)) for plane in summed])
    both = np.concatenate((pooled, second))
    last, head = numbers[144:162], numbers[162:].reshape(18, 8)
    expected = np.einsum("oc,chw->ohw", head, both) + last[:, None, None]
    answer = Darknet(cfg, weights)(torch.from_numpy(image)[None])[0].numpy()
    assert answer.shape == (4 * 4 * 3, 6)
    assert np.allclose(answer, expected.reshape(3, 6, 4, 4).transpose(2, 3, 0, 1).reshape(-1, 6), atol=1e-4)


def test_weights_of_another_cfg_are_refused(tmp_path: Path) -> None:
    from training.detector.darknet import Darknet

    cfg, weights, _ = _darknet_files(tmp_path)
    weights.write_bytes(weights.read_bytes() + b"\0\0\0\0")
    with pytest.raises(ValueError, match=r"tiny\.weights"):
        Darknet(cfg, weights)


def test_the_teachers_agree_on_what_stands_in_a_photo(assets: Path) -> None:
    import torch
    from evaluation.detection import fit_photo, suppress
    from evaluation.photos import decode_photo
    from training.detector.net import decode, grid
    from training.detector.teacher import BOXES, MapTeacher, _session, overlap, yolox_boxes

    folder = assets / "models" / "yolo"
    path = next((assets / "media" / "image").rglob("dog.jpg"))
    photo = decode_photo(path.read_bytes(), path.name)
    fitted = fit_photo(photo, 320, 320, "stretch")
    teacher = MapTeacher(folder, torch.device("cpu"), 1)
    answers = teacher(fitted.pixels[None])
    with torch.inference_mode():
        rebuilt = teacher.network(torch.from_numpy(fitted.pixels[None]))
    for answer, expected in zip(answers.values(), rebuilt, strict=True):
        assert torch.allclose(answer, expected, atol=1e-3 * float(expected.abs().max()))
    dense = teacher.dense(answers)
    boxes = decode(dense[0, :, :4], grid(320, 320)).numpy()
    found, classes, scores = suppress(boxes, (dense[0, :, 4:5] * dense[0, :, 5:]).numpy())
    found = (found / np.tile(fitted.scale, 2)).astype(np.float32)
    others, kinds, best = yolox_boxes(_session(str(folder / BOXES), 1), photo, 0.5)
    for kind in (1, 16):  # bicycle, dog
        mine, theirs = found[classes == kind][:1], others[kinds == kind][:1]
        assert scores[classes == kind][0] > 0.3
        assert best[kinds == kind][0] > 0.5
        assert overlap(mine, theirs)[0, 0] > 0.6


def test_an_annotated_box_lands_in_its_cell_and_decodes_to_itself() -> None:
    import torch
    from training.detector.net import decode, grid
    from training.detector.targets import overwrite

    cells = grid(64, 96)
    dense = torch.zeros(2, len(cells), 85)
    box = [40.0, 8.0, 60.0, 40.0]
    dense = overwrite(dense, torch.tensor([[1, 7, *box, 0.9]]), 64, 96)
    assert dense[0].abs().sum() == 0
    (found,) = (dense[1, :, 4] > 0).nonzero(as_tuple=True)
    # 20 x 32 matches the anchor 37 x 49 of stride 16 alone: cell x 50/16 = 3, y 24/16 = 1, its index 1.
    assert found.tolist() == [2 * 3 * 3 + (1 * 6 + 3) * 3 + 1] or len(found) > 1
    assert dense[1, found, 4].tolist() == pytest.approx([0.9] * len(found))
    assert dense[1, found].argmax(1).tolist() != []
    assert dense[1, found, 12].tolist() == pytest.approx([0.6 * 0.9] * len(found))
    boxes = decode(dense[1, found, :4], cells[found])
    assert torch.allclose(boxes, torch.tensor([box]).expand(len(found), 4), atol=1e-3)


def test_of_two_boxes_in_one_cell_the_smaller_has_it() -> None:
    import torch
    from training.detector.net import decode, grid
    from training.detector.targets import overwrite

    cells = grid(64, 64)
    boxes = torch.tensor([[0, 1, 20.0, 20, 32, 38, 1], [0, 2, 19.0, 19, 33, 39, 1]])
    for order in (boxes, boxes.flip(0)):
        dense = overwrite(torch.zeros(1, len(cells), 85), order, 64, 64)[0]
        (found,) = (dense[:, 4] > 0).nonzero(as_tuple=True)
        assert torch.allclose(decode(dense[found, :4], cells[found])[0], boxes[0, 2:6], atol=1e-3)
        assert (dense[found, 5 + 1] > 0.5).all()


def test_the_loss_is_least_where_the_student_says_the_target() -> None:
    import torch
    from training.detector.losses import Weights, distillation, generalised_iou
    from training.detector.net import grid

    cells = grid(64, 64)
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(1, len(cells), 85, generator=generator) * 0.98 + 0.01
    exact = torch.cat((target[..., :2].logit(), target[..., 2:4], target[..., 4:].logit()), -1)
    least, parts = distillation(exact, target, cells, Weights())
    assert parts[2:].tolist() == pytest.approx([0.0, 0.0], abs=1e-4)
    for _ in range(3):
        moved = exact + 0.3 * torch.randn(exact.shape, generator=generator)
        assert distillation(moved, target, cells, Weights())[0] > least
    pair = torch.tensor([[0.0, 0, 2, 2], [2.0, 0, 4, 2]])
    # Side by side: IoU 0, hull 8 of which 0 is empty; one apart: hull 4x2, union 8.
    assert generalised_iou(pair[0], pair[1]).item() == pytest.approx(0.0, abs=1e-4)
    assert generalised_iou(pair[0], torch.tensor([4.0, 0, 6, 2])).item() == pytest.approx(-1 / 3, abs=1e-4)


def test_recolouring_with_the_identity_changes_nothing() -> None:
    import torch
    from training.detector.source import draw_colours, recolour

    images = torch.randint(0, 256, (2, 8, 8, 3), dtype=torch.uint8)
    same = recolour(images, torch.eye(3).expand(2, 3, 3), torch.zeros(2))
    assert torch.allclose(same, images.permute(0, 3, 1, 2).float() / 255, atol=1e-6)
    matrix, shift = draw_colours(2, torch.Generator().manual_seed(0))
    expected = torch.einsum("bij,bhwj->bihw", matrix, images.float() / 255) + shift.view(2, 1, 1, 1)
    assert torch.allclose(recolour(images, matrix, shift), expected.clamp(0, 1), atol=1e-5)


def test_a_device_renders_as_opencv_does() -> None:
    import torch
    from training.detector import augment
    from training.detector.data import Photo, halve
    from training.detector.render import CpuRenderer, DeviceRenderer

    y, x = np.mgrid[:64, :96]
    wide = np.stack((x * 2, y * 3, x + y), -1).astype(np.uint8)
    photos = [
        Photo(str(number), (pixels, halve(pixels)), np.zeros((0, 4), np.float32), *([np.zeros(0)] * 2), True)
        for number, pixels in enumerate((wide, np.ascontiguousarray(wide.transpose(1, 0, 2))))
    ]
    rng, chances = np.random.default_rng(3), np.array([0.5, 1.0])
    samples = [augment.plan_sample(rng, photos, chances, 96, augment.Recipe(mosaic=0.5)) for _ in range(12)]
    expected = CpuRenderer(photos, 1)(samples, 96).float()
    found = DeviceRenderer(photos, torch.device("cpu"))(samples, 96).float()
    # Edges against the grey are steep, and OpenCV rounds positions to 1/32 pixel: allow a few per mille.
    assert ((found - expected).abs() > 6).float().mean() < 0.005
    assert (found - expected).abs().mean() < 0.5


def _shape() -> Any:
    """A small architecture: strides 4, 8, 16 and 32, one residual block each."""
    from training.detector.net import Architecture, Stage

    stages = (Stage(8, 1, 8, 8, 0), Stage(8, 2, 8, 8, 1), Stage(8, 2, 8, 8, 1), Stage(12, 2, 16, 16, 1))
    return Architecture(8, (*stages, Stage(16, 2, 16, 24, 1)), 16, 16, 16, 16)


def _network() -> Any:
    """A small net in evaluation mode, always the same."""
    import torch
    from training.detector.net import Detector

    torch.manual_seed(0)
    network = Detector(_shape()).eval()
    for parameter in network.parameters():  # all different, as a trained net's are
        parameter.data.add_(0.01 * torch.randn(parameter.shape))
    return network


def test_the_exported_graph_answers_as_pytorch_at_any_size(tmp_path: Path) -> None:
    import onnx
    import onnxruntime as ort
    import torch
    from training.detector import export
    from training.detector.golden import draw_pictures
    from training.detector.net import Detector, decode, grid

    network = _network()
    export.round_kernels(network)
    model = export.to_onnx(network, 64, ["a"] * 80, "detector", {"seed": 1})
    path = tmp_path / "detector.onnx"
    onnx.save(model, path)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    described = session.get_modelmeta().custom_metadata_map
    assert described["mediaml.interface"] == "detector/1"
    assert [value.shape for value in session.get_outputs()] == [
        ["batch", "anchors", 4],
        ["batch", "anchors", 80],
    ]
    images = draw_pictures(height=96, width=128)
    assert max(export.largest_difference(network, session, images)) < 1e-5
    boxes, _ = session.run(None, {"images": images})
    raw = network(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255)
    offsets = torch.cat((raw[..., :2].sigmoid(), raw[..., 2:4]), -1)
    assert np.allclose(boxes, decode(offsets, grid(96, 128)).detach().numpy(), atol=1e-3)
    again = Detector(_shape()).eval()
    export.initialise(again, path)
    assert torch.allclose(again(torch.ones(1, 3, 64, 64)), network(torch.ones(1, 3, 64, 64)), atol=1e-6)


def test_another_architecture_is_refused_as_a_start(tmp_path: Path) -> None:
    import onnx
    from training.detector import export
    from training.detector.net import Detector

    onnx.save(export.to_onnx(_network(), 64, ["a"], "detector", {}), tmp_path / "small.onnx")
    with pytest.raises((ValueError, RuntimeError)):
        export.initialise(Detector(), tmp_path / "small.onnx")


def test_the_cuts_of_a_cfg_are_its_narrow_maps() -> None:
    from training.detector.cuts import Cut, cuts_of

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
    from training.detector.card import MOST_OPERATIONS
    from training.detector.net import Detector, operations
    from training.detector.teacher import MapTeacher

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
    assert operations(network, 320) <= MOST_OPERATIONS


def test_measured_coordinates_have_variance_one_and_no_covariance() -> None:
    import torch
    from training.detector.coordinates import fit, measure

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


def _lesson(network: Any) -> Any:
    """A lesson of two 64 x 64 pictures that a net of this shape could answer without a fault."""
    import torch
    from training.detector.coordinates import Lesson
    from training.detector.net import flatten_heads

    images = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        maps = network.maps(images.permute(0, 3, 1, 2).float() / 255)
        neck = network.pool(maps[-1])
        up = torch.nn.functional.interpolate(neck, scale_factor=2.0)
        middles = network.coarse[0](neck), network.fine[0](torch.cat((up, maps[network.last_fine()]), 1))
        heads = network.detect(neck, maps[network.last_fine()])
        raw = flatten_heads(heads, network.values)
    dense = torch.cat((raw[..., :2].sigmoid(), raw[..., 2:4], raw[..., 4:].sigmoid()), -1)
    return Lesson(images, maps, neck, middles, heads, dense)


def test_blocks_that_answer_as_the_lesson_says_have_no_error() -> None:
    import copy

    import torch
    from training.detector.blockwise import Scales, tasks_of

    network = _network()
    lesson = _lesson(network)
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
        from training.detector.coordinates import Coordinates
        from training.detector.cuts import Cuts

        self.measured += 1
        return Coordinates(Cuts((), 0, ((0, 0), (0, 0))), {})

    def draw(self, batch: int, size: int, last: int = 0) -> Any:
        return self.lesson


def test_a_run_goes_through_its_parts_and_resumes_where_it_was(tmp_path: Path) -> None:
    import torch
    from training.detector.loop import PARTS, Run, Settings

    lesson = _lesson(_network())
    settings = Settings(steps=20, batch=2, blockwise=0.4, heads=0.3, size=64)
    run = Run(settings, _shape(), tmp_path, torch.device("cpu"))
    run.train(_OneLesson(lesson), [])  # type: ignore[arg-type]
    assert (run.step, run.samples, run.progress, run.part) == (20, 40, 1.0, "whole")
    assert [row["part"] for row in run.history] == list(PARTS)
    blocks, heads, whole = run.history
    assert len(blocks["blocks"]) == len(lesson.maps) + 5
    assert {"ap50", "maps", "heads", "objectness"} <= set(heads) == set(whole)
    assert (tmp_path / "history.jsonl").read_text(encoding="utf-8").count("\n") == 3
    again = Run(settings, _shape(), tmp_path, torch.device("cpu"))
    again.resume()
    assert (again.step, again.samples, again.progress, again.part) == (20, 40, 1.0, "whole")
    for mine, theirs in zip(again.averaged.parameters(), run.averaged.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_blocks_learn_one_by_one(tmp_path: Path) -> None:
    import torch
    from training.detector.blockwise import tasks_of
    from training.detector.loop import Run, Settings

    settings = Settings(steps=200, batch=2, blockwise=0.5, block_rate=3e-3, size=64)
    run = Run(settings, _shape(), tmp_path, torch.device("cpu"))
    source: Any = _OneLesson(_lesson(_network()))
    run.network.load_state_dict(_network().state_dict())
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
    from training.detector.loop import Run, Settings

    settings = Settings(steps=40, batch=2, blockwise=0.5, size=64)
    run = Run(settings, _shape(), tmp_path, torch.device("cpu"))
    source: Any = _OneLesson(_lesson(_network()))
    run.prepare(source)
    run._one(source)
    run._advance()
    run.save()
    again = Run(settings, _shape(), tmp_path, torch.device("cpu"))
    again.resume()
    assert (again.step, again.part) == (1, "blockwise")
    assert again.scales is not None and run.scales is not None
    for mine, theirs in zip(again.scales.blocks, run.scales.blocks, strict=True):
        assert torch.equal(mine, theirs)


def test_a_run_from_a_shipped_net_skips_the_blocks(tmp_path: Path) -> None:
    import torch
    from training.detector.loop import Run, Settings

    settings = Settings(steps=4, batch=2, blockwise=0.0, heads=0.5, size=64)
    run = Run(settings, _shape(), tmp_path, torch.device("cpu"))
    source = _OneLesson(_lesson(run.averaged))
    run.train(source, [])  # type: ignore[arg-type]
    assert [row["part"] for row in run.history] == ["heads", "whole"]
    assert (run.step, source.measured, run.scales) == (4, 1, None)


def test_a_net_that_answers_as_the_lesson_says_misses_no_map() -> None:
    from training.detector.losses import Weights, joint_loss
    from training.detector.net import grid

    network = _network()
    lesson = _lesson(network)
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
    from training.detector.loop import narrow_type

    assert narrow_type(torch.device("cuda")) == torch.bfloat16
    for able, expected in (({"avx2": True, "amx_bf16": False}, None), ({"amx_bf16": True}, torch.bfloat16)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able)
        assert narrow_type(torch.device("cpu")) == expected
