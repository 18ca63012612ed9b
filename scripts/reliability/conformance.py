"""Media conformance: every clip read by us as `ffprobe` and `ffmpeg` read it, and its annotated copy as well.

The clips are rendered (see `clips`), or those of the shared media and cases. What is compared: the number of
frames, every time on the container's clock, the displayed size, colours, audio, and the copy.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from mediaml.core.errors import MediaError
from mediaml.core.media import Kind
from mediaml.media.loading import load_av
from mediaml.media.reader import import_decoders
from mediaml.media.sniff import sniff_kind
from scripts.reliability.clips import AUDIO, VIDEO, Clip, known_encoders, render
from scripts.reliability.comparison import Finding, compare_audio, compare_copy, compare_tone, compare_video
from scripts.reliability.media import square_finder
from scripts.reliability.reference import Reference
from scripts.reliability.runs import run
from scripts.reliability.stills import NO_REFERENCE, compare_image
from scripts.reliability.verdict import Bench, Verdict

# Shared files whose clock restarts.
RESTARTS = frozenset(
    {"clock_goes_back.ts", "clock_restarts_aac.ts", "clock_restarts_mp2.ts", "clock_steps_back_0.8s.ts"}
)
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Result:
    """What was found about one file; `error` where it could not be read at all."""

    name: str
    findings: tuple[Finding, ...]
    error: str = ""

    def verdict(self) -> Verdict:
        """One line: what is wrong with both numbers, else all figures."""
        wrong = [self.error] * bool(self.error) + [each.text for each in self.findings if not each.holds]
        return Verdict.of("conformance", self.name, wrong, ", ".join(each.text for each in self.findings))


def torture_conformance(bench: Bench, clips: Sequence[Clip] = (*VIDEO, *AUDIO)) -> Iterator[Verdict]:
    """Compare the rendered clips, then the shared files."""
    missing = [tool for tool in ("ffmpeg", "ffprobe") if shutil.which(tool) is None]
    if missing:
        yield Verdict("conformance", "clips", "skipped", f"no {' and no '.join(missing)}")
        return
    load_av()
    import_decoders()
    room = bench.room("conformance")
    rendered, skipped = rendered_clips(clips, room / "clips")
    yield from skipped
    yield from _all_compared(bench, room, "rendered", rendered)
    if bench.assets is None:
        yield Verdict("conformance", "shared files", "skipped", "the shared assets are not at hand")
        return
    for name in ("media", "cases"):
        yield from _stills(bench.assets / name)
        yield from _all_compared(bench, room, name, shared_files(bench.assets / name))


def rendered_clips(clips: Iterable[Clip], folder: Path) -> tuple[list[Path], list[Verdict]]:
    """The clips that this ffmpeg can render, and a verdict for each that it cannot."""
    folder.mkdir(parents=True)
    known = known_encoders()
    paths, skipped = [], []
    for clip in clips:
        lacking = [name for name in clip.encoders if name not in known]
        reason = f"no encoder {', '.join(lacking)}" if lacking else render(clip, folder)
        if reason:
            skipped.append(Verdict("conformance", clip.name, "skipped", reason))
        else:
            paths.append(folder / clip.name)
    return paths, skipped


def shared_files(folder: Path) -> list[Path]:
    """The videos and audio files below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if sniff_kind(path) in (Kind.VIDEO, Kind.AUDIO)]


def _stills(folder: Path) -> Iterator[Verdict]:
    """A verdict for each image below a folder that differs or has no reference, then one that counts."""
    held: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if sniff_kind(path) is not Kind.IMAGE:
            continue
        if path.name in NO_REFERENCE:
            yield Verdict("conformance", path.name, "skipped", NO_REFERENCE[path.name])
            continue
        findings = list(compare_image(path))
        for finding in findings:
            tried[finding.aspect] += 1
            held[finding.aspect] += finding.holds
        verdict = Result(path.name, tuple(findings)).verdict()
        if verdict.outcome != "holds":
            yield verdict
    figures = ", ".join(f"{aspect} {held[aspect]} of {number}" for aspect, number in tried.items())
    wrong = [] if held == tried else [figures]
    yield Verdict.of(
        "conformance", f"{folder.name}: in all, {tried.total()} checks of stills", wrong, figures
    )


def _all_compared(bench: Bench, room: Path, name: str, paths: list[Path]) -> Iterator[Verdict]:
    """A verdict for each file, then one that counts what holds."""
    out = room / f"{name}-out"
    copied = ["-p", "yolo", "-m", f"yolo={square_finder(room)}", "--device", "cpu", "-o", out]
    ended = run(["run", *copied, *paths], room, timeout_s=bench.timeout_s)
    times = _times_of_results(out)
    held: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        for result in pool.map(lambda path: compared(path, out, times.get(str(path), [])), paths):
            tried["read"] += 1
            held["read"] += not result.error
            for finding in result.findings:
                tried[finding.aspect] += 1
                held[finding.aspect] += finding.holds
            yield replace(result.verdict(), case=f"{name}: {result.name}")
    figures = ", ".join(f"{aspect} {held[aspect]} of {number}" for aspect, number in tried.items())
    wrong = [] if held == tried else [figures]
    if ended.code not in (0, 1):
        wrong.append(f"mediaml run ended with {ended.code}: {ended.err.strip()[-200:]}")
    yield Verdict.of("conformance", f"{name}: in all, {len(paths)} files", wrong, figures)


def compared(path: Path, out: Path, times: list[float]) -> Result:
    """All findings about one file, whose copies are below `out`; `times` are those of its results."""
    findings: list[Finding] = []
    try:
        reference = Reference.of(path)
        kind = sniff_kind(path)
        if reference.video is not None and kind is not None:
            findings += compare_video(reference, kind, restarts=path.name in RESTARTS)
            findings += compare_tone(reference)
            findings += compare_copy(reference, _copy_of(path, out), times)
        if reference.audio is not None:
            findings += compare_audio(reference)
        if reference.video is None and reference.audio is None:
            return Result(path.name, (), "ffprobe finds no stream")
    except MediaError as error:
        return Result(path.name, tuple(findings), f"refused: {error}")
    return Result(path.name, tuple(findings))


def _copy_of(path: Path, out: Path) -> Path | None:
    for start in (path.name, path.stem):
        for copy in sorted(out.rglob(f"{start}.annotated.*")):
            return copy
    return None


def _times_of_results(out: Path) -> dict[str, list[float]]:
    """The times of all frames in `results.jsonl`, by source."""
    times: dict[str, list[float]] = defaultdict(list)
    results = out / "results.jsonl"
    for line in results.read_text("utf-8").splitlines()[1:] if results.exists() else ():
        record = json.loads(line)
        if "frame" in record:
            times[record["source"]].append(record["time_s"])
    return times
