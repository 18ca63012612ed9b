"""What a run says before it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mediaml.app.reporter import Reporter
from mediaml.core.location import Url
from mediaml.core.work import Source
from mediaml.engine.messages import ModelDevices
from mediaml.pipeline.models import Choice
from mediaml.registry.entry_points import Registry
from mediaml.store.bundled import bundled_card, bundled_names
from mediaml.store.catalogue import load_catalogue


def note_devices(devices: Mapping[str, ModelDevices], asked: str, reporter: Reporter) -> None:
    """Where each model really runs; a fallback of `--device auto` is a warning."""
    for name, facts in devices.items():
        for reason in facts.fallbacks:
            reporter.warning(f"--device {asked}: running on the CPU, because {reason}")
        reporter.detail(f"{name}: on {', '.join(facts.devices) or 'no ONNX Runtime device'}")


def note_bundled(choices: Sequence[Choice], registry: Registry, reporter: Reporter) -> None:
    """One line on the accuracy of a bundled detector, which is small, and how to get a better one."""
    for choice in choices:
        spec = choice.offer.spec
        name = spec.weights or ""
        if choice.weights is not None or spec.task != "detect" or name not in tuple(bundled_names()):
            continue
        card = bundled_card(name)
        ap50 = card.get("metrics", {}).get("ap50")
        entries = load_catalogue(registry.entries()).entries.values()
        others = [entry.name for entry in entries if entry.plugin == spec.name]
        better = f"; for the official one: -m {others[0]}" if others else ""
        reporter.note(f"{spec.name}: {card.get('title', name)}, AP50 {ap50} on COCO val photos{better}")


def note_urls(sources: Sequence[Source], reporter: Reporter) -> None:
    """One line where annotated copies are wanted of what cannot be read a second time."""
    urls = sum(isinstance(source.path, Url) for source in sources)
    if urls:
        plural = "s" if urls > 1 else ""
        reporter.note(f"no annotated copy of {urls} URL{plural}: a stream is read only once")
