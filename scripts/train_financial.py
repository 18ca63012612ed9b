"""Train the financial-picture model: the raw tars in, `exported_models/financial.onnx` with its card out.

    python scripts/train_financial.py --data DIR            # the net that ships, on all sources
    python scripts/train_financial.py --data DIR --loso     # also the leave-one-source-out table of the card

Views of the pictures are made once and kept in `--work`, where every net also leaves checkpoints: an
interrupted run goes on where it was. Uses a GPU where PyTorch sees one.
"""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
for folder in (ROOT, ROOT / "plugins"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

TRIED = [
    "One recipe for all folds; nothing is chosen per fold, the last step counts.",
    "A base net learns from drawings made by code and photos alone; every fold starts from it.",
    "A base of 9 600 views and nets of 5 760: the loss stayed at .48, so both were made longer.",
    "Photos drawn as often as other sources: 4 to 5 % of unseen photos were called financial; now three "
    "times as often.",
    "Averaging over the mirrored picture, other sizes or four crops: no gain worth its time.",
    "The losses still fell when the few CPU minutes of this training were over. What is missing most is "
    "geometry never seen before (maths drawings left out) and grey candlesticks without axes.",
]


def parse_arguments() -> argparse.Namespace:
    """What was typed."""
    shared = Path(os.environ.get("MEDIAML_ASSETS", ROOT.parent / "shared"))
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--data", type=Path, default=shared / "data", help="has financial/ and detect/")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "train_financial", help="checkpoints")
    parser.add_argument("--output", type=Path, default=ROOT / "exported_models" / "financial.onnx")
    parser.add_argument("--loso", action="store_true", help="leave one source out, six nets, for the card")
    parser.add_argument("--baseline", action="store_true", help="train and measure the published baseline")
    parser.add_argument("--drawn", type=int, help="drawings made by code; fewer for a quick trial")
    parser.add_argument("--views", type=int, help="views that each net is trained on")
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
    from evaluation.financial import load_fitted, measure_sources, onnx_classifier, text_pages
    from training.financial import folds
    from training.financial.card import build_card
    from training.financial.export import milliseconds, ship
    from training.financial.learning import Recipe
    from training.financial.pictures import PHOTO_TRAIN, PHOTO_UNSEEN, PHOTO_VAL, load_items
    from training.financial.pool import build_pool
    from training.shipping import write_card

    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    changed = {name: getattr(arguments, name) for name in ("drawn", "views") if getattr(arguments, name)}
    recipe, work, output = Recipe(**changed), arguments.work, arguments.output
    work.mkdir(parents=True, exist_ok=True)
    training = load_items(arguments.data, work / "items.npz")
    pool = build_pool(training, work, recipe.drawn, recipe.seed, arguments.threads)
    start = folds.base(pool, recipe, work, device)
    net, history = folds.from_base("all", (), pool, start, recipe, work, device)
    items = load_fitted(arguments.data)
    difference = ship(net, items.pictures[::97], output)
    classify = onnx_classifier(output)
    unseen = measure_sources(classify, items.of(PHOTO_VAL, PHOTO_UNSEEN))
    unseen |= measure_sources(classify, text_pages(200))
    print(json.dumps(unseen), flush=True)
    if arguments.baseline:
        result = folds.baseline(training, items, recipe, work, device)
        (work / "baseline.json").write_text(json.dumps(result), encoding="utf-8")
    if arguments.loso:
        table = folds.leave_one_out(pool, start, items, recipe, work, device)
        (work / "folds.json").write_text(json.dumps(table), encoding="utf-8")
    shipped = {
        "milliseconds": milliseconds(output),
        "onnx_difference": difference,
        "unseen": unseen,
        "baseline": kept(work / "baseline.json") or {},
    }
    counts = folds.sizes(items, sum(item.source == PHOTO_TRAIN for item in training))
    card = build_card(net, output, recipe, counts, kept(work / "folds.json"), shipped, TRIED)
    write_card({**card, "learning_curve": history}, output)
    speed = shipped["milliseconds"]
    print(f"{output}: {card['size_bytes']} bytes, {speed:.1f} ms, ONNX within {difference:.1e}")


if __name__ == "__main__":
    main()
