"""Third-party plugins: real distributions on the module path, seen by every process that is started."""

from __future__ import annotations

import importlib
import textwrap
from pathlib import Path


def install_plugin(site: Path, name: str, source: str) -> Path:
    """Make `site` hold a distribution `name` whose plugin is `source`; it has yet to join the module path."""
    information = site / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[mediaml]\n{name} = {name}_plugin\n")
    (site / f"{name}_plugin.py").write_text(textwrap.dedent(source), encoding="utf-8")
    importlib.invalidate_caches()
    return site
