"""Record what OpenCV's own darknet reader answers, as the golden values of tests/darknet.

OpenCV 5 reads darknet no more, so this runs in an environment of its own:

    python -m venv golden && golden/bin/pip install 'opencv-python-headless<5' onnx onnxruntime msgspec
    golden/bin/python -m scripts.record_darknet_golden --assets ../shared

It also runs the imported network on ONNX Runtime and prints the largest difference over all anchors.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import UInt8Array
from mediaml.darknet.importer import import_darknet
from scripts import darknet_networks as material
from scripts.darknet_networks import Answers
from scripts.paths import assets_folder

PHOTOS = {"dog.jpg": (320, 320), "person.jpg": (416, 256), "horses.jpg": (224, 320)}
EVERYTHING = "[yolo]\nthresh=-1\nnms_threshold=0\n"
"""OpenCV's options by which a head keeps scores below 0.2 and boxes that overlap."""


def opencv_answers(cfg: Path, weights: Path, image: UInt8Array) -> Answers:
    """Boxes in input pixels and scores, as OpenCV's DNN module decodes them."""
    import cv2

    full = cfg.with_name("opencv.cfg")
    height, width = image.shape[:2]
    full.write_text(material.resized_cfg(cfg.read_text().replace("[yolo]\n", EVERYTHING), width, height))
    dnn: Any = cv2.dnn  # OpenCV 5, which the types are of, has no such reader any more
    net = dnn.readNetFromDarknet(str(full), str(weights))
    net.setInput(cv2.dnn.blobFromImage(image, 1 / 255))
    heads = [np.asarray(head) for head in net.forward(net.getUnconnectedOutLayersNames())]
    rows = np.concatenate([head.reshape(-1, head.shape[-1]) for head in heads])
    centres, sizes = rows[:, :2] * [width, height], rows[:, 2:4] * [width, height]
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1).astype(np.float32)
    return Answers(boxes, rows[:, 5:])


def imported_answers(cfg: Path, weights: Path, image: UInt8Array) -> Answers:
    """The same from the imported ONNX file."""
    import onnxruntime

    report = import_darknet(cfg, weights, cfg.with_suffix(".onnx"))
    session = onnxruntime.InferenceSession(str(report.path), providers=["CPUExecutionProvider"])
    boxes, scores = session.run(["boxes", "scores"], {"images": image[None]})
    return Answers(boxes[0], scores[0])


def record(name: str, cfg: str, weights: bytes, image: UInt8Array, **extra: Any) -> dict[str, Any]:
    """Golden values of one network and picture, with `name/` before every key."""
    with tempfile.TemporaryDirectory() as folder:
        cfg_path, weights_path = Path(folder) / "net.cfg", Path(folder) / "net.weights"
        cfg_path.write_text(cfg)
        weights_path.write_bytes(weights)
        golden = opencv_answers(cfg_path, weights_path, image)
        ours = imported_answers(cfg_path, weights_path, image)
    box = float(np.abs(golden.boxes - ours.boxes).max())
    score = float(np.abs(golden.scores - ours.scores).max())
    print(
        f"{name:48} {len(golden.boxes):5} anchors, scores to {golden.scores.max():.3f}, boxes to "
        f"{np.abs(golden.boxes).max():8.1f} px; differences {box:.6f} px {score:.8f}"
    )
    return {f"{name}/{key}": value for key, value in (golden.sample() | extra).items()}


def layer_records() -> dict[str, Any]:
    """Every layer type and head, in small networks that need nothing but this repository."""
    cfgs = {f"layers/{name}": material.layer_cfg(text) for name, text in material.LAYERS.items()}
    cfgs |= {
        f"heads/{name}": material.layer_cfg(material.conv(8), head) for name, head in material.HEADS.items()
    }
    records: dict[str, Any] = {}
    for seed, (name, cfg) in enumerate(cfgs.items()):
        image = material.random_picture(seed, 24, 16)
        records |= record(name, cfg, material.random_weights(cfg, seed), image, seed=np.int64(seed))
    return records


def network_records(assets: Path) -> dict[str, Any]:
    """The three real networks on photos, the three official cfgs with seeded weights on noise."""
    models = assets / "models" / "yolo"
    records: dict[str, Any] = {}
    for net in material.REAL_NETS:
        cfg, weights = (models / f"{net}.cfg").read_text(), (models / f"{net}.weights").read_bytes()
        for photo, size in PHOTOS.items():
            image = material.photo(assets / "media" / "image" / photo, *size)
            extra = {"size": np.array(size), "pixels": np.array(material.digest(image))}
            records |= record(f"real/{net}/{photo}", cfg, weights, image, **extra)
    # The anchors that these weights were trained with; their repository's cfg says others today.
    cfg, weights = (
        (models / "yolov3-tiny.mask123.cfg").read_text(),
        (models / "yolov3-tiny.weights").read_bytes(),
    )
    image = material.photo(assets / "media" / "image" / "dog.jpg", 416, 416)
    extra = {"size": np.array((416, 416)), "pixels": np.array(material.digest(image))}
    records |= record("published/yolov3-tiny/dog.jpg", cfg, weights, image, **extra)
    for seed, (net, size) in enumerate(material.OFFICIAL_NETS.items(), start=100):
        cfg = material.resized_cfg((models / f"{net}.cfg").read_text(), *size)
        image = material.random_picture(seed, *size)
        weights = material.random_weights(cfg, seed)
        records |= record(f"official/{net}", cfg, weights, image, seed=np.int64(seed))
    return records


def main() -> None:
    """Write both golden files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--assets", type=Path, default=assets_folder())
    arguments = parser.parse_args()
    import cv2

    version = np.array(cv2.__version__)
    material.GOLDEN.mkdir(exist_ok=True)
    np.savez_compressed(material.GOLDEN / "darknet_layers.npz", opencv=version, **layer_records())
    networks = network_records(arguments.assets)
    np.savez_compressed(material.GOLDEN / "darknet_networks.npz", opencv=version, **networks)


if __name__ == "__main__":
    main()
