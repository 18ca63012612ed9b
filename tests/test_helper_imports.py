"""What scripts and tests may import: scripts never import tests; tests share helpers in tests/support."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from scripts.paths import REPOSITORY


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, in full, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def files(folder: str) -> list[Path]:
    found = sorted((REPOSITORY / folder).rglob("*.py"))
    assert found
    return [path for path in found if "third_party" not in path.parts]


def test_scripts_import_by_their_full_name_and_never_tests() -> None:
    beside = {path.stem for path in (REPOSITORY / "scripts").iterdir()} - {"__init__"}
    wrong = [
        f"{path.relative_to(REPOSITORY)}: {name}"
        for path in files("scripts")
        for name in imported(path)
        if name.partition(".")[0] in {"", "tests", *beside}
    ]
    assert wrong == []


def test_tests_share_helpers_only_by_tests_support() -> None:
    wrong = [
        f"{path.relative_to(REPOSITORY)}: {name}"
        for path in files("tests")
        for name in imported(path)
        if name.startswith((".", "tests.")) and not name.startswith("tests.support.")
    ]
    assert wrong == []


def test_no_script_changes_the_module_path() -> None:
    wrong = [
        str(path.relative_to(REPOSITORY))
        for path in files("scripts")
        if "sys.path" in path.read_text(encoding="utf-8")
    ]
    assert wrong == []
