"""What a user can set with `-O clip.NAME=VALUE`; `--prompt` and `--prompts` set `prompts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mediaml.plugin import Meta, view
from mediaml_clip.templates import IMAGENET

ENSEMBLE = "ensemble"
PLACE = "{}"


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """Options of the model `clip`.

    Raises:
        ValueError: when a prompt is empty or the template has no place for it.
    """

    prompts: Annotated[tuple[str, ...], Meta(description="texts to label frames with; none: only embed")] = ()
    template: Annotated[
        str,
        Meta(description="sentence around a prompt, such as 'a photo of a {}'; ensemble: the 80 of ImageNet"),
    ] = PLACE
    scores: Annotated[
        Literal["auto", "softmax", "background"],
        Meta(
            description="softmax: over the prompts; background: each prompt alone against the background; "
            "auto: softmax, or background where there is one prompt"
        ),
    ] = "auto"
    background: Annotated[tuple[str, ...], Meta(description="neutral texts, for scores=background")] = (
        "a photo",
    )
    top: Annotated[
        int, Meta(ge=1, le=100_000, description="maximum labels per frame", extra=view("top", floor=20))
    ] = 5
    threshold: Annotated[
        float, Meta(ge=0, le=1, description="minimum score of a label", extra=view("min_score", floor=0.0))
    ] = 0.0
    embeddings: Annotated[bool, Meta(description="keep the embedding of every frame, for search")] = True
    resize: Annotated[
        Literal["exact", "fast"],
        Meta(description="video frames: exact as Pillow resizes them, or fast by the decoder's scaler"),
    ] = "exact"

    def __post_init__(self) -> None:
        if any(not text.strip() for text in (*self.prompts, *self.background)):
            raise ValueError("a prompt is empty; leave it out or say what to look for")
        if PLACE not in self.template and self.template != ENSEMBLE:
            raise ValueError(f"the template {self.template!r} has no {PLACE} where the prompt goes")
        if self.scores == "background" and not self.background:
            raise ValueError("scores=background needs a background text")

    @property
    def templates(self) -> tuple[str, ...]:
        """Every sentence that a prompt is put into; one, or the 80 of the ensemble."""
        return IMAGENET if self.template == ENSEMBLE else (self.template,)

    @property
    def against_background(self) -> bool:
        """Whether prompts are scored each by itself."""
        return self.scores == "background" or (self.scores == "auto" and len(set(self.prompts)) == 1)


def sentences(prompts: Sequence[str], templates: Sequence[str]) -> list[str]:
    """Every prompt in every template: all sentences of the first prompt, then of the second, …"""
    return [template.replace(PLACE, prompt) for prompt in prompts for template in templates]
