"""The detector's network, teacher, targets, losses and export (need PyTorch: `-m train`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.models.small_detector import small_network, small_shape

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

    from scripts.training.detector.darknet import Darknet, anchors_of

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
    from scripts.training.detector.darknet import Darknet

    cfg, weights, _ = _darknet_files(tmp_path)
    weights.write_bytes(weights.read_bytes() + b"\0\0\0\0")
    with pytest.raises(ValueError, match=r"tiny\.weights"):
        Darknet(cfg, weights)


def test_the_teachers_agree_on_what_stands_in_a_photo(assets: Path) -> None:
    import torch

    from scripts.evaluation.detection import fit_photo, suppress
    from scripts.evaluation.photos import decode_photo
    from scripts.training.detector.net import decode, grid
    from scripts.training.detector.teacher import BOXES, MapTeacher, overlap, yolox_boxes
    from scripts.training.onnx_export import open_session

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
    others, kinds, best = yolox_boxes(open_session(str(folder / BOXES), 1), photo, 0.5)
    for kind in (1, 16):  # bicycle, dog
        mine, theirs = found[classes == kind][:1], others[kinds == kind][:1]
        assert scores[classes == kind][0] > 0.3
        assert best[kinds == kind][0] > 0.5
        assert overlap(mine, theirs)[0, 0] > 0.6


def test_an_annotated_box_lands_in_its_cell_and_decodes_to_itself() -> None:
    import torch

    from scripts.training.detector.net import decode, grid
    from scripts.training.detector.targets import overwrite

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

    from scripts.training.detector.net import decode, grid
    from scripts.training.detector.targets import overwrite

    cells = grid(64, 64)
    boxes = torch.tensor([[0, 1, 20.0, 20, 32, 38, 1], [0, 2, 19.0, 19, 33, 39, 1]])
    for order in (boxes, boxes.flip(0)):
        dense = overwrite(torch.zeros(1, len(cells), 85), order, 64, 64)[0]
        (found,) = (dense[:, 4] > 0).nonzero(as_tuple=True)
        assert torch.allclose(decode(dense[found, :4], cells[found])[0], boxes[0, 2:6], atol=1e-3)
        assert (dense[found, 5 + 1] > 0.5).all()


def test_the_loss_is_least_where_the_student_says_the_target() -> None:
    import torch

    from scripts.training.detector.losses import Weights, distillation, generalised_iou
    from scripts.training.detector.net import grid

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

    from scripts.training.detector.source import draw_colours, recolour

    images = torch.randint(0, 256, (2, 8, 8, 3), dtype=torch.uint8)
    same = recolour(images, torch.eye(3).expand(2, 3, 3), torch.zeros(2))
    assert torch.allclose(same, images.permute(0, 3, 1, 2).float() / 255, atol=1e-6)
    matrix, shift = draw_colours(2, torch.Generator().manual_seed(0))
    expected = torch.einsum("bij,bhwj->bihw", matrix, images.float() / 255) + shift.view(2, 1, 1, 1)
    assert torch.allclose(recolour(images, matrix, shift), expected.clamp(0, 1), atol=1e-5)


def test_a_device_renders_as_opencv_does() -> None:
    import torch

    from scripts.training.detector import augment
    from scripts.training.detector.data import Photo, halve
    from scripts.training.detector.render import CpuRenderer, DeviceRenderer

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


def test_the_exported_graph_answers_as_pytorch_at_any_size(tmp_path: Path) -> None:
    import onnx
    import onnxruntime as ort
    import torch

    from scripts.training import shipping
    from scripts.training.detector import export
    from scripts.training.detector.golden import draw_pictures
    from scripts.training.detector.net import Detector, decode, grid

    network = small_network()
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
    apart = shipping.differences(export.Exported(network).eval(), path, images)
    assert max(apart["boxes"] / 128, apart["scores"]) < 1e-5
    boxes, _ = session.run(None, {"images": images})
    raw = network(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255)
    offsets = torch.cat((raw[..., :2].sigmoid(), raw[..., 2:4]), -1)
    assert np.allclose(boxes, decode(offsets, grid(96, 128)).detach().numpy(), atol=1e-3)
    again = Detector(small_shape()).eval()
    export.initialise(again, path)
    assert torch.allclose(again(torch.ones(1, 3, 64, 64)), network(torch.ones(1, 3, 64, 64)), atol=1e-6)


def test_another_architecture_is_refused_as_a_start(tmp_path: Path) -> None:
    import onnx

    from scripts.training.detector import export
    from scripts.training.detector.net import Detector

    onnx.save(export.to_onnx(small_network(), 64, ["a"], "detector", {}), tmp_path / "small.onnx")
    with pytest.raises((ValueError, RuntimeError)):
        export.initialise(Detector(), tmp_path / "small.onnx")
