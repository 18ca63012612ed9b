"""The file of a catalogue model: downloaded, verified and, from Darknet, imported."""

from __future__ import annotations

from pathlib import Path

from mediaml import __version__
from mediaml.core.catalogue_entry import CatalogueEntry
from mediaml.store.digest import sha256_of
from mediaml.store.store import Store


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
