"""One ONNX file of a backbone and a head, with all that a run needs in its metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mediaml.onnx.linear_head import PROBABILITIES, VectorOutput, with_linear_head
from mediaml.onnx.metadata import INPUT, INTERFACE, LABELS, NAME, SOURCE
from mediaml.teach.backbone import Backbone
from mediaml.teach.head import Head

OUTPUT = "mediaml.output"
TRAINING = "mediaml.training"


@dataclass(frozen=True, slots=True)
class Trained:
    """What is written into the file beside the graph.

    Attributes:
        labels: in the order of the scores. threshold: below it is none of them.
        name: of the model. facts: how it was trained, as JSON values.
    """

    labels: tuple[str, ...]
    threshold: float
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def compose(backbone: Backbone, head: Head, trained: Trained) -> bytes:
    """The ONNX file: what the backbone takes to `probabilities` [batch, classes]; see `with_linear_head`.

    Raises:
        ModelError: the head was trained on vectors of another length, or the backbone cannot be read.
    """
    vector = VectorOutput(backbone.output, backbone.pool, backbone.input.get("layout") == "NHWC")
    metadata = _metadata(backbone, trained)
    return with_linear_head(backbone.path, vector, head.weights, head.bias, metadata)


def _metadata(backbone: Backbone, trained: Trained) -> dict[str, str]:
    answer = {"name": PROBABILITIES, "means": "probabilities", "threshold": trained.threshold}
    return {
        INTERFACE: "classifier/1",
        LABELS: json.dumps(trained.labels, ensure_ascii=False),
        INPUT: json.dumps(dict(backbone.input)),
        OUTPUT: json.dumps(answer),
        NAME: trained.name,
        SOURCE: f"mediaml train on {backbone.name}",
        TRAINING: json.dumps(dict(trained.facts), ensure_ascii=False),
    }
