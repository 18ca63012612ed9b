"""The card of the spoken-digit model: what it means, what it was made of, what was measured."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from scripts.training import cards, shipping
from scripts.training.cards import Description
from scripts.training.spoken.learning import Recipe
from scripts.training.spoken.net import SpokenNet
from scripts.training.spoken.spec import AUDIO_INPUT

GOAL = 0.95

DESCRIPTION = Description(
    name="spoken",
    task="classify",
    title="Spoken digits with their times",
    meaning=(
        'Which digit, English "zero" to "nine", is spoken in the middle of a window of sound; "silence" '
        'where there is only quiet, "other" for every other sound and for digits that are not in the '
        "middle. The time of a digit is the middle of its window, right within about 0.1 s. The plugin "
        "answers each digit once."
    ),
    not_meaning=(
        "It knows six adult voices of English, some with a foreign accent: children, whispering, other "
        "languages and real telephone lines are not measured. It does not know running speech: words "
        'that sound like a digit ("for", "ate", "to") are likely to be called one, and others are at '
        "times. It says nothing about who speaks."
    ),
)
MEASURES = {
    "accuracy": "clips whose likeliest digit, at its likeliest moment, is the one that is said",
    "answered_once_and_right": "clips for which the plugin answers exactly once, and with the right digit",
    "strings_recall, _precision": "of three to seven digits with gaps of 0.1 to 0.7 s, answered within 0.2 s",
    "strings_in_noise_15db": "the same, recoloured, in noise 15 dB below the speech",
    "false_alarms_per_minute": "digits answered in noise, tones, clicks, hum and buzzing",
    "precision, recall, f1, ece": "of the twelve labels, over all held-out clips and sounds without digits",
}
DATA = [
    {
        "source": "Free Spoken Digit Dataset (Jakobovski): george, jackson, lucas, nicolas, theo, yweweler",
        "licence": "CC BY-SA 4.0",
        "items": 3000,
    },
    {
        "source": "digits with accents and 221 other words, said by flite's voices awb, kal, rms and slt",
        "licence": "flite's (Carnegie Mellon): free for any use",
        "items": 2456,
    },
    {"source": "tones, noises, clicks, hum, buzzing, made by code", "licence": "MIT", "items": 0},
]


def flat(measures: Mapping[str, Any]) -> dict[str, Any]:
    """Measures with the figures of strings beside the others: `strings_recall`, `strings_precision`."""
    result: dict[str, Any] = {}
    for name, value in measures.items():
        if isinstance(value, Mapping):
            result |= {f"{name}_{part}": value[part] for part in ("recall", "precision")}
        else:
            result[name] = value
    return result


def build_card(
    net: SpokenNet,
    output: Path,
    recipe: Recipe,
    folds: Mapping[str, Any] | None,
    verified: float,
) -> dict[str, Any]:
    """The card as a dictionary; without folds it says that nothing was measured on new voices."""
    figure = folds["metrics"]["accuracy"] if folds else None
    report = folds["report"] if folds else {}
    metrics = {name: report[name] for name in ("precision", "recall", "f1", "ece") if name in report}
    metrics = {f"leave_one_speaker_out_{name}": round(value, 4) for name, value in metrics.items()}
    return cards.build_card(
        DESCRIPTION,
        DATA,
        shipping.facts_of(net, torch.zeros(1, AUDIO_INPUT.mels, AUDIO_INPUT.steps), output),
        metrics={
            **({f"leave_one_speaker_out_{k}": v for k, v in flat(folds["metrics"]).items()} if folds else {}),
            **metrics,
            "onnx_difference": verified,
        },
        per_source={name: flat(row) for name, row in folds["per_source"].items()} if folds else {},
        measures=MEASURES,
        per_source_title="each speaker left out of training, all 500 clips of that voice",
        confusion=report.get("confusion", {}),
        recipe=asdict(recipe),
        seed=recipe.seed,
        goals=[
            cards.goal(
                f"leave-one-speaker-out accuracy ≥ {GOAL} on average",
                figure is not None and figure >= GOAL,
                figure,
            )
        ],
    )
