"""How accurate a bundled model was in faster number formats, as its card says."""

from __future__ import annotations

from pathlib import Path

from mediaml.onnx.selection import Accuracy
from mediaml.store.bundled import bundled_card, bundled_model, bundled_names


def measured_accuracies(path: Path) -> tuple[Accuracy, ...]:
    """The figures of `fast` in the card of a bundled model; none for any other file.

    Raises:
        ModelError: the card is not JSON.
    """
    name = path.stem
    if name not in tuple(bundled_names()) or path.resolve() != bundled_model(name).resolve():
        return ()
    return tuple(
        Accuracy(number_type, str(one["metric"]), float(one["exact"]), float(one["fast"]))
        for number_type, one in bundled_card(name).get("fast", {}).items()
    )
