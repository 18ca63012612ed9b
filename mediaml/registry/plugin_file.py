"""A plugin that is one Python file, used from its path while it is written: `-p ./my_plugin.py`."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from mediaml.core.errors import PluginError
from mediaml.core.suggestions import suggestion

_TYPED = re.compile(r"(?P<path>.+\.py)(?::(?P<model>[^/\\:]*))?", re.DOTALL)
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class PluginFile:
    """A file that was named as a plugin.

    Attributes:
        path: absolute.
        model: which of its models is meant; empty where none is named.
    """

    path: Path
    model: str = ""

    @classmethod
    def parse(cls, typed: str) -> PluginFile | None:
        """Read `FILE.py` or `FILE.py:MODEL`; `None` for anything else, such as the name of a model."""
        match = _TYPED.fullmatch(typed)
        return None if match is None else cls(Path(match["path"]).absolute(), match["model"] or "")


def plugin_files(names: Iterable[str]) -> tuple[Path, ...]:
    """The files among the names that were typed as models, each once.

    Raises:
        PluginError: one does not exist, or two have one name.
    """
    files = [file.path for file in map(PluginFile.parse, names) if file is not None]
    for path in files:
        if not path.is_file():
            near = [other.name for other in path.parent.glob("*.py")]
            raise PluginError(
                f"the plugin file {path} does not exist.",
                suggestion(path.name, near) or "Check the path after -p.",
            )
    chosen = tuple(dict.fromkeys(files))
    if len({_module_name(path) for path in chosen}) < len(chosen):
        raise PluginError("two plugin files have the same name.", "Rename one.")
    return chosen


def _module_name(path: Path) -> str:
    """Under this name no module can be installed by accident."""
    return f"plugin_file_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}"


class FileLoader(SourceFileLoader):
    """Loads one file as a module of its own, from what is in the file now, never from cached bytecode.

    Attributes:
        version: `0+code.DIGEST` of the file's content.

    Raises:
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._source = path.read_bytes()
        digest = hashlib.sha256(self._source).hexdigest()[:_DIGITS]
        self.version = f"0+code.{digest}"
        super().__init__(_module_name(path), str(path))

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file; a cache of bytecode goes by seconds, and authors save more often than that."""
        return compile(self._source, self.path, "exec", dont_inherit=True)

    def load(self) -> ModuleType:
        """The module, run again. It is known under `name`, so that what it defines can be looked up."""
        spec = spec_from_file_location(self.name, self.path, loader=self)
        assert spec is not None
        module = module_from_spec(spec)
        sys.modules[self.name] = module
        self.exec_module(module)
        return module
