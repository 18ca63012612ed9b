"""The floors of the house: who may import whom, read from the source without importing it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.floors import ROOMS, table

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "mediaml"
PLUGINS = REPOSITORY / "plugins"

FLOORS = {room.name: room.floor for room in ROOMS}
# Files that belong to a room which is no folder.
ROOM_OF = {"__init__": "package", "__main__": "cli"}
# Libraries that only some rooms know.
KEPT_IN = {
    "click": {"cli"},
    "tqdm": {"cli"},
    "onnxruntime": {"onnx"},
    "onnx": {"onnx", "darknet"},
    "av": {"media", "authoring"},
    "PIL": {"media"},
    "imagecodecs": {"media"},
    "simplejpeg": {"media"},
    "tifffile": {"media"},
    "httpx": {"media", "store"},
    "sqlite3": {"ledger"},
    "pyarrow": {"outputs"},
}
HEAVY = (
    "cv2",
    "av",
    "onnxruntime",
    "onnx",
    "httpx",
    "PIL",
    "imagecodecs",
    "simplejpeg",
    "tifffile",
    "pyarrow",
)


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of every module that a file imports, wherever it does."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            module = node.module or ""
            yield node.lineno, module
            if module in {"mediaml", "mediaml.plugin"}:
                continue
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def room_of(dotted: str) -> str | None:
    """The room that `mediaml.room.file` lies in; `None` for the package itself."""
    parts = dotted.split(".")
    return ROOM_OF.get(parts[1], parts[1]) if len(parts) > 1 else None


def room_of_file(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return ROOM_OF.get(first, first)


@pytest.mark.parametrize("path", sources(PACKAGE), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_file_imports_only_from_its_room_and_below(path: Path) -> None:
    room = room_of_file(path)
    assert room in FLOORS, f"{path.name} stands on no floor: add its room to FLOORS"
    for line, dotted in imported(path):
        if dotted.split(".")[0] != "mediaml":
            continue
        other = room_of(dotted)
        if other is None or other == room:
            continue
        assert other in FLOORS, f"{path}:{line} imports {dotted}, which stands on no floor"
        assert FLOORS[other] < FLOORS[room], f"{path}:{line}: {room} must not know {other}"


@pytest.mark.parametrize("path", sources(PACKAGE), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    room = room_of_file(path)
    for line, dotted in imported(path):
        library = dotted.split(".")[0]
        assert room in KEPT_IN.get(library, {room}), f"{path}:{line}: {room} must not know {library}"


def test_onnx_runtime_is_imported_in_one_place() -> None:
    """There, its telemetry is switched off before."""
    importers = {
        str(path.relative_to(PACKAGE))
        for path in sources(PACKAGE)
        for _, dotted in imported(path)
        if dotted.split(".")[0] == "onnxruntime"
    }
    assert importers == {"onnx/runtime.py"}


@pytest.mark.parametrize("path", sources(PLUGINS), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_plugins_know_only_the_public_door(path: Path) -> None:
    own = path.relative_to(PLUGINS).parts[0]
    for line, dotted in imported(path):
        library = dotted.split(".")[0]
        if library == "mediaml":
            assert dotted == "mediaml.plugin", f"{path}:{line} imports {dotted}, not mediaml.plugin"
        assert not library.startswith("mediaml_") or library == own, f"{path}:{line} imports {dotted}"


@pytest.mark.parametrize(
    "path",
    [path for path in sources(PACKAGE) + sources(PLUGINS) if PACKAGE / "cli" not in path.parents],
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_nothing_is_printed_outside_cli(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        printed = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        streamed = (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (node.value.id, node.attr) in {("sys", "stdout"), ("sys", "stderr")}
        )
        assert not printed and not streamed, f"{path}:{getattr(node, 'lineno', 0)} writes to the terminal"


@pytest.mark.parametrize(
    "statement",
    [
        "import mediaml.plugin",
        "import mediaml.testing",
        "sys.argv[1:] = ['--help']; from mediaml.cli.main import main; main()",
        "import mediaml_yolo; list(mediaml_yolo.mediaml_models())",
    ],
)
def test_light_imports_stay_light(statement: str) -> None:
    """The door, the help and a listed plugin answer at once: nothing heavy is imported for them."""
    script = (
        f"import sys\nsys.path[:0] = {[str(REPOSITORY), str(PLUGINS)]!r}\ntry:\n    {statement}\n"
        "except SystemExit:\n    pass\n"
        f"print('HEAVY', *[name for name in {HEAVY!r} if name in sys.modules], sep=',')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY"


def test_the_architecture_shows_these_floors() -> None:
    """The table in docs/architecture.md is the one of `tests/support/floors.py`; paste it when it changes."""
    assert table() in (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
