"""The table of docs/models.md and all of docs/figures.md, made from the cards and from nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Card = Mapping[str, Any]

HEAD = """# Figures of the bundled models

Made from the cards in `exported_models/` by `python -m scripts.evaluate --docs`. The figures are on
held-out data: no test item, speaker or source was seen in training or used to choose a checkpoint. The cards
hold the rest: data and licences, training, confusion matrices, figures per label."""


def cards_in(folder: Path) -> dict[str, Card]:
    """Every card of a folder, by name, in alphabetical order."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def shown(value: Any) -> str:
    """A value as a table shows it: shares with four figures, counts with thin spaces, no bare bars."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 100 else f"{value:,.0f}".replace(",", " ")
    return str(value).replace("|", "\\|").replace("\n", " ")


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(shown(cell) for cell in line) + " |" for line in lines)


def records(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of records, one column for every key that any of them has."""
    heads = list(dict.fromkeys(key for row in rows for key in row))
    return table(heads, [[row.get(head) for head in heads] for row in rows])


def flat(value: Any) -> bool:
    """Whether a value fits into a cell."""
    return value is None or isinstance(value, (bool, int, float, str))


def per_source(card: Card) -> str:
    """The figures of every source as a table; empty where the card has none."""
    sources = card.get("per_source", {}).items()
    rows = [
        {"source": name, **{key: cell for key, cell in row.items() if flat(cell)}} for name, row in sources
    ]
    return records(rows) if rows else ""


def metrics(card: Card) -> str:
    """The metrics as text, a paragraph for each way of splitting the data (`leave_one_speaker_out_...`)."""
    groups: dict[str, list[str]] = {}
    for key, value in card["metrics"].items():
        split = re.match(r"leave_one_[a-z]+_out_", key)
        prefix = split.group() if split else ""
        name = key.removeprefix(prefix).replace("_", " ")
        groups.setdefault(prefix.replace("_", " ").strip().capitalize(), []).append(f"{name} {shown(value)}")
    return "\n\n".join(
        (f"{group}: " if group else "") + ", ".join(figures) + "." for group, figures in groups.items()
    )


def model_section(name: str, card: Card) -> str:
    """What one card says of use and of measurement, under a heading that can be linked to."""
    parts = [
        f"## {name}",
        card.get("not_meaning", ""),
        table(
            ["goal", "met", "figure"],
            [[goal["goal"], goal["met"], goal.get("figure")] for goal in card["goals"]],
        ),
        metrics(card),
        per_source(card),
        f"[Card](../exported_models/{name}.json), [what was tried](../exported_models/{name}.md)",
    ]
    return "\n\n".join(part for part in parts if part)


def headline(card: Card) -> str:
    """The first of a card's metrics that is a share, with its name."""
    for name, value in card.get("metrics", {}).items():
        if isinstance(value, float):
            return f"{name.replace('_', ' ')} {shown(value)}"
    return "-"


def overview(cards: Mapping[str, Card]) -> str:
    """One row a model: what it is, how large, its first figure, and how many of its goals are met."""
    rows = []
    for name, card in cards.items():
        goals = card.get("goals", [])
        size = f"{card.get('parameters', 0) / 1e6:.2f} M, {card.get('size_bytes', 0) / 1e6:.2f} MB"
        met = f"{sum(bool(goal['met']) for goal in goals)} of {len(goals)}"
        rows.append([f"[{name}](figures.md#{name})", card.get("title"), size, headline(card), met])
    return table(["model", "what it is", "parameters, size", "figure", "goals met"], rows)


def regenerated(text: str, cards: Mapping[str, Card]) -> str:
    """docs/models.md with the overview of the cards regenerated.

    Raises:
        ValueError: a mark is missing.
    """
    return between_marks(text, "overview", overview(cards))


def between_marks(text: str, name: str, content: str) -> str:
    """A document with what stands between its marks `generated: NAME` replaced.

    Raises:
        ValueError: a mark is missing.
    """
    start, end = f"<!-- generated: {name} -->", f"<!-- end of generated: {name} -->"
    if start not in text or end not in text:
        raise ValueError(f"the document lacks the marks `{start}` and `{end}`")
    pattern = re.escape(start) + ".*?" + re.escape(end)
    before, after = re.split(pattern, text, maxsplit=1, flags=re.DOTALL)
    return f"{before}{start}\n\n{content}\n\n{end}{after}"


def figures(cards: Mapping[str, Card]) -> str:
    """docs/figures.md: goals and figures of the cards, a section a model."""
    return "\n\n".join([HEAD, *(model_section(name, card) for name, card in cards.items())]) + "\n"
