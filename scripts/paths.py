"""Where things are: the checkout, what it ships, and the assets that are shared beside it."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
EXPORTED_MODELS = REPOSITORY / "exported_models"
DEMO_CLIP = REPOSITORY / "tests" / "media" / "demo.mp4"


def assets_folder() -> Path:
    """The shared assets' folder: `MEDIAML_ASSETS`, or `shared` beside the checkout; it may be absent."""
    return Path(os.environ.get("MEDIAML_ASSETS") or REPOSITORY.parent / "shared")


def find_assets() -> Path | None:
    """The same folder; `None` where no assets are in it."""
    folder = assets_folder()
    return folder if (folder / "models").is_dir() else None
