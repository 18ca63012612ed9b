"""Train the bundled detector: raw tars in, exported_models/detector.onnx out, in one command.

python -m scripts.train_detector --data DIR --teacher DIR --minutes 120
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.paths import EXPORTED_MODELS, REPOSITORY, assets_folder

if TYPE_CHECKING:
    from scripts.training.detector.loop import Run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=assets_folder() / "data" / "detect", help="train.json, train-1.tar, ..."
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        default=assets_folder() / "models" / "yolo",
        help="cfg, weights, yolox_nano.onnx",
    )
    parser.add_argument(
        "--run", type=Path, default=REPOSITORY / "build" / "detector", help="checkpoints and history"
    )
    parser.add_argument("--output", type=Path, default=EXPORTED_MODELS / "detector.onnx")
    parser.add_argument(
        "--minutes", type=float, default=120.0, help="wall-clock budget of the whole schedule"
    )
    parser.add_argument("--steps", type=int, default=0, help="budget in steps instead of minutes")
    parser.add_argument("--batch", type=int, default=4, help="samples of a step, blockwise")
    parser.add_argument("--joint-batch", type=int, default=8, help="samples of a step after that")
    parser.add_argument(
        "--blockwise", type=float, default=0.4, help="share of the budget in which blocks learn one by one"
    )
    parser.add_argument(
        "--heads", type=float, default=0.3, help="share in which the neck and the heads learn together"
    )
    parser.add_argument("--rate", type=float, default=3e-4, help="highest learning rate of the whole network")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch and of the teachers")
    parser.add_argument(
        "--watched", type=int, default=150, help="train photos kept aside to watch the run with"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --run")
    parser.add_argument(
        "--init", type=Path, help="start from the weights of this detector.onnx, with no blockwise part"
    )
    parser.add_argument("--export-only", action="store_true", help="export the checkpoint in --run and stop")
    return parser.parse_args()


def _train(run: "Run", arguments: argparse.Namespace) -> None:
    """Load the photos and train until the budget is spent."""
    from scripts.training.detector.augment import Recipe
    from scripts.training.detector.data import hold_out, load_photos
    from scripts.training.detector.render import CpuRenderer, DeviceRenderer
    from scripts.training.detector.source import BatchSource
    from scripts.training.detector.teacher import MapTeacher, add_pseudo_boxes

    threads, device = run.settings.threads, run.device
    photos, watched = hold_out(load_photos(arguments.data, "train"), run.settings.watched, seed=0)
    photos = [*photos, *load_photos(arguments.data, "unlabelled")]
    photos = add_pseudo_boxes(photos, arguments.teacher, threads, arguments.run / "pseudo_boxes.npz")
    renderer = CpuRenderer(photos, threads) if device.type == "cpu" else DeviceRenderer(photos, device)
    teacher = MapTeacher(arguments.teacher, device, threads)
    # Another stream of samples after a resumption, not the same ones again.
    seed = run.settings.seed * 1000003 + run.step
    source = BatchSource(photos, teacher, renderer, Recipe(reference=run.settings.size), seed)
    run.train(source, watched)


def main() -> None:
    """Entry."""
    arguments = _arguments()
    import torch

    from scripts.training.detector.export import initialise
    from scripts.training.detector.loop import Run, Settings
    from scripts.training.detector.net import Architecture
    from scripts.training.detector.ship import ship

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(arguments.threads)
    settings = Settings(
        minutes=arguments.minutes,
        steps=arguments.steps,
        batch=arguments.batch,
        joint_batch=arguments.joint_batch,
        blockwise=0.0 if arguments.init else arguments.blockwise,
        heads=arguments.heads,
        rate=arguments.rate,
        seed=arguments.seed,
        watched=arguments.watched,
        threads=arguments.threads,
    )
    run = Run(settings, Architecture(), arguments.run, device)
    if arguments.init:
        initialise(run.network, arguments.init)
        run.averaged.load_state_dict(run.network.state_dict())
    if arguments.resume or arguments.export_only:
        run.resume(settings=arguments.export_only)
    if not arguments.export_only:
        _train(run, arguments)
    card = ship(run, arguments.output, arguments.data, arguments.teacher)
    print(f"{arguments.output}: {run.samples} samples in {run.seconds / 60:.0f} minutes, {card['metrics']}")


if __name__ == "__main__":
    main()
