"""Spoken digits: which of "0" to "9" is said in a recording, and when.

Windows of 1.5 s follow each other every 0.2 s. A digit is answered by the one window in whose middle 0.2 s
it is centred, so that a digit that is said once is answered once; the time of the digit is the window's
middle. What is centred before the first window's middle is answered by the first window, what comes after
the last window's middle by the last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from mediaml.plugin import AudioInput, Kind, LoadContext, Meta, Model, ModelSpec, hookimpl, view

AUDIO_INPUT = AudioInput(
    sample_rate=8_000, window_s=1.5, hop_s=0.2, fft_s=0.032, step_s=0.0125, mels=40, band=(60.0, 4_000.0)
)


@dataclass(frozen=True, slots=True)
class SpokenOptions:
    """The options of `spoken`."""

    # With `all`, "silence" and "other" are answered where no digit reaches the score.
    min_score: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="minimum score of a digit",
            extra=view("min_score", floor=0.05, unless="all"),
        ),
    ] = 0.5
    all: Annotated[bool, Meta(description='also answer "silence" and "other" where no digit is centred')] = (
        False
    )


def load(context: LoadContext) -> Model:
    """Open the model; what it needs is imported now."""
    from mediaml_spoken.model import SpokenModel

    return SpokenModel(context)


@hookimpl
def mediaml_models() -> Iterable[ModelSpec]:
    """The one model of this plugin."""
    yield ModelSpec(
        "spoken",
        task="classify",
        load=load,
        kinds=frozenset({Kind.AUDIO}),
        options=SpokenOptions,
        weights="spoken",
        audio=AUDIO_INPUT,
        description="spoken digits 0 to 9 in recordings and in the audio of videos, with their times",
    )
