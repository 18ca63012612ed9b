"""A case of D-FINE's own code, which DEIM shares: its network behind its deployed post-processor.

    python -m scripts.golden.by_dfine FOLDER

Needs d-fine-project (Apache-2.0), whose wheel installs D-FINE's own code as the package `src`, and torch,
torchvision, faster-coco-eval, scipy, PyYAML and tensorboard.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.ops.resampling import resample_window
from scripts.golden.case import Case, Found, rounded, write_case
from scripts.golden.lively import calibrate_norms, spread
from scripts.golden.picture import HEIGHT, WIDTH, picture

NAMES = ("cat", "dog", "bird")
SIZE, CONF, QUERIES = 160, 0.25, 100
FEATURES = [256, 512, 1024]
PACKAGE = "src"


def fed() -> Any:
    """The picture as bytes at the input's size, as D-FINE's `ToTensor` makes numbers of it: [1, 3, 160, 160].

    Its script lets Pillow resize, from which mediaml's filter is one level away in 1 of 1000 values. Seeded
    weights make other boxes of that, so that both get the same pixels here.
    """
    from torchvision import transforms

    side = slice(0, SIZE)
    small = resample_window(picture(), (SIZE, SIZE), side, side, "bilinear")
    return transforms.ToTensor()(small).unsqueeze(0)


def network() -> Any:
    """D-FINE with HGNetV2-B0, seeded, calibrated weights, and its post-processor for deployment."""
    import torch

    dfine = importlib.import_module(f"{PACKAGE}.zoo.dfine")
    hgnet = importlib.import_module(f"{PACKAGE}.nn.backbone.hgnetv2")
    torch.manual_seed(12)
    size = {"eval_spatial_size": [SIZE, SIZE]}
    widths = {"hidden_dim": 64, "nhead": 2, "dim_feedforward": 128}
    net = dfine.DFINE(
        hgnet.HGNetv2("B0", return_idx=[1, 2, 3], freeze_norm=False, pretrained=False),
        dfine.HybridEncoder(in_channels=FEATURES, depth_mult=0.34, **widths, **size),
        dfine.DFINETransformer(
            len(NAMES),
            num_queries=QUERIES,
            feat_channels=[64, 64, 64],
            num_layers=2,
            num_denoising=0,
            **widths,
            **size,
        ),
    ).eval()
    shown = fed()

    def run() -> Any:
        return net(shown)

    calibrate_norms(net, run)
    spread(net.decoder.dec_score_head, run, -1.6, 0.5)

    class Deployed(torch.nn.Module):  # type: ignore[misc]
        """As D-FINE's `tools/deployment/export_onnx.py` wraps them."""

        def __init__(self) -> None:
            super().__init__()
            self.model = net.deploy()
            self.postprocessor = dfine.DFINEPostProcessor(len(NAMES), num_top_queries=QUERIES).deploy()

        def forward(self, images: Any, orig_target_sizes: Any) -> Any:
            return self.postprocessor(self.model(images), orig_target_sizes)

    return Deployed().eval()


def answers(net: Any) -> list[Found]:
    """What D-FINE finds in the picture, cut at its edges."""
    import torch

    with torch.no_grad():
        labels, boxes, scores = net(fed(), torch.tensor([[WIDTH, HEIGHT]]))
    found = []
    for label, box, score in zip(labels[0], boxes[0], scores[0], strict=True):
        cut = np.clip(box.numpy(), 0, (WIDTH, HEIGHT) * 2).tolist()
        if float(score) >= CONF and cut[0] < cut[2] and cut[1] < cut[3]:
            found.append(Found(NAMES[int(label)], round(float(score), 5), rounded(cut)))
    return found


def record(folder: Path) -> int:
    """Export, run and write the case; returns how much was found."""
    import torch

    target = folder / "d-fine"
    target.mkdir(parents=True, exist_ok=True)
    net = network()
    found = answers(net)
    torch.onnx.export(
        net,
        (fed(), torch.tensor([[SIZE, SIZE]])),
        str(target / "model.onnx"),
        input_names=["images", "orig_target_sizes"],
        output_names=["labels", "boxes", "scores"],
        dynamic_axes={"images": {0: "N"}, "orig_target_sizes": {0: "N"}},
        opset_version=16,
        dynamo=False,
    )
    beside = {"labels.txt": "\n".join(NAMES) + "\n"}
    case = Case("d-fine-project 1.0.0, HGNetV2-B0", "rt-detr", CONF, found)
    write_case(target, case, fed().numpy(), beside)
    return len(found)


if __name__ == "__main__":
    print("d-fine", record(Path(sys.argv[1])), flush=True)
