"""Finds the model file of a chosen model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from mediaml.core.catalogue_entry import is_model_name
from mediaml.core.errors import ModelError
from mediaml.core.suggestions import suggestion
from mediaml.onnx.formats import foreign_format
from mediaml.registry.entry_points import Offer
from mediaml.store.bundled import bundled_model, bundled_names


def find_weights(offer: Offer, given: Path | None, obtain: Callable[[str], Path]) -> Path | None:
    """The model file: the given one, one beside the plugin's module, a bundled one, or the catalogue's.

    Args:
        given: what was typed after `-m`: a file, a folder, or a name.
        obtain: makes sure that a model of the catalogue is here, and gives its path.

    Raises:
        ModelError: it does not exist, or is not here and cannot be fetched.
    """
    wanted = offer.spec.weights
    if given is None and wanted is None:
        return None
    if given is not None:
        return given if given.is_file() else _named(offer, str(given), obtain)
    if wanted is not None and not wanted.endswith(".onnx"):
        return bundled_model(wanted) if wanted in bundled_names() else obtain(wanted)
    module = sys.modules[offer.spec.module]
    path = Path(str(module.__file__)).parent / str(wanted)
    if not path.is_file():
        raise ModelError(
            f"the weights {path} of model {offer.spec.name!r} do not exist.", "Install its plugin again."
        )
    return path


def _named(offer: Offer, given: str, obtain: Callable[[str], Path]) -> Path:
    """Resolve `-m NAME` where there is no such file: a bundled model, the catalogue's, else a folder."""
    if given in bundled_names():
        return bundled_model(given)
    if Path(given).is_dir():
        return Path(given)
    foreign = foreign_format(Path(given))
    # Catalogue names are lower case; the catalogue suggests the right one.
    if is_model_name(given.lower()) and not given.lower().endswith(".onnx") and foreign is None:
        return obtain(given)
    what = f"; it would be {foreign[0]}, and mediaml runs ONNX models" if foreign else ""
    raise ModelError(
        f"the weights file {given} does not exist{what}.", foreign[1] if foreign else _nearby(Path(given))
    )


def _nearby(path: Path) -> str:
    """A suggestion for a path that does not exist."""
    folder = path.parent
    others = [other.name for other in folder.glob("*.onnx")] if folder.is_dir() else []
    return suggestion(path.name, others) or "Check the path after -m."
