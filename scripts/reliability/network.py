"""No network and no file at home: every socket of every process is seen by strace, from a fresh home folder.

ONNX Runtime's telemetry opens its socket and writes its files while it is imported; the long form waits as
long as its first upload takes as well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from scripts.reliability.media import square, square_finder, write_clip
from scripts.reliability.verdict import Bench, Verdict

_METADATA = "Metadata-Version: 2.1\nName: importer\nVersion: 1.0\n"
_PLUGIN = """
import time
import onnxruntime
from mediaml.plugin import Label, ModelSpec, hookimpl

class Slow:
    def predict(self, frames):
        time.sleep({seconds})
        return [Label("seen", 1.0) for _ in frames]

@hookimpl
def mediaml_models():
    yield ModelSpec("importer", task="classify", load=lambda context: Slow())
"""
_LIBRARY = """
import sys
from pathlib import Path
from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import open_session
open_session(Path(sys.argv[1]), parse_device("cpu"))
"""
_SOCKET = re.compile(r"\bsocket\((?!AF_UNIX|AF_LOCAL)\w+")
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV")


def torture_network(bench: Bench, *, frames: int = 200, seconds: float = 25.0) -> Iterator[Verdict]:
    """A run with copies and a plugin that imports ONNX Runtime itself, other commands, and library use.

    Args:
        seconds: how long the run lasts at least.
    """
    room = bench.room("network")
    reason = _obstacle(room)
    model = square_finder(room)
    _install(room / "site", seconds)
    (room / "in").mkdir()
    write_clip(room / "in" / "clip.mp4", frames=frames)
    cv2.imwrite(str(room / "photo.png"), square(96, 64, 8))
    run = ["run", "--offline", "--device", "cpu"]
    cases: dict[str, list[object]] = {
        "run": ["-m", "mediaml", *run, "-p", "yolo", "-m", model, "in", "-o", "out"],
        "a plugin that imports ONNX Runtime": ["-m", "mediaml", *run, "-p", "importer", "photo.png"],
        "doctor": ["-m", "mediaml", "doctor"],
        "models verify": ["-m", "mediaml", "models", "verify", model],
        "library": ["-c", _LIBRARY, model],
    }
    for case, arguments in cases.items():
        yield (
            Verdict("network", case, "skipped", reason) if reason else _watched(case, room, arguments, bench)
        )


def _watched(case: str, room: Path, arguments: Sequence[object], bench: Bench) -> Verdict:
    home = room / f"home of {case}"
    home.mkdir()
    trace = home.with_suffix(".trace")
    ended = subprocess.run(
        [*_strace(trace), sys.executable, *map(str, arguments)],
        cwd=room,
        env=_environment(room, home),
        capture_output=True,
        timeout=bench.timeout_s,
        check=False,
    )
    calls = trace.read_text(encoding="utf-8", errors="replace")
    sockets = _SOCKET.findall(calls)
    written = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    wrong = [] if ended.returncode == 0 else [f"exit code {ended.returncode}: {ended.stderr[-300:]!r}"]
    if sockets:
        wrong.append(f"{len(sockets)} sockets, the first {sockets[0]})")
    wrong += [f"it wrote {path}" for path in written if "onnxruntime" in path or "Microsoft" in path]
    return Verdict.of("network", case, wrong, "no socket, no file of ONNX Runtime at home")


def _strace(trace: Path) -> list[str]:
    return ["strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace)]


def _environment(room: Path, home: Path) -> dict[str, str]:
    """A user's: telemetry is silent where `CI` is set, as it is when this runs as a test."""
    paths = [str(room / "site"), *filter(None, sys.path)]
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    places = {name: str(home) for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    return {**kept, **places, "PYTHONPATH": os.pathsep.join(paths)}


def _obstacle(room: Path) -> str:
    """Why no process can be watched here; empty where one can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run([*_strace(room / "tried"), "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace does not work here: {tried.stderr.strip()}"


def _install(site: Path, seconds: float) -> None:
    """A distribution whose plugin imports ONNX Runtime before anything of mediaml."""
    information = site / "importer-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(_METADATA, encoding="utf-8")
    (information / "entry_points.txt").write_text("[mediaml]\nimporter = importer\n", encoding="utf-8")
    (site / "importer.py").write_text(_PLUGIN.format(seconds=seconds), encoding="utf-8")
