"""The JSON Schema that ships with mediaml for the lines of `results.jsonl`."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def schema() -> dict[str, Any]:
    """The JSON Schema of one line."""
    text = files("mediaml.outputs").joinpath("results.schema.json").read_text("utf-8")
    value: dict[str, Any] = json.loads(text)
    return value
