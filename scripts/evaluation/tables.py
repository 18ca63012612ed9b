"""The tables of docs/models.md and all of docs/figures.md, made from the cards and from nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Card = Mapping[str, Any]

HEAD = """# Figures of the bundled models

Made from the cards in `exported_models/` by `python -m scripts.evaluate --docs`; no figure is typed, and a
test compares. [models.md](models.md) has the short form. Held out means held out: no test item, speaker or
source was seen in training or used to choose a checkpoint."""


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


def section(value: Any) -> str:
    """A table of whatever a card holds under one key; empty where it is no matter for a table."""
    if isinstance(value, Mapping) and value:
        if all(flat(item) for item in value.values()):
            return table(["what", "figure"], value.items())
        if all(isinstance(item, Mapping) and any(map(flat, item.values())) for item in value.values()):
            named = [
                {"": name, **{key: cell for key, cell in row.items() if flat(cell)}}
                for name, row in value.items()
            ]
            return records(named)
    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        return records([{key: cell for key, cell in row.items() if flat(cell)} for row in value])
    return ""


def confusion(card: Card) -> str:
    """The confusion matrix: row = truth, column = answer."""
    labels, matrix = card["confusion"]["labels"], card["confusion"]["matrix"]
    return table(
        ["truth \\ answer", *labels], [[label, *row] for label, row in zip(labels, matrix, strict=True)]
    )


PLAIN = (
    "name", "task", "title", "meaning", "not_meaning", "size_bytes", "parameters", "flops", "seed", "commit",
    "sha256", "confusion",
)  # fmt: skip


def model_section(name: str, card: Card) -> str:
    """Everything that one card says, under a heading that can be linked to."""
    facts = {
        key: card[key]
        for key in ("parameters", "flops", "size_bytes", "seed", "commit", "sha256")
        if key in card
    }
    parts = [
        f"## {name}",
        f"**{card.get('title', name)}**",
        card.get("meaning", ""),
        card.get("not_meaning", ""),
    ]
    parts.append(table(["fact", "value"], facts.items()))
    order = ["goals", "metrics", *(key for key in card if key not in ("goals", "metrics"))]
    for key in dict.fromkeys(order):
        if key not in PLAIN and key in card and (text := section(card[key])):
            parts.append(f"**{key.replace('_', ' ')}**\n\n{text}")
    if isinstance(card.get("confusion"), Mapping) and "matrix" in card["confusion"]:
        parts.append(f"**confusion** (row: truth, column: answer)\n\n{confusion(card)}")
    parts.append(f"[What was tried in training](../exported_models/{name}.md)")
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


def goals_table(cards: Mapping[str, Card]) -> str:
    """Every goal of every model, whether it is met, and the figure."""
    rows = [
        [name, goal["goal"], goal["met"], goal.get("figure")]
        for name, card in cards.items()
        for goal in card.get("goals", [])
    ]
    return table(["model", "goal", "met", "figure"], rows)


def regenerated(text: str, cards: Mapping[str, Card]) -> str:
    """docs/models.md with everything between its `generated` marks regenerated.

    Raises:
        ValueError: a mark is missing.
    """
    for name, content in (("overview", overview(cards)), ("goals", goals_table(cards))):
        start, end = f"<!-- generated: {name} -->", f"<!-- end of generated: {name} -->"
        if start not in text or end not in text:
            raise ValueError(f"the document lacks the marks `{start}` and `{end}`")
        pattern = re.escape(start) + ".*?" + re.escape(end)
        before, after = re.split(pattern, text, maxsplit=1, flags=re.DOTALL)
        text = f"{before}{start}\n\n{content}\n\n{end}{after}"
    return text


def figures(cards: Mapping[str, Card]) -> str:
    """docs/figures.md: all that the cards say, a section a model."""
    return "\n\n".join([HEAD, *(model_section(name, card) for name, card in cards.items())]) + "\n"
