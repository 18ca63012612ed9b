"""Writes the distribution of a new plugin, from templates that lie beside this file."""

from __future__ import annotations

import os
import re
import runpy
import shutil
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from tempfile import mkdtemp
from typing import Literal, get_args

from mediaml.core.errors import OutputError, UsageError

TaskTemplate = Literal["classify", "detect", "embed", "transform", "audio"]
TASKS: tuple[TaskTemplate, ...] = get_args(TaskTemplate)
_MOST = 40
_PLACES = {
    "init.py": "PACKAGE/__init__.py",
    "model.py": "PACKAGE/model.py",
    "test_model.py": "tests/test_model.py",
}


def package_of(name: str) -> str:
    """The Python package of a plugin that is named so.

    Raises:
        UsageError: the name cannot be that of a model and of a distribution.
    """
    if re.fullmatch(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?", name) is None or len(name) > _MOST:
        words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_MOST].strip("-")
        raise UsageError(
            f"{name!r} cannot be the name of a plugin: lower-case letters, digits, and - or _ between them.",
            f"For example: mediaml plugins new {words or 'cats'}",
        )
    return f"mediaml_{name.replace('-', '_')}"


def write_plugin(name: str, task: TaskTemplate, folder: Path) -> tuple[Path, ...]:
    """Write the distribution `mediaml-NAME` with a small working model into a new folder.

    Returns:
        What was written, relative to the folder, sorted.

    Raises:
        UsageError: the name is not possible, or the folder exists.
        OutputError: the folder cannot be written.
    """
    package = package_of(name)
    if folder.exists():
        raise UsageError(f"{folder} exists already.", "Name another folder with -o, or remove it.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(mkdtemp(prefix=".", dir=folder.parent))
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}.") from error
    try:
        _render(made, {"name": name, "package": package}, task)
        runpy.run_path(str(made / "make_model.py"), run_name="__main__")
        made.chmod(0o777 & ~_umask())
        made.rename(folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return tuple(sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()))


def _render(folder: Path, names: dict[str, str], task: TaskTemplate) -> None:
    templates = files("mediaml.authoring") / "templates"
    sources = {**_templates(templates / "common"), **_templates(templates / task)}
    for path, template in sources.items():
        place = _PLACES.get(path, path).replace("PACKAGE", names["package"])
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        text = Template(template.read_text(encoding="utf-8")).substitute(names)
        target.write_text(text, encoding="utf-8")


def _templates(folder: Traversable, below: str = "") -> dict[str, Traversable]:
    """The templates of a folder by their path without `.tmpl`."""
    found: dict[str, Traversable] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= _templates(entry, f"{below}{entry.name}/")
        elif entry.name.endswith(".tmpl"):
            found[f"{below}{entry.name.removesuffix('.tmpl')}"] = entry
    return found


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
