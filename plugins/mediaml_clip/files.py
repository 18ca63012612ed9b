"""Which files make up a CLIP: two towers and a tokenizer, in the layouts in which they are published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mediaml.plugin import ModelError

TOKENIZER, PREPROCESSOR = "tokenizer.json", "preprocessor_config.json"
# Names of the image and of the text tower: Xenova's, clip-as-service's, and the plain ones.
_NAMES = (("vision_model", "text_model"), ("visual", "textual"), ("image", "text"))
_LAYOUT = "A CLIP folder holds vision_model.onnx, text_model.onnx and tokenizer.json; name one with -m."


@dataclass(frozen=True, slots=True)
class ClipFiles:
    """The files of one CLIP.

    Attributes:
        first: the image tower; where `sure` is false perhaps the text tower, which the graph decides.
        second: the other tower; `None` where there is only one.
        tokenizer, preprocessor: `None` where they are missing.
        sure: the names say which tower is which.
    """

    first: Path
    second: Path | None
    tokenizer: Path | None
    preprocessor: Path | None
    sure: bool


def find_files(weights: Path) -> ClipFiles:
    """The files of the CLIP in a folder, or beside an image tower.

    A folder is looked through together with its subfolder `onnx`. Of several towers the one without a
    suffix such as `_quantized` is taken, and the text tower has the suffix of the image tower.

    Raises:
        ModelError: there is no tower, or it is not clear which of several is meant.
    """
    folder = weights if weights.is_dir() else weights.parent
    graphs = _graphs(folder) if weights.is_dir() else sorted(folder.glob("*.onnx"))
    if weights.is_dir() and not graphs:
        raise ModelError(f"the folder {weights} holds no ONNX file.", _LAYOUT)
    first, second, sure = _pair(weights, graphs) if weights.is_dir() else _beside(weights, graphs)
    places = (folder, first.parent, folder.parent if folder.name == "onnx" else folder)
    return ClipFiles(first, second, _find(TOKENIZER, places), _find(PREPROCESSOR, places), sure)


def _graphs(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.onnx"), *folder.glob("onnx/*.onnx")])


def _find(name: str, folders: Sequence[Path]) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _pair(folder: Path, graphs: Sequence[Path]) -> tuple[Path, Path | None, bool]:
    for image, text in _NAMES:
        towers = [path for path in graphs if image in path.stem]
        plain = [path for path in towers if path.stem == image]
        chosen = plain or towers
        if len(chosen) > 1:
            names = ", ".join(path.name for path in chosen)
            raise ModelError(
                f"{folder} holds several image towers: {names}.", "Name one of the files with -m."
            )
        if chosen:
            return chosen[0], _partner(chosen[0], image, text, graphs), True
    if len(graphs) > 2:
        raise ModelError(f"{folder} holds {len(graphs)} ONNX files, none named as an image tower.", _LAYOUT)
    return graphs[0], graphs[1] if len(graphs) == 2 else None, False


def _beside(weights: Path, graphs: Sequence[Path]) -> tuple[Path, Path | None, bool]:
    for image, text in _NAMES:
        if image in weights.stem:
            return weights, _partner(weights, image, text, graphs), True
    others = [path for path in graphs if path.name != weights.name]
    return weights, others[0] if len(others) == 1 else None, True


def _partner(tower: Path, image: str, text: str, graphs: Sequence[Path]) -> Path | None:
    """The text tower of an image tower: of the same name but for the word, else the only one there is."""
    twin = tower.with_name(tower.name.replace(image, text))
    if twin.is_file():
        return twin
    texts = [path for path in graphs if text in path.stem and path != tower]
    return texts[0] if len(texts) == 1 else None
