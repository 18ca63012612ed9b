"""From trained nets to what ships: the ONNX file, checked against PyTorch, its golden file and its card."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

from scripts.evaluation import digits as evaluation
from scripts.training.digits import batches, card, glyphs, graph, loop, mnist, nets, samples

TOLERANCE = 1e-4  # largest difference of a probability between PyTorch and the exported graph


def drawn_inputs() -> np.ndarray:
    """Golden inputs, uint8 [n, 28, 28]: printed digits, letters, a blank; drawn, nobody's data."""
    random = np.random.default_rng(7)
    digits = [samples.boxed(glyphs.printed(name, "DejaVuSans")) for name in glyphs.DIGITS]
    letters = [samples.boxed(glyphs.written(name, random)) for name in "AKMW"]
    return np.stack([*digits, *letters, np.zeros((28, 28), np.uint8)])


def largest_difference(net: nn.Module, model: Path, images: np.ndarray) -> float:
    """Between the probabilities of PyTorch and of ONNX Runtime."""
    with torch.no_grad():
        expected = torch.softmax(net(batches.to_tensor(images, torch.device("cpu"))), dim=1)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (answered,) = session.run(None, {"image": images[:, None]})
    return float(np.abs(answered - expected.numpy()).max())


def write_golden(model: Path, path: Path) -> None:
    """Inputs and the outputs that every later run must give again."""
    images = drawn_inputs()[:, None]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (answered,) = session.run(None, {"image": images})
    np.savez_compressed(path, **{"input.image": images, "output.probabilities": answered})


def flops_of(net: nn.Module) -> int:
    """Floating point operations of one picture: two a multiply-add of convolutions and dense layers."""
    total = 0

    def count(layer: nn.Module, _: Any, output: torch.Tensor) -> None:
        nonlocal total
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        total += 2 * weight[0].numel() * output[0].numel()

    hooks = [
        layer.register_forward_hook(count)
        for layer in net.modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear))
    ]
    with torch.no_grad():
        net(torch.zeros(1, 1, 28, 28))
    for hook in hooks:
        hook.remove()
    return total


def commit_of(root: Path) -> str:
    """The commit that the scripts ran from; `unknown` outside a checkout."""
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or "unknown"


def classics(
    trained: Mapping[str, nn.Module], data: Path, accuracy: float, card: Path
) -> list[dict[str, Any]]:
    """The table of nets side by side on the test digits.

    Args:
        trained: nets by name.
        accuracy: of the net that ships.
        card: the present card; the rows of nets that are not trained now are taken from it.
    """
    test = mnist.read_digits(data / "mnist", "t10k")
    images, labels = batches.to_tensor(test.images, torch.device("cpu")), torch.from_numpy(test.labels)
    before = json.loads(card.read_text(encoding="utf-8"))["side_by_side"] if card.is_file() else []
    rows = [row for row in before if row["net"] not in {nets.TITLES[name] for name in trained}]
    for name, net in trained.items():
        measured = accuracy if name == "digits" else loop.accuracy(net.cpu(), images, labels)
        row = {"net": nets.TITLES[name], "parameters": nets.parameters_of(net), "accuracy": measured}
        rows.append({**row, "published": nets.PUBLISHED.get(name)})
    return rows


def ship(
    trained: Mapping[str, nn.Module],
    data: Path,
    output: Path,
    seed: int,
    plots: Path,
    drawn: Mapping[str, int],
) -> None:
    """Export, check, measure, and write the three files.

    Args:
        drawn: how many samples each group beside MNIST holds.

    Raises:
        RuntimeError: the exported graph differs from the trained net, or is larger than it may be.
    """
    net = trained["digits"].cpu().eval().to(memory_format=torch.contiguous_format)
    assert isinstance(net, nets.DigitNet)
    _, held = mnist.split(mnist.read_digits(data / "mnist", "train"), seed)
    images = batches.to_tensor(held.images, torch.device("cpu"))
    temperature = graph.fitted_temperature(loop.logits_of(net, images), torch.from_numpy(held.labels))
    model = output / "digits.onnx"
    honest = graph.calibrated(net, temperature)
    graph.write(honest, model)
    difference = largest_difference(honest, model, np.concatenate([held.images[:500], drawn_inputs()]))
    if difference > TOLERANCE or model.stat().st_size > card.LARGEST:
        raise RuntimeError(
            f"{model}: differs by {difference:.2g}, {model.stat().st_size} bytes; it is not shipped"
        )
    write_golden(model, output / "digits.golden.npz")
    figures = evaluation.evaluate(model, data, plots)
    facts = {
        "name": "digits", "task": "classify", "title": "Digits: 0 to 9, or not a digit",
        "meaning": card.MEANING, "not_meaning": card.NOT_MEANING, "data": card.data_facts(drawn),
        "size_bytes": model.stat().st_size, "parameters": nets.parameters_of(net), "flops": flops_of(net),
        **figures,
        "side_by_side": classics(trained, data, figures["metrics"]["accuracy"], output / "digits.json"),
        "temperature": temperature, "largest_difference_from_pytorch": difference,
        "seed": seed, "commit": commit_of(Path(__file__).parent),
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "goals": card.goals(figures, model.stat().st_size), "tried": card.TRIED,
    }  # fmt: skip
    (output / "digits.json").write_text(
        json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
