"""Cases of Hugging Face's detectors, and of RT-DETR's own layout with its sizes.

    python -m scripts.golden.by_transformers FOLDER [NAME...]     # needs transformers and torchvision

`rt-detr` is transformers' RT-DETR behind the deployed post-processor of RT-DETR, D-FINE and DEIM: the best
queries after a sigmoid, boxes times the sizes that the graph is given.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from scripts.golden.case import Case, Found, rounded, write_case
from scripts.golden.hugging_face import NAMES, QUERIES, SIZE, model_and_processor
from scripts.golden.lively import calibrate_norms, spread
from scripts.golden.picture import HEIGHT, WIDTH, picture

CONF = 0.25
RECIPES = {
    "hf-detr": "hf-softmax",
    "hf-conditional-detr": "hf-sigmoid",
    "hf-rt-detr": "hf-sigmoid",
    "hf-rt-detr-v2": "hf-sigmoid",
    "hf-d-fine": "hf-sigmoid",
    "hf-deimv2": "hf-sigmoid",
    "rt-detr": "rt-detr",
}
EXACT = frozenset({"hf-d-fine", "hf-deimv2"})


def enliven(model: Any, images: Any) -> None:
    """Let heads answer what a trained network's do."""
    import torch

    def run() -> Any:
        return model(pixel_values=images)

    calibrate_norms(model, run)
    heads = [(name, module) for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    last = [module for name, module in heads if "class" in name and "enc" not in name]
    last = [module for module in last if module.out_features in {len(NAMES), len(NAMES) + 1}] or last[-1:]
    # A softmax does not know a mean; a sigmoid needs one that is low.
    softmax = any(module.out_features > len(NAMES) for module in last)
    spread(last, run, *((0.0, 2.0) if softmax else (-1.6, 0.35)))


def networks_answer(name: str, model: Any) -> Any:
    """The module that is exported: outputs as a tuple."""
    import torch

    class Plain(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixel_values: Any) -> Any:
            answer = self.model(pixel_values=pixel_values)
            return answer.logits, answer.pred_boxes

    class WithSizes(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.plain = Plain()

        def forward(self, images: Any, orig_target_sizes: Any) -> Any:
            logits, boxes = self.plain(images)
            half = boxes[..., 2:] / 2
            corners = torch.cat([boxes[..., :2] - half, boxes[..., :2] + half], -1)
            corners = corners * orig_target_sizes.repeat(1, 2).unsqueeze(1)
            scores, index = torch.topk(torch.sigmoid(logits).flatten(1), QUERIES, dim=-1)
            chosen = (index // len(NAMES)).unsqueeze(-1).repeat(1, 1, 4)
            return index % len(NAMES), corners.gather(1, chosen), scores

    return WithSizes() if name == "rt-detr" else Plain()


def answers(processor: Any, model: Any, images: Any) -> list[Found]:
    """What transformers finds, cut at the picture's edges."""
    import torch

    with torch.no_grad():
        output = model(pixel_values=images)
    [result] = processor.post_process_object_detection(output, CONF, target_sizes=[(HEIGHT, WIDTH)])
    found = []
    for score, label, box in zip(result["scores"], result["labels"], result["boxes"], strict=True):
        cut = np.clip(box.numpy(), 0, (WIDTH, HEIGHT) * 2).tolist()
        if cut[0] < cut[2] and cut[1] < cut[3]:
            found.append(Found(NAMES[int(label)], round(float(score), 5), rounded(cut)))
    return found


def record(name: str, folder: Path) -> int:
    """Export, run and write one case; returns how much was found."""
    import torch
    import transformers
    from PIL import Image

    torch.manual_seed(12)
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    model, processor = model_and_processor(name)
    model = model.eval()
    images = processor(images=Image.fromarray(picture()), return_tensors="pt")["pixel_values"]
    enliven(model, images)
    found = answers(processor, model, images)
    sized = name == "rt-detr"
    inputs = (images, torch.tensor([[SIZE, SIZE]])) if sized else (images,)
    torch.onnx.export(
        networks_answer(name, model).eval(),
        inputs,
        str(target / "model.onnx"),
        input_names=["images", "orig_target_sizes"] if sized else ["pixel_values"],
        output_names=["labels", "boxes", "scores"] if sized else ["logits", "pred_boxes"],
        dynamic_axes={"images" if sized else "pixel_values": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    if sized:
        (target / "labels.txt").write_text("\n".join(NAMES), encoding="utf-8")
    else:
        model.config.save_pretrained(target)
        processor.save_pretrained(target)
    maker = f"transformers {transformers.__version__}, {type(model).__name__}"
    case = Case(maker, RECIPES[name], CONF, found, exact=name in EXACT)
    write_case(target, case, images.numpy())
    return len(found)


def main() -> None:
    """Write the cases that were named, or all."""
    for name in sys.argv[2:] or RECIPES:
        print(name, record(name, Path(sys.argv[1])), flush=True)


if __name__ == "__main__":
    main()
