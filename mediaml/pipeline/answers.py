"""Validates what a plugin returned and converts it to plain Python values.

Plugins compute with numpy, so scores and corners are often numpy's numbers; JSON knows none of them. Anything
else is an error here, where it fails one file, and not in the ledger, where it would fail the run.
"""

from __future__ import annotations

import numpy as np

from mediaml.core.errors import PluginError
from mediaml.core.prediction import Box, Detection, Embedding, Label, Prediction


def plain(prediction: Prediction) -> Prediction:
    """The same prediction in Python's own numbers and text.

    Raises:
        PluginError: a name is not text, or a value is not a number.
    """
    try:
        return Prediction(
            labels=tuple(map(_label, prediction.labels)),
            detections=tuple(map(_detection, prediction.detections)),
            embedding=_embedding(prediction.embedding),
            picture=prediction.picture,
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise PluginError(f"invalid result: {error}", "Report this to its author.") from error


def _label(label: Label) -> Label:
    if not isinstance(label.name, str):
        raise TypeError(f"a name must be text, not {label.name!r}.")
    # Lone surrogates are text to Python and nothing to UTF-8.
    label.name.encode("utf-8")
    return Label(label.name, float(label.score))


def _detection(detection: Detection) -> Detection:
    left, top, right, bottom = map(float, detection.box.corners)
    track = None if detection.track is None else int(detection.track)
    return Detection(_label(detection.label), Box(left, top, right, bottom), track)


def _embedding(embedding: Embedding | None) -> Embedding | None:
    return None if embedding is None else Embedding(np.asarray(embedding.vector, np.float32))
