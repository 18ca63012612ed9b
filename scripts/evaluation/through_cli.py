"""AP50 of a detector as a user meets it: photos through `mediaml run`, its `results.jsonl` against the truth.

Further COCO result files, such as those of `opencv_reference.py`, are measured by the same evaluator.

    python -m scripts.evaluation.through_cli MODEL.onnx --data DIR [-O OPTION=VALUE] [--beside opencv.json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.evaluation.detection import Measures, measure
from scripts.evaluation.photos import load_index, read_tars

CONF, IOU, MOST = 0.005, 0.45, 300


def run_photos(model: Path, photos: Path, output: Path, conf: float, more: Sequence[str] = ()) -> None:
    """The command line over a folder of photos.

    Args:
        more: further options of `yolo`, each `NAME=VALUE`.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    options = {"conf": conf, "iou": IOU, "max_det": MOST}
    command = [sys.executable, "-m", "mediaml", "run", "-p", "yolo", "-m", str(model), str(photos), "-q"]
    command += ["-o", str(output), "--no-annotate", "--device", "cpu"]
    for option in (*(f"{name}={value}" for name, value in options.items()), *more):
        command += ["-O", f"yolo.{option}"]
    subprocess.run(command, check=True)


def coco_results(lines: Iterator[Mapping[str, Any]], index: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Frame lines of `results.jsonl` as COCO results: boxes become left, top, width, height."""
    images = {str(image["file_name"]): int(image["id"]) for image in index["images"]}
    categories = {str(category["name"]): int(category["id"]) for category in index["categories"]}
    for line in lines:
        for found in line["detections"]:
            left, top, right, bottom = found["box"]
            yield {
                "image_id": images[Path(line["source"]).name],
                "category_id": categories[found["label"]],
                "bbox": [left, top, right - left, bottom - top],
                "score": found["score"],
            }


def through_cli(model: Path, data: Path, conf: float, more: Sequence[str] = ()) -> Measures:
    """Unpack the photos of `val`, run them, and measure what `results.jsonl` says."""
    index = load_index(data, "val")
    with tempfile.TemporaryDirectory() as folder:
        photos, output = Path(folder) / "photos", Path(folder) / "out"
        photos.mkdir()
        for name, content in read_tars(data, "val"):
            (photos / Path(name).name).write_bytes(content)
        run_photos(model, photos, output, conf, more)
        with (output / "results.jsonl").open(encoding="utf-8") as file:
            next(file)
            lines = map(json.loads, file)
            return measure(index, list(coco_results(lines, index)))


def main() -> None:
    """Print one table row for the command line and one for every file beside it."""
    parser = argparse.ArgumentParser(description="AP50 of a detector through the whole command line.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with val.json and val.tar")
    parser.add_argument(
        "--beside", type=Path, nargs="*", default=[], help="COCO result files to compare with"
    )
    parser.add_argument("--conf", type=float, default=CONF)
    parser.add_argument("-O", "--option", action="append", default=[], help="NAME=VALUE of yolo")
    given = parser.parse_args()
    named = " ".join(["mediaml run", *given.option])
    rows = {named: through_cli(given.model, given.data, given.conf, given.option)}
    index = load_index(given.data, "val")
    rows |= {path.stem: measure(index, json.loads(path.read_text("utf-8"))) for path in given.beside}
    print("| answers of | AP50 | AP | AP50 of person |\n| --- | --- | --- | --- |")
    for name, measures in rows.items():
        person = measures.per_class.get("person", float("nan"))
        print(f"| {name} | {measures.ap50:.4f} | {measures.ap:.4f} | {person:.4f} |")


if __name__ == "__main__":
    main()
