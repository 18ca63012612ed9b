"""The card of a trained model: what it is in words, facts and figures, as JSON beside the ONNX file.

What was tried in training stands beside it in Markdown, written by hand.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Description:
    """What a card says of a model in words.

    Attributes:
        name: of the ONNX file.
        task: "classify" or "detect".
        title: one line.
        meaning: what its answers mean.
        not_meaning: what they do not mean.
    """

    name: str
    task: str
    title: str
    meaning: str
    not_meaning: str


def build_card(
    description: Description, data: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], **measured: Any
) -> dict[str, Any]:
    """The card: words, data, facts of the file, then what was measured, in the order given.

    Args:
        data: sources with `source`, `licence` and `items`.
        facts: of the file, as `shipping.facts_of` returns them.
        measured: further entries, such as `metrics`, `seed` and `goals`.
    """
    return {**asdict(description), "data": list(data), **facts, **measured}


def commit() -> str:
    """The commit that the scripts are at; "unknown" outside a checkout."""
    command = ["git", "rev-parse", "HEAD"]
    answer = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"


def goal(text: str, met: bool, figure: Any) -> dict[str, Any]:
    """One line of a card's `goals`."""
    return {"goal": text, "met": bool(met), "figure": figure}


def rounded(value: Any, digits: int = 4) -> Any:
    """Numbers rounded, at any depth."""
    if isinstance(value, float):
        return round(value, digits)
    if isinstance(value, Mapping):
        return {key: rounded(part, digits) for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rounded(part, digits) for part in value]
    return value


def write_card(card: Mapping[str, Any], output: Path) -> None:
    """Write the card beside the model, as JSON."""
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    output.with_suffix(".json").write_text(text, encoding="utf-8")
