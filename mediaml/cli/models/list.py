"""`mediaml models list`: bundled models and the catalogue."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from mediaml.cli.shell import echo_json, noise_options, shell_of
from mediaml.cli.table import table

if TYPE_CHECKING:
    from mediaml.store.store import Store


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@noise_options
@click.pass_context
def command(context: click.Context, /, as_json: bool) -> None:
    """List the bundled models, each with its figures, and the catalogue.

    \b
    Example:
      mediaml models list
    """
    from mediaml.cli.download_bar import store_of

    store = store_of(shell_of(context))
    bundled, catalogue = _bundled(), _catalogue(store)
    if as_json:
        echo_json({"bundled": bundled, "catalogue": catalogue, "cache": str(store.cache.folder)})
        return
    click.echo(_rows_of(bundled, "bundled"))
    click.echo(f"\n{_rows_of(catalogue, 'catalogue')}")
    click.echo(f"\n{_cache_lines(store)}")


def _bundled() -> list[dict[str, Any]]:
    from mediaml.store.bundled import bundled_card, bundled_model, bundled_names

    rows = []
    for name in bundled_names():
        card = bundled_card(name)
        size = f"{bundled_model(name).stat().st_size / 1e6:.2f} MB"
        title, task = str(card.get("title", "")), str(card.get("task", ""))
        rows.append({"name": name, "task": task, "size": size, "figures": _figures(card), "title": title})
    return rows


def _figures(card: dict[str, Any]) -> str:
    """The card's first measure of accuracy or AP50, as a share of 1, and how many of its goals are met."""
    measures = [
        f"{name.replace('_', ' ')} {value:.3f}"
        for name, value in card.get("metrics", {}).items()
        if isinstance(value, float) and ("accuracy" in name or name == "ap50")
    ]
    goals = card.get("goals", [])
    met = f"{sum(bool(goal.get('met')) for goal in goals)} of {len(goals)} goals met" if goals else ""
    return ", ".join([*measures[:1], met]).strip(", ")


def _catalogue(store: Store) -> list[dict[str, Any]]:
    from mediaml.store.network import megabytes

    return [
        {
            "name": entry.name,
            "model": entry.plugin,
            "size": megabytes(entry.size),
            "downloaded": store.cache.has(entry),
            # `models info` has the whole licence, with its exceptions.
            "licence": re.split("[:;(]", entry.licence)[0].strip(),
            "title": entry.title,
        }
        for entry in store.catalogue.entries.values()
    ]


def _rows_of(records: list[dict[str, Any]], title: str) -> str:
    """Records as a table whose first column is called `title`."""
    head = [title, *list(records[0])[1:]] if records else [title]
    return table(head, [[_shown(value) for value in record.values()] for record in records])


def _shown(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _cache_lines(store: Store) -> str:
    from mediaml.store.network import megabytes

    used = {name: store.cache.used(name) for name in store.cache.models()}
    lines = [f"cache: {store.cache.folder}, {megabytes(sum(used.values()))}"]
    strange = [name for name in used if name not in store.catalogue.entries and used[name]]
    if strange:
        lines.append(f"not in the catalogue; remove with `mediaml models rm`: {', '.join(strange)}")
    return "\n".join(lines)
