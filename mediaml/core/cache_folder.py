"""The folder of what can be made or fetched again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

CACHE = "MEDIAML_CACHE"
"""The environment variable that names another folder."""


def cache_folder(environment: Mapping[str, str]) -> Path:
    """`MEDIAML_CACHE`, else where this system keeps the caches of a user; need not exist."""
    named = environment.get(CACHE)
    if named:
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("mediaml", appauthor=False)
