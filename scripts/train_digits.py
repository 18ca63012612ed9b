"""Train the digits model and the two classic nets beside it: raw data to ONNX, card and golden file.

    python -m scripts.train_digits --data DIR

DIR holds `mnist/` (the four canonical files) and `detect/` (photos that are not digits). The net goes on
from the shipped one (`--init`), which also picks the photos' windows that fool it. Stopped at any moment, the
same command goes on from the last epoch. No test digit is looked at before the last figure.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from scripts.evaluation.classification import plot_learning_curve
from scripts.evaluation.digits import Net, opened
from scripts.paths import EXPORTED_MODELS, REPOSITORY
from scripts.training.digits import batches, graph, loop, mining, mnist, nets, samples

BATCH = sum(batches.MIXTURE.values())


def arguments() -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with mnist/ and detect/")
    parser.add_argument(
        "--work", type=Path, default=REPOSITORY / "out" / "train_digits", help="checkpoints and caches"
    )
    parser.add_argument("--output", type=Path, default=EXPORTED_MODELS, help="where the ONNX file goes")
    parser.add_argument("--nets", nargs="+", choices=list(nets.NETS), default=list(nets.NETS))
    parser.add_argument(
        "--init", type=Path, default=EXPORTED_MODELS / "digits.onnx", help="the net to go on from"
    )
    parser.add_argument("--scratch", action="store_true", help="start from chance; --init only picks windows")
    parser.add_argument("--epochs", type=int, default=4, help="of the net that ships; 26 from scratch")
    parser.add_argument(
        "--mean", type=int, nargs="+", metavar="EPOCH", help="ship the mean of the nets after these epochs"
    )
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate of that net on its plateau")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, help="CPU threads; default: all")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--no-export", action="store_true", help="train only")
    return parser.parse_args()


def recipe_of(name: str, items: int, epochs: int, rate: float) -> loop.Recipe:
    """How a net is trained: the classics plainly, on MNIST as it is; ours long, smoothed and averaged."""
    if name == "mlp":
        return loop.Recipe(epochs=20, steps=items // BATCH, rate=2e-3)
    if name == "cnn":
        return loop.Recipe(epochs=10, steps=items // BATCH, rate=2e-3)
    steps = 305  # 50 600 of MNIST, and half as many others
    return loop.Recipe(epochs, steps, rate=rate, decay=0.05, smoothing=0.03, average=0.998)


def others_of(given: argparse.Namespace, digits: mnist.Digits) -> dict[str, samples.Samples]:
    """Everything beside MNIST, what fools the net of `--init` included; drawn once and kept."""

    def draw() -> dict[str, samples.Samples]:
        judge = Net(opened(given.init), np.uint8)
        archives = sorted((given.data / "detect").glob("train-*.tar"))
        found = mining.mined(archives, judge, given.seed) | mining.bars(archives[-1], given.seed)
        return samples.draw(digits, given.data, given.seed) | found

    return samples.cached(given.work / f"samples-{given.seed}.npz", draw)


def train(name: str, given: argparse.Namespace) -> torch.nn.Module:
    """Train one net, or finish what was begun; its learning curve is written beside the checkpoint."""
    device = torch.device(given.device)
    digits, held = mnist.split(mnist.read_digits(given.data / "mnist", "train"), given.seed)
    torch.manual_seed(given.seed)
    net = nets.NETS[name]()
    recipe = recipe_of(name, len(digits), given.epochs, given.rate)
    if name == "digits":
        batch = batches.mixed(digits, others_of(given, digits), device)
        if not given.scratch:
            net = graph.restored(given.init, batch(0, loop.seeded(given.seed, 0, device))[0].cpu())
    else:
        batch = batches.plain(digits, BATCH, device)
    images, labels = batches.to_tensor(held.images, device), torch.from_numpy(held.labels).to(device)
    print(f"{name}: {nets.parameters_of(net)} parameters, {recipe.epochs} epochs of {recipe.steps} steps")
    training = loop.Training(net, recipe, given.work / f"{name}-{given.seed}.pt", given.seed, device)
    trained = training.run(batch, lambda mean: {"held-out accuracy": loop.accuracy(mean, images, labels)})
    plot_learning_curve(training.history, given.work / f"{name}.png")
    if name == "digits" and given.mean:
        trained = loop.mean_of(net, [loop.snapshot(training.checkpoint, epoch) for epoch in given.mean])
    return trained


def main() -> None:
    """Train, then export and measure."""
    given = arguments()
    if given.threads:
        torch.set_num_threads(given.threads)
    trained = {name: train(name, given) for name in given.nets}
    if not given.no_export and "digits" in trained:
        from scripts.training.digits import export

        digits, _ = mnist.split(mnist.read_digits(given.data / "mnist", "train"), given.seed)
        drawn = {name: len(group) for name, group in others_of(given, digits).items()}
        export.ship(trained, given.data, given.output, given.seed, given.work, drawn)


if __name__ == "__main__":
    main()
