"""Messages before a run starts: what a scan skipped, where models run, how accurate they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mediaml.app.reporter import Reporter
from mediaml.core.location import Url, is_stream
from mediaml.core.media import Kind
from mediaml.core.text import counted
from mediaml.core.work import Source
from mediaml.engine.messages import ModelDevices
from mediaml.ledger.result_rows import ModelRow
from mediaml.media.annotated_mark import is_annotated_copy
from mediaml.pipeline.inputs import Selection, scan
from mediaml.pipeline.models import Choice
from mediaml.pipeline.walk import Skipped, SkipReason, is_copy
from mediaml.registry.entry_points import Registry
from mediaml.store.bundled import bundled_card, bundled_names
from mediaml.store.catalogue import load_catalogue

_MOST_NAMED = 3
_MOST_OPENED = 100
_DETAILS = (SkipReason.SAME_FOLDER, SkipReason.SPECIAL_FILE)
_WARNINGS = (SkipReason.NO_MATCH, SkipReason.SAME_URL)


def find_sources(selection: Selection, reporter: Reporter) -> list[Source]:
    """The sources of a run, or of its shard; reports what was skipped, and copies that were named.

    Raises:
        NoInputsError, UsageError: see `scan`.
    """
    skipped: list[Skipped] = []
    try:
        sources = list(scan(selection, skipped.append))
    finally:
        note_skipped(skipped, reporter)
    if selection.shard is not None:
        found = len(sources)
        sources = [source for source in sources if selection.shard.holds(source.name)]
        reporter.note(f"shard {selection.shard}: {len(sources)} of {counted(found, 'file')}")
    named = [source for source in sources if source.named and not isinstance(source.path, Url)]
    # A long list is not opened file by file before the run begins; there, the name has to be that of a copy.
    known = is_copy if len(named) > _MOST_OPENED else is_annotated_copy
    copies = [source.shown for source in named if isinstance(source.path, Path) and known(source.path)]
    if copies:
        more = f" and {len(copies) - 1} more" if len(copies) > 1 else ""
        reporter.note(f"{copies[0]}{more}: already an annotated copy; processed because it was named")
    return sources


def note_skipped(skipped: Iterable[Skipped], reporter: Reporter) -> None:
    """What a scan left out: the first few of each kind by name, all of them as details."""
    seen = Counter[SkipReason]()
    for one in skipped:
        seen[one.reason] += 1
        if one.reason in _WARNINGS:
            reporter.warning(str(one))
        elif one.reason in _DETAILS or seen[one.reason] > _MOST_NAMED:
            reporter.detail(str(one))
        else:
            reporter.note(str(one))
    for reason, count in seen.items():
        if reason not in (*_DETAILS, *_WARNINGS) and count > _MOST_NAMED:
            reporter.note(f"skipped {count - _MOST_NAMED} more like these")


def note_devices(devices: Mapping[str, ModelDevices], asked: str, reporter: Reporter) -> None:
    """Where each model really runs, and what was found about it.

    A GPU that is there and not used is a warning; that a model runs on the CPU, as usual, is a detail.
    """
    facts = list(devices.values())
    for reason in dict.fromkeys(reason for one in facts for reason in one.fallbacks):
        reporter.warning(f"--device {asked}: running on the CPU, because {reason}")
    for note in dict.fromkeys(note for one in facts for note in one.notes):
        reporter.note(note)
    for detail in dict.fromkeys(detail for one in facts for detail in one.details):
        reporter.detail(detail)
    for name, one in devices.items():
        places = one.places or one.devices
        say = reporter.detail if set(places) <= {"cpu"} else reporter.note
        say(f"{name}: on {', '.join(places) or 'no ONNX Runtime device'}")


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
    """One line where annotated copies are wanted of URLs, which cannot be read a second time."""
    urls = sum(is_stream(source.path) for source in sources)
    if urls:
        reporter.note(f"no annotated copy of {counted(urls, 'URL')}: a stream is read only once")


def note_untracked(kinds: Iterable[Kind | None], reporter: Reporter) -> None:
    """One line where tracks were asked for of sources of which none is a video."""
    if Kind.VIDEO not in kinds:
        reporter.note("--track: nothing to track; none of the inputs is a video")


def note_others(known: Sequence[ModelRow], asked: Sequence[str], reporter: Reporter) -> None:
    """One line per model for which the ledger also keeps results of other weights or options.

    Args:
        known: all models of the ledger, whichever was asked for. asked: names of the models of this run.
    """
    for name in asked:
        others = sum(row.name == name and not row.current for row in known)
        if others:
            kept = counted(others, "other set")
            reporter.note(
                f"{name}: outputs show the weights and options of this run; {kept} kept in the ledger"
            )
