"""Train the financial-picture model: the raw tars in, `exported_models/financial.onnx` with its card out.

    python -m scripts.train_financial --data DIR            # the net that ships, on all sources
    python -m scripts.train_financial --data DIR --loso     # also the leave-one-source-out table of the card

It has the bundled detector's backbone, which stays as it is, and learns a head on what that finds. The
backbone's features of all views are kept in `--work`, so an interrupted run goes on from there. Uses a GPU
where PyTorch sees one.
"""

import argparse
import copy
import json
import os
from pathlib import Path

from scripts.paths import EXPORTED_MODELS, REPOSITORY, assets_folder


def parse_arguments() -> argparse.Namespace:
    """The parsed command line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument(
        "--data", type=Path, default=assets_folder() / "data", help="has financial/ and detect/"
    )
    parser.add_argument("--detector", type=Path, default=EXPORTED_MODELS / "detector.onnx")
    parser.add_argument(
        "--work", type=Path, default=REPOSITORY / "build" / "train_financial", help="features"
    )
    parser.add_argument("--output", type=Path, default=EXPORTED_MODELS / "financial.onnx")
    parser.add_argument("--loso", action="store_true", help="leave one source out, eight heads, for the card")
    parser.add_argument("--baseline", action="store_true", help="train and measure the published baseline")
    parser.add_argument("--drawn", type=int, help="drawings made by code; fewer for a quick trial")
    parser.add_argument("--steps", type=int, help="steps of each head")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def kept(path: Path) -> dict[str, object] | None:
    """A result of an earlier run."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def main() -> None:
    """Make views, train, export, measure."""
    arguments = parse_arguments()
    import cv2
    import torch

    from mediaml.store.digest import sha256_of
    from scripts.evaluation.financial import load_fitted, measure_sources, onnx_classifier, text_pages
    from scripts.training.cards import write_card
    from scripts.training.financial import folds
    from scripts.training.financial.baseline import baseline
    from scripts.training.financial.card import build_card
    from scripts.training.financial.export import milliseconds, ship
    from scripts.training.financial.features import Extractor
    from scripts.training.financial.learning import Recipe, train_head
    from scripts.training.financial.net import FinancialNet, backbone_of
    from scripts.training.financial.pictures import PHOTO_TRAIN, PHOTO_UNSEEN, PHOTO_VAL, load_items
    from scripts.training.financial.pool import build_pool

    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    changed = {name: getattr(arguments, name) for name in ("drawn", "steps") if getattr(arguments, name)}
    recipe, work, output = Recipe(**changed), arguments.work, arguments.output
    work.mkdir(parents=True, exist_ok=True)
    training = load_items(arguments.data, work / "items.npz")
    extractor = Extractor(backbone_of(arguments.detector), device, arguments.threads)
    looked = work / f"features-{recipe.drawn}-{recipe.seed}-{sha256_of(arguments.detector)[:12]}.npy"
    pool = build_pool(training, extractor, looked, recipe.drawn, recipe.seed)
    head, history = train_head(pool, (), recipe, device)
    net = FinancialNet(copy.deepcopy(extractor.backbone), head)
    items = load_fitted(arguments.data)
    difference = ship(net, items.pictures[::97], output)
    classify = onnx_classifier(output)
    unseen = measure_sources(classify, items.of(PHOTO_VAL, PHOTO_UNSEEN))
    unseen |= measure_sources(classify, text_pages(200))
    print(json.dumps(unseen), flush=True)
    if arguments.baseline:
        result = baseline(training, items, recipe.seed, device)
        (work / "baseline.json").write_text(json.dumps(result), encoding="utf-8")
    if arguments.loso:
        table = folds.leave_one_out(pool, extractor, items, recipe, device)
        (work / "folds.json").write_text(json.dumps(table), encoding="utf-8")
    shipped = {
        "milliseconds": milliseconds(output),
        "onnx_difference": difference,
        "unseen": unseen,
        "baseline": kept(work / "baseline.json") or {},
    }
    counts = folds.sizes(items, sum(item.source == PHOTO_TRAIN for item in training))
    measured = kept(work / "folds.json")
    card = build_card(net, output, recipe, counts, measured, shipped, arguments.detector)
    write_card({**card, "learning_curve": history}, output)
    speed = shipped["milliseconds"]
    print(f"{output}: {card['size_bytes']} bytes, {speed:.1f} ms, ONNX within {difference:.1e}")


if __name__ == "__main__":
    main()
