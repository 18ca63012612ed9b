"""From a catalogue name to what a plugin opens: fetch, prove, and import where the recipe asks for it."""

from __future__ import annotations

from pathlib import Path

from mediaml import __version__
from mediaml.catalogue import CatalogueEntry
from mediaml.store.digest import sha256_of
from mediaml.store.store import Store


def obtain_weights(store: Store, name: str) -> Path:
    """The ONNX file, or the folder, of a catalogue model; fetched when it is not here.

    Raises:
        ModelError: see `Store.obtain`; or the darknet files cannot be imported.
        ChecksumError: see `Store.obtain`.
    """
    entry = store.obtain(name)
    if entry.recipe == "darknet":
        return _imported(store, entry)
    home = store.cache.home(name)
    return home if entry.recipe == "folder" else home / entry.files[0].name


def imported_path(store: Store, entry: CatalogueEntry) -> Path:
    """Where the ONNX file of a darknet entry lies; the importer's version is part of it."""
    return store.cache.home(entry.name) / f"imported-{__version__}" / f"{entry.name}.onnx"


def _imported(store: Store, entry: CatalogueEntry) -> Path:
    """The ONNX file made of proven cfg and weights; made again where it is not what it was."""
    path = imported_path(store, entry)
    receipt = path.with_suffix(".sha256")
    if _intact(path, receipt):
        return path
    say = store.watcher.say
    with store.cache.lock(
        entry.name, lambda: say(f"{entry.name}: another mediaml is importing it; waiting.")
    ):
        if _intact(path, receipt):
            return path
        from mediaml.onnx.darknet import import_darknet

        say(f"{entry.name}: turning its darknet files into ONNX, once")
        named = {Path(file.name).suffix: store.cache.path(entry, file) for file in entry.files}
        receipt.unlink(missing_ok=True)
        report = import_darknet(named[".cfg"], named[".weights"], path, names=named.get(".names"))
        receipt.write_text(report.sha256, encoding="ascii")
    return path


def _intact(path: Path, receipt: Path) -> bool:
    """Whether an imported file is the one that the import wrote."""
    if not (path.is_file() and receipt.is_file()):
        return False
    return receipt.read_text(encoding="ascii", errors="replace") == sha256_of(path)
