"""Two models: `tint` says which primary colour a picture leans to, `loudness` how loud a sound is."""

from dataclasses import dataclass
from typing import Annotated

from mediaml.plugin import AudioInput, Kind, Meta, ModelSpec, hookimpl


@dataclass(frozen=True)
class TintOptions:
    top: Annotated[int, Meta(ge=1, le=3, description="how many colours to name")] = 1


def load_tint(context):
    from mediaml_tint.models import Tint

    return Tint(context)


def load_loudness(context):
    from mediaml_tint.models import Loudness

    return Loudness()


@hookimpl
def mediaml_models():
    yield ModelSpec(
        "tint",
        task="classify",
        load=load_tint,
        weights="tint.onnx",
        options=TintOptions,
        description="the primary colour that a picture leans to",
    )
    yield ModelSpec(
        "loudness",
        task="classify",
        load=load_loudness,
        kinds=frozenset({Kind.AUDIO}),
        audio=AudioInput(sample_rate=16_000, window_s=1.0, hop_s=1.0),
        description="quiet or loud, second by second",
    )
