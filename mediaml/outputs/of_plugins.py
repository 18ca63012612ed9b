"""Outputs that plugins offer, written atomically."""

from __future__ import annotations

from pathlib import Path

from mediaml.core.atomic_file import atomic_path
from mediaml.core.errors import OutputError
from mediaml.ledger.results import Results
from mediaml.registry.spec import OutputSpec


class PluginOutput:
    """The `Output` of a plugin: a file in the output folder, named after its name and suffix."""

    def __init__(self, spec: OutputSpec) -> None:
        self._spec = spec

    @property
    def name(self) -> str:
        """What selects it after `-f`."""
        return self._spec.name

    def write(self, results: Results, folder: Path) -> Path:
        """Let the plugin write; if it raises, the file of an earlier run stays.

        Raises:
            OutputError: the plugin failed, or the file cannot be put in its place.
        """
        target = folder / f"{self._spec.name}{self._spec.suffix}"
        with atomic_path(target) as part:
            try:
                self._spec.write(results, part)
            except (Exception, SystemExit) as error:  # a plugin's code may raise anything
                raise OutputError(
                    f"output {self.name!r} failed: {type(error).__name__}: {error}", "The results are kept."
                ) from error
            if not part.exists():
                raise OutputError(f"output {self.name!r} wrote nothing.", "Report this to its author.")
        return target
