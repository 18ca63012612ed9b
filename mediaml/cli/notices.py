"""What a run says of its models before it begins."""

from __future__ import annotations

from mediaml.cli.shell import Shell
from mediaml.registry import Registry
from mediaml.run.models import Choice, LoadedModel
from mediaml.store.bundled import bundled_card, bundled_names
from mediaml.store.catalogue import load_catalogue


def tell_devices(models: list[LoadedModel], asked: str, shell: Shell) -> None:
    """Where each model really runs; a fallback of `--device auto` is one loud line."""
    for model in models:
        for reason in model.fallbacks:
            shell.warn(f"--device {asked}: running on the CPU, because {reason}")
        shell.detail(f"{model.spec.name}: on {', '.join(model.devices) or 'no device of ours'}")


def tell_bundled(choice: Choice, registry: Registry, shell: Shell) -> None:
    """One line on what a bundled detector is worth, and how to get a better one: it is small and ours."""
    spec = choice.offer.spec
    name = spec.weights or ""
    if choice.weights is not None or spec.task != "detect" or name not in tuple(bundled_names()):
        return
    card = bundled_card(name)
    ap50 = card.get("metrics", {}).get("ap50")
    entries = load_catalogue(registry.entries()).entries.values()
    others = [entry.name for entry in entries if entry.plugin == spec.name]
    better = f"; the official one: -m {others[0]}" if others else ""
    shell.say(f"{spec.name}: {card.get('title', name)}, AP50 {ap50} on COCO val photos{better}")
