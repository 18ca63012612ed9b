"""CLIP: images and texts in one embedding space, for zero-shot labels and search."""

from __future__ import annotations

from collections.abc import Iterator

from mediaml.plugin import LoadContext, Model, ModelSpec, hookimpl
from mediaml_clip.options import ClipOptions


def load(context: LoadContext) -> Model:
    """Open the towers; heavy imports happen here, not when the plugin is listed."""
    from mediaml_clip.model import ClipModel

    return ClipModel(context)


@hookimpl
def mediaml_models() -> Iterator[ModelSpec]:
    """Offer the model `clip`."""
    yield ModelSpec(
        "clip",
        task="embed",
        load=load,
        options=ClipOptions,
        weights="clip-vit-b32",
        description="Embeds frames for `mediaml search`, and labels them with your --prompt texts (CLIP).",
    )
