"""Object detection with YOLO networks: the bundled detector, imported Darknet networks, the zoo's yolov3."""

from __future__ import annotations

from collections.abc import Iterator

from mediaml.plugin import LoadContext, Model, ModelSpec, hookimpl
from mediaml_yolo.options import YoloOptions


def load(context: LoadContext) -> Model:
    """Open the graph; heavy imports happen here, not when the plugin is listed."""
    from mediaml_yolo.model import YoloModel

    return YoloModel(context)


@hookimpl
def mediaml_models() -> Iterator[ModelSpec]:
    """Offer the model `yolo`."""
    yield ModelSpec(
        "yolo",
        task="detect",
        load=load,
        options=YoloOptions,
        weights="detector",
        description="Finds objects with a YOLO network; -m takes an imported Darknet network.",
    )
