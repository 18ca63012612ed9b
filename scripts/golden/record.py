"""Compare mediaml with every maker's case, and keep what tests replay.

    python -m scripts.golden.record FOLDER [NAME...]      # FOLDER as the scripts `by_*` write it

Every graph runs through `mediaml.run`. Written are `tests/plugins/golden/NAME.json` (interface, metadata,
what the maker answered, and the largest differences) and `NAME.npz` (what the graph answered); the graphs
themselves are not kept.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import mediaml
from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import Session, open_session
from mediaml.plugin import LoadContext, Prediction, TensorSpec
from mediaml_yolo.model import Detector
from mediaml_yolo.options import DetectorOptions
from scripts.golden.case import Case, Found, read_case, rounded
from scripts.golden.compare import compare
from scripts.golden.picture import picture
from scripts.paths import REPOSITORY

GOLDEN = REPOSITORY / "tests" / "plugins" / "golden"
BESIDE = ("labels.txt", "config.json", "preprocessor_config.json")
_PRECISE = 4096
"""Values of an output up to which it is kept as it is; larger ones are kept in half precision."""


def answered(prediction: Prediction) -> list[Found]:
    """Our answers as the makers' are kept."""
    labels = [Found(label.name, label.score) for label in prediction.labels]
    return labels + [
        Found(
            found.label.name,
            found.label.score,
            rounded(found.box.corners),
            [rounded(ring) for ring in found.outline],
            [rounded([point.x, point.y, point.score]) for point in found.keypoints],
        )
        for found in prediction.detections
    ]


def through_the_product(model: Path, case: Case) -> list[Found]:
    """What `mediaml.run` answers to the picture."""
    with tempfile.TemporaryDirectory() as folder:
        shown, out = Path(folder) / "picture.png", Path(folder) / "out"
        shown.write_bytes(cv2.imencode(".png", picture()[..., ::-1])[1].tobytes())
        options: dict[str, Any] = {"conf": case.conf, **case.options}
        mediaml.run(
            str(shown),
            models="detect",
            weights=str(model),
            options={"detect": options},
            out=out,
            device="cpu",
        )
        with mediaml.open_results(out) as results:
            [frame] = results.frames(model="detect")
            return answered(frame.prediction)


def interface(session: Session) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Inputs and outputs for JSON."""

    def spec(one: TensorSpec) -> dict[str, Any]:
        return {"name": one.name, "dtype": one.dtype, "shape": list(one.shape)}

    yield "inputs", [spec(one) for one in session.inputs]
    yield "outputs", [spec(one) for one in session.outputs]


def digest(batch: NDArray[Any]) -> str:
    """SHA-256 of what a graph is fed, in half precision: equal pixels give equal sums."""
    return hashlib.sha256(np.ascontiguousarray(batch, np.float16).tobytes()).hexdigest()


def kept(array: NDArray[Any]) -> NDArray[Any]:
    """An output as it is kept in the repository."""
    large = array.dtype == np.float32 and array.ndim == 4 and array.size > _PRECISE
    return array.astype(np.float16) if large else array


def record(folder: Path) -> str:
    """Compare and keep one case; returns a line for people."""
    case, fed = read_case(folder)
    session = open_session(folder / "model.onnx", parse_device("cpu"), threads=1)
    options = DetectorOptions(conf=case.conf, **case.options)  # type: ignore[arg-type]
    context = LoadContext(options, folder / "model.onnx", lambda _: session, lambda _: None)
    detector = Detector(context, "detect")
    if detector.layout.family != case.family:
        raise ValueError(f"{folder.name}: read as {detector.layout.family}, not {case.family}")
    differences = compare(through_the_product(folder / "model.onnx", case), case.found)
    batch = fed if fed.ndim == 4 else fed[None]
    outputs = detector.run(batch.astype(session.inputs[0].dtype))
    content = {
        "case": asdict(case),
        "differences": asdict(differences),
        "input_sha256": digest(batch),
        **dict(interface(session)),
        "metadata": {k: v for k, v in session.metadata.items() if k not in {"date", "docs", "license"}},
        "beside": {name: (folder / name).read_text("utf-8") for name in BESIDE if (folder / name).is_file()},
    }
    GOLDEN.mkdir(exist_ok=True)
    (GOLDEN / f"{folder.name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    arrays = {f"output{index}": kept(array) for index, array in enumerate(outputs)}
    if not case.exact:
        arrays["input"] = batch
    np.savez_compressed(GOLDEN / f"{folder.name}.npz", allow_pickle=False, **arrays)
    return f"{folder.name}: {differences}"


def main() -> None:
    """Record the cases that were named, or all."""
    folder = Path(sys.argv[1])
    names = sys.argv[2:] or sorted(path.parent.name for path in folder.glob("*/case.json"))
    for name in names:
        print(record(folder / name), flush=True)


if __name__ == "__main__":
    main()
