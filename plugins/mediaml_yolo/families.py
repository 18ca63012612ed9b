"""The families of detectors: how each takes its images, and what is done with its boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from mediaml.plugin import ImageInput

FamilyName = Literal[
    "mediaml",
    "zoo-yolov3",
    "yolov5",
    "yolov8",
    "yolov8-pose",
    "yolov10",
    "yolox",
    "yolox-decoded",
    "yolo-classify",
    "ultralytics-rtdetr",
    "rt-detr",
    "rf-detr",
    "hf-sigmoid",
    "hf-softmax",
    "torchvision",
    "ssd",
    "tensorflow",
]
Choice = Literal["auto", FamilyName]

FAMILY_NAMES: tuple[FamilyName, ...] = get_args(FamilyName)

_YOLO = ImageInput(640, 640, fit="letterbox", resample="opencv-linear")
_YOLOX = ImageInput(640, 640, fit="letterbox-top-left", color="BGR", scale=1.0, resample="opencv-linear")
_STRETCHED = ImageInput(640, 640)
_IMAGENET = ImageInput(560, 560, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@dataclass(frozen=True, slots=True)
class Family:
    """What the graphs of a family have in common.

    Attributes:
        title: for people.
        input: how images are laid in and normalised, where the file does not say; the size where it is free.
        iou: overlap above which the weaker box of a class is dropped; `None` where the network needs no
            suppression, or has it inside.
        rectangular: whether an image gets the smallest rectangle that holds it where height and width are
            free, not a square.
        native: whether the graph resizes: an image is passed at its own size where height and width are free.
        is_yolo: whether the model `yolo` takes it; `detect` takes all.
    """

    title: str
    input: ImageInput
    iou: float | None = None
    rectangular: bool = False
    native: bool = False
    is_yolo: bool = False


FAMILIES: Mapping[FamilyName, Family] = {
    "mediaml": Family(
        "mediaml's own layout, detector/1",
        ImageInput(416, 416, fit="letterbox", layout="NHWC", dtype="uint8"),
        0.45,
        rectangular=True,
        is_yolo=True,
    ),
    # The zoo's own preprocessing: Pillow's bicubic on grey 128. Options cannot undo its own suppression.
    "zoo-yolov3": Family(
        "the ONNX zoo's yolov3 and tiny-yolov3",
        ImageInput(416, 416, fit="letterbox", pad=128, resample="bicubic"),
        0.45,
        rectangular=True,
        is_yolo=True,
    ),
    "yolov5": Family("YOLOv5 or YOLOv7", _YOLO, 0.45, is_yolo=True),
    "yolov8": Family("ultralytics v3u to 12", _YOLO, 0.7, rectangular=True, is_yolo=True),
    "yolov8-pose": Family("ultralytics pose", _YOLO, 0.7, rectangular=True, is_yolo=True),
    "yolov10": Family("ultralytics end to end (v10, 26, nms=True)", _YOLO, rectangular=True, is_yolo=True),
    "yolox": Family("YOLOX, raw grid", _YOLOX, 0.45, is_yolo=True),
    "yolox-decoded": Family("YOLOX, decoded in the graph", _YOLOX, 0.45, is_yolo=True),
    "yolo-classify": Family("ultralytics classifier", ImageInput(224, 224, fit="crop"), is_yolo=True),
    "ultralytics-rtdetr": Family(
        "RT-DETR by ultralytics", replace(_STRETCHED, resample="opencv-linear"), is_yolo=True
    ),
    "rt-detr": Family("RT-DETR, D-FINE or DEIM", _STRETCHED),
    "rf-detr": Family("RF-DETR", replace(_IMAGENET, resample="opencv-linear")),
    "hf-sigmoid": Family("Hugging Face RT-DETR, D-FINE, Deformable DETR", _STRETCHED),
    "hf-softmax": Family("Hugging Face DETR, YOLOS", _IMAGENET),
    "torchvision": Family("torchvision detector", ImageInput(800, 800), native=True),
    "ssd": Family("SSD of the ONNX zoo", _IMAGENET),
    "tensorflow": Family(
        "TensorFlow object detection", ImageInput(640, 640, layout="NHWC", dtype="uint8"), native=True
    ),
}
