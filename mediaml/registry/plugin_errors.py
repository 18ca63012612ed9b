"""Plugin errors with the file and line of the plugin that raised them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from traceback import walk_tb

from mediaml.core.errors import MediamlError


def describe_error(error: BaseException, modules: Iterable[str]) -> str:
    """An error in one line or more: `mediaml_tint/models.py:41: ZeroDivisionError: division by zero`.

    The place is the innermost frame in the packages of `modules`, left out where there is none. Errors that
    mediaml defines are written for users, by plugins too, and stay as they are.

    Args:
        modules: dotted names of the plugin's modules, or entry points' values (`module:object`).
    """
    if isinstance(error, MediamlError):
        return str(error)
    place = _place(error, modules)
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    return f"{place}: {text}" if place else text


def _place(error: BaseException, modules: Iterable[str]) -> str:
    """File, below the folder of its package's parent, and line of the innermost frame in the packages."""
    roots = [root for name in dict.fromkeys(modules) if (root := _root(name)) is not None]
    places = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]
    for file, line in reversed(places):
        for root in roots:
            if file == root or root in file.parents:
                return f"{file.relative_to(root.parent).as_posix()}:{line}"
    return ""


def _root(module: str) -> Path | None:
    """The folder of a module's top-level package, or the file of a module that is not a package.

    Of a namespace package, whose folders may hold packages of others, the module's own.
    """
    module = module.partition(":")[0]
    package = module.partition(".")[0]
    if package == "mediaml":
        return None
    for name in dict.fromkeys((package, module)):
        try:
            spec = find_spec(name)
        except (ImportError, ValueError):
            return None
        if spec is not None and spec.origin is not None and spec.has_location:
            file = Path(spec.origin)
            return file.parent if file.name == "__init__.py" else file
    return None
