"""Finds the model file that a plugin opens; a catalogue name is downloaded, verified and imported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from mediaml import __version__
from mediaml.core.catalogue_entry import CatalogueEntry, is_model_name
from mediaml.core.errors import ModelError
from mediaml.core.suggestions import suggestion
from mediaml.onnx.formats import foreign_format
from mediaml.registry.entry_points import Offer
from mediaml.store.bundled import bundled_model, bundled_names
from mediaml.store.digest import sha256_of
from mediaml.store.store import Store


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


def obtain_weights(store: Store, name: str) -> Path:
    """The ONNX file, or the folder, of a catalogue model; fetched when it is not here.

    Raises:
        ModelError: see `Store.obtain`; or the darknet files cannot be imported.
        ChecksumError: see `Store.obtain`.
    """
    entry = store.catalogue.find(name)
    if entry.recipe == "darknet":
        return _imported(store, entry)
    store.obtain(name)
    home = store.cache.home(name)
    return home if entry.recipe == "folder" else home / entry.files[0].name


def imported_path(store: Store, entry: CatalogueEntry) -> Path:
    """Where the ONNX file of a darknet entry is kept; the importer's version is part of it."""
    return store.cache.home(entry.name) / f"imported-{__version__}" / f"{entry.name}.onnx"


def _imported(store: Store, entry: CatalogueEntry) -> Path:
    """The ONNX file made of verified cfg and weights; made again where it has changed."""
    path = imported_path(store, entry)
    if _intact(store, entry, path):
        return path
    store.obtain(entry.name)
    say = store.watcher.say
    with store.cache.lock(
        entry.name, lambda: say(f"{entry.name}: in use by another mediaml process; waiting")
    ):
        if _intact(store, entry, path):
            return path
        from mediaml.darknet.importer import import_darknet, masks_text

        corrected = f", with mask {masks_text(entry.masks)} as it was trained" if entry.masks else ""
        say(f"{entry.name}: converting Darknet weights to ONNX (one time){corrected}")
        named = {Path(file.name).suffix: store.cache.path(entry, file) for file in entry.files}
        _receipt(path).unlink(missing_ok=True)
        report = import_darknet(
            named[".cfg"], named[".weights"], path, names=named.get(".names"), masks=entry.masks
        )
        _receipt(path).write_text(_line(store, entry, report.sha256), encoding="ascii")
    return path


def _receipt(path: Path) -> Path:
    """The receipt beside an imported file, with its checksums."""
    return path.with_suffix(".sha256")


def _line(store: Store, entry: CatalogueEntry, sha256: str) -> str:
    """What the receipt holds: the checksums of the ONNX file and its sources, and corrected masks."""
    masks = [",".join(map(str, mask)) for mask in entry.masks]
    return " ".join([sha256, *(store.cache.promised(entry, file) for file in entry.files), *masks])


def _intact(store: Store, entry: CatalogueEntry, path: Path) -> bool:
    """Whether an imported file is the one that the import wrote, from what the catalogue names now."""
    if not (path.is_file() and _receipt(path).is_file()):
        return False
    noted = _receipt(path).read_text(encoding="ascii", errors="replace")
    # The other checksums are compared first: they cost nothing.
    return noted == _line(store, entry, noted[:64]) and noted[:64] == sha256_of(path)
