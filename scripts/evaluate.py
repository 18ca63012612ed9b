"""Measure a bundled model again, or write docs/figures.md and the table of docs/models.md.

python -m scripts.evaluate NAME --data DIR [--plots DIR]
python -m scripts.evaluate --docs
"""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path

from scripts.evaluation import tables
from scripts.paths import EXPORTED_MODELS, REPOSITORY

DOCS = REPOSITORY / "docs"


def arguments() -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = sorted(path.stem for path in EXPORTED_MODELS.glob("*.onnx"))
    parser.add_argument("name", nargs="?", help=f"one of: {', '.join(names)}")
    parser.add_argument("--data", type=Path, help="folder with the raw data")
    parser.add_argument("--model", type=Path, help="another ONNX file than the bundled one")
    parser.add_argument("--plots", type=Path, help="folder for PNG plots")
    parser.add_argument(
        "--docs", action="store_true", help="regenerate docs/figures.md and the table of docs/models.md"
    )
    given = parser.parse_args()
    if not given.docs and (given.name is None or given.data is None):
        parser.error("name a model and --data DIR, or ask for --docs")
    return given


def main() -> None:
    """Measure, print the figures as JSON; regenerate the tables when asked."""
    given = arguments()
    if given.name:
        evaluator = import_module(f"scripts.evaluation.{given.name}")
        figures = evaluator.evaluate(
            given.model or EXPORTED_MODELS / f"{given.name}.onnx", given.data, given.plots
        )
        print(json.dumps(figures, indent=1, ensure_ascii=False))
    if given.docs:
        cards = tables.cards_in(EXPORTED_MODELS)
        short = DOCS / "models.md"
        short.write_text(tables.regenerated(short.read_text(encoding="utf-8"), cards), encoding="utf-8")
        (DOCS / "figures.md").write_text(tables.figures(cards), encoding="utf-8")


if __name__ == "__main__":
    main()
