"""From trained nets to what ships: the ONNX file, checked against PyTorch, its golden file and its card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from scripts.evaluation import digits as evaluation
from scripts.training import shipping
from scripts.training.cards import build_card, write_card
from scripts.training.digits import batches, card, glyphs, graph, loop, mnist, nets, samples


def drawn_inputs() -> NDArray[np.uint8]:
    """Golden inputs, uint8 [n, 1, 28, 28]: printed digits, letters and a blank, all made by code."""
    random = np.random.default_rng(7)
    digits = [samples.boxed(glyphs.printed(name, "DejaVuSans")) for name in glyphs.DIGITS]
    letters = [samples.boxed(glyphs.written(name, random)) for name in "AKMW"]
    return np.stack([*digits, *letters, np.zeros((28, 28), np.uint8)])[:, None]


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
        ValueError: the file differs from the trained net, or is larger than it may be.
    """
    net = trained["digits"].cpu().eval().to(memory_format=torch.contiguous_format)
    assert isinstance(net, nets.DigitNet)
    _, held = mnist.split(mnist.read_digits(data / "mnist", "train"), seed)
    images = batches.to_tensor(held.images, torch.device("cpu"))
    temperature = graph.fitted_temperature(loop.logits_of(net, images), torch.from_numpy(held.labels))
    model = output / "digits.onnx"
    honest = graph.Probabilities(graph.calibrated(net, temperature))
    written = graph.graph_of(honest.net)
    if (size := len(written.SerializeToString())) > card.LARGEST:
        raise ValueError(f"{model.name} would have {size} bytes; at most {card.LARGEST} are allowed")
    golden = drawn_inputs()
    real = np.concatenate([held.images[:500, None], golden])
    apart = shipping.ship(written, honest, model, real=real, golden=golden)
    figures = evaluation.evaluate(model, data, plots)
    described = build_card(
        card.DESCRIPTION,
        card.data_facts(drawn),
        shipping.facts_of(net, torch.zeros(1, 1, 28, 28), model),
        **figures,
        side_by_side=classics(trained, data, figures["metrics"]["accuracy"], output / "digits.json"),
        temperature=temperature,
        largest_difference_from_pytorch=max(apart.values()),
        seed=seed,
        goals=card.goals(figures, size),
    )
    write_card(described, model)
