"""The darknet importer: a cfg and its weights become one ONNX file of the interface "detector/1"."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mediaml.core.atomic_file import write_atomically
from mediaml.core.errors import OutputError
from mediaml.darknet.graph import build_graph
from mediaml.darknet.names import class_names
from mediaml.darknet.network import DarknetNetwork, read_network
from mediaml.darknet.weights import parameter_count, read_weights
from mediaml.onnx.metadata import ANCHORS, INPUT, INTERFACE, LABELS, NAME, SOURCE, set_metadata
from mediaml.onnx.model_file import file_digest, model_digest
from mediaml.store.catalogue import official_entries


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import wrote.

    Attributes:
        path: the ONNX file.
        name: the network's name: the cfg's, without its ending.
        width, height: the input size of the cfg, pixels.
        stride: pixels of which any input's width and height must be multiples.
        layers, convolutions, heads: how many the network has.
        anchors: boxes that it outputs for one image of the cfg's size.
        parameters: float32 values that were read.
        labels: class names; `labels_from` says where they were found.
        masks: which of the cfg's anchors each head uses.
        source_sha256: hex digest of cfg and weights, by file name.
        warning: what is probably wrong with the pair of files; empty where nothing is known to be.
        sha256, size_bytes: of the ONNX file.
    """

    path: Path
    name: str
    width: int
    height: int
    stride: int
    layers: int
    convolutions: int
    heads: int
    anchors: int
    parameters: int
    labels: tuple[str, ...]
    labels_from: str
    masks: tuple[tuple[int, ...], ...]
    source_sha256: Mapping[str, str]
    sha256: str
    size_bytes: int
    warning: str = ""


def import_darknet(
    cfg: Path,
    weights: Path,
    output: Path,
    *,
    names: Path | None = None,
    masks: Sequence[Sequence[int]] = (),
) -> ImportReport:
    """Read a darknet network and write it as an ONNX file; a file of that name is replaced in one step.

    Args:
        cfg, weights: the two files of the network.
        output: the ONNX file to write.
        names: class names, one per line; see `names.class_names` for where they come from otherwise.
        masks: the anchors of each head, where the weights were trained with others than the cfg says.

    Raises:
        ModelError: a file cannot be read, or the network is none of the YOLOv3 family; names the layer.
        OutputError: the ONNX file cannot be written.
    """
    if output.resolve() in {cfg.resolve(), weights.resolve()}:
        raise OutputError(f"{output} is also an input", "Choose another name for the ONNX file.")
    network = read_network(cfg, masks)
    labels, labels_from = class_names(cfg, network.classes, names)
    model = build_graph(network, read_weights(weights, network.convolutions), cfg.stem)
    digests = {path.name: file_digest(path) for path in (cfg, weights)}
    set_metadata(model, _metadata(network, cfg.stem, labels, digests))
    content: bytes = model.SerializeToString(deterministic=True)
    write_atomically(output, content)
    return ImportReport(
        path=output,
        name=cfg.stem,
        width=network.width,
        height=network.height,
        stride=network.stride,
        layers=len(network.layers),
        convolutions=len(network.convolutions),
        heads=len(network.heads),
        anchors=sum(head.shape.height * head.shape.width * len(head.anchors) for head in network.heads),
        parameters=sum(map(parameter_count, network.convolutions)),
        labels=labels,
        labels_from=labels_from,
        masks=network.masks,
        source_sha256=digests,
        sha256=model_digest(content),
        size_bytes=len(content),
        warning=_mask_warning(cfg, weights, network, digests[weights.name]),
    )


def masks_text(masks: Sequence[Sequence[int]]) -> str:
    """Masks as a cfg writes them, one head after the other: `3,4,5 and 1,2,3`."""
    return " and ".join(",".join(map(str, mask)) for mask in masks)


def _mask_warning(cfg: Path, weights: Path, network: DarknetNetwork, weights_sha256: str) -> str:
    """What to do where published weights meet a cfg with other anchors than they were trained with."""
    for entry in official_entries():
        published = any(file.sha256 == weights_sha256 for file in entry.files)
        if published and entry.masks and entry.masks != network.masks:
            return (
                f"{weights} is the published {entry.name}, trained with mask {masks_text(entry.masks)}; "
                f"{cfg.name} says {masks_text(network.masks)}, so boxes come out wrong. "
                f"Correct mask= in its [yolo] sections, or use `-m {entry.name}`, which does so"
            )
    return ""


def _metadata(
    network: DarknetNetwork, name: str, labels: tuple[str, ...], digests: Mapping[str, str]
) -> dict[str, str]:
    """The metadata of "detector/1"; see docs/darknet.md.

    The bars are darknet's grey. Darknet shrinks without antialiasing, so its nets were trained on sharp
    images: of the antialiased filters the bicubic one gives results closest to those with darknet's own
    pixels.
    """
    wanted = {
        "type": "image",
        "width": network.width,
        "height": network.height,
        "stride": network.stride,
        "layout": "NHWC",
        "dtype": "uint8",
        "color": "RGB",
        "fit": "letterbox",
        "pad": 128,
        "resample": "bicubic",
    }
    return {
        INTERFACE: "detector/1",
        NAME: name,
        LABELS: json.dumps(labels, ensure_ascii=False),
        INPUT: json.dumps(wanted),
        ANCHORS: json.dumps([head.anchors for head in network.heads]),
        SOURCE: json.dumps(digests, ensure_ascii=False),
    }
