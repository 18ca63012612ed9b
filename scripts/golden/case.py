"""One case on disk, as a maker's script leaves it: the graph, what the maker fed it, and what it answered.

A folder holds `model.onnx`, the files that belong beside it, `input.npy` (what the maker fed its graph) and
`case.json`. It is written in the maker's environment and read in the project's: NumPy only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Found:
    """One detection of a maker, in pixels of the picture; a classifier's has no box.

    Attributes:
        label: the name of its class. score: 0..1. box: left, top, right, bottom.
        outline: polygons of x, y. keypoints: x, y, score.
    """

    label: str
    score: float
    box: list[float] = field(default_factory=list)
    outline: list[list[list[float]]] = field(default_factory=list)
    keypoints: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """What a maker answers with one graph.

    Attributes:
        maker: packages and versions. family: see `mediaml_yolo.families`.
        conf: score from which on its answers are given.
        options: of `detect`, which the graph needs to be told apart.
        found: its answers.
        exact: whether the input is to be equal, pixel for pixel; else within one level.
    """

    maker: str
    family: str
    conf: float
    found: list[Found]
    options: dict[str, str | int] = field(default_factory=dict)
    exact: bool = True


def write_case(folder: Path, case: Case, fed: NDArray[Any], beside: Mapping[str, str] | None = None) -> None:
    """Write all of a case but its graph."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "input.npy", fed)
    (folder / "case.json").write_text(json.dumps(asdict(case), indent=1), encoding="utf-8")
    for name, text in (beside or {}).items():
        (folder / name).write_text(text, encoding="utf-8")


def read_case(folder: Path) -> tuple[Case, NDArray[Any]]:
    """The case, and what the maker fed its graph."""
    content = json.loads((folder / "case.json").read_text("utf-8"))
    found = [Found(**one) for one in content.pop("found")]
    return Case(found=found, **content), np.load(folder / "input.npy", allow_pickle=False)


def rounded(values: Sequence[Any]) -> list[Any]:
    """Numbers for JSON, to a ten-thousandth, in nested lists."""
    return [rounded(value) if isinstance(value, list | tuple) else round(float(value), 4) for value in values]
