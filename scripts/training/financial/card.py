"""The card of the financial-picture model: what it means, what it was made of, what was measured."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from mediaml.store.digest import sha256_of
from scripts.training import cards, shipping
from scripts.training.cards import Description
from scripts.training.financial.augment import INPUT
from scripts.training.financial.learning import Recipe
from scripts.training.financial.net import FinancialNet

DESCRIPTION = Description(
    name="financial",
    task="classify",
    title="Does a picture show charts, tables or receipts?",
    meaning=(
        '"financial" where a picture shows financial or quantitative information: charts of any kind, '
        'candlesticks, tables, statements, invoices, receipts, infographics with figures. "ordinary" for '
        "every other picture: photos, memes, drawings, geometry, pages of prose. The score is the "
        "label's probability."
    ),
    not_meaning=(
        "It does not read: whether the figures are about money, true or complete it cannot say. A form, "
        "a calendar, a crossword or sheet music may look like a table to it. A chart that fills only a "
        "small part of a photo is likely to be missed; it looks at 160 x 160 pixels."
    ),
)
NOT_STATED = "not stated"
LICENCES = {
    "chart_web": ("ChartQA", NOT_STATED),
    "infographic_chart": ("InfoChartQA", "Apache-2.0"),
    "chart_d3_synthetic": ("MisleadingChartQA", NOT_STATED),
    "candlestick": ("chance-analytics", NOT_STATED),
    "receipt": ("ICDAR-2019-SROIE", "MIT"),
    "document_table_page": ("sgrpanchal31 table detection", "MIT"),
    "meme_template": ("alpv95/MemeProject", NOT_STATED),
    "math_diagram": ("MATH-V", "MIT"),
    "photo_train": ("COCO 2017 and VOC 2012 photos", "Flickr terms"),
    "photo_val": ("COCO val2017 photos, measured only", "Flickr terms"),
    "photo_imagenet": ("ImageNet samples (EliSchwartz), measured, and seen by the backbone", NOT_STATED),
}
BACKBONE = (
    "Stem, stages and neck are those of the bundled detector, unchanged. It was taught with the photos of "
    "COCO, VOC and ImageNet, without any word on charts; COCO's val photos it has not seen."
)
DRAWN = "charts, tables, receipts and drawings made by code"
FOLDED = "each source left out of training, one at a time; changed: every 4th picture"


def goals(folds: Mapping[str, Any] | None, size: int, speed: float) -> list[dict[str, Any]]:
    """The issue's goals and whether they are met; without folds the first three are not."""
    figures = folds["metrics"] if folds else {}
    mean, worst = figures.get("accuracy_mean"), figures.get("accuracy_worst")
    alarms = figures.get("photo_false_positives")
    by_source = "leave-one-source-out accuracy"
    return [
        cards.goal(f"{by_source} ≥ .95 on average", bool(mean and mean >= 0.95), mean),
        cards.goal(f"{by_source} ≥ .90 on the worst source", bool(worst and worst >= 0.9), worst),
        cards.goal(
            "false positives on ordinary photos ≤ 1 % (fold nets, COCO photos that no part of them has seen)",
            alarms is not None and alarms <= 0.01,
            alarms,
        ),
        cards.goal("≤ 5 MB", size <= 5_000_000, size),
        cards.goal("≤ 10 ms a picture on one core", speed <= 10, round(speed, 2)),
    ]


def build_card(
    net: FinancialNet,
    output: Path,
    recipe: Recipe,
    counts: Mapping[str, int],
    folds: Mapping[str, Any] | None,
    shipped: Mapping[str, Any],
    detector: Path,
) -> dict[str, Any]:
    """The card.

    Args:
        net, output, recipe: what ships.
        counts: pictures by source.
        folds: what `leave_one_out` returned.
        shipped: `milliseconds`, `onnx_difference`, `baseline`, `unseen` (by source never trained on).
        detector: the detector.onnx whose backbone it has.
    """
    facts = shipping.facts_of(net, torch.zeros(1, 3, INPUT, INPUT), output)
    report = folds["report"] if folds else {}
    figures = dict(folds["metrics"]) if folds else {}
    figures |= {name: report[name] for name in ("precision", "recall", "f1", "ece") if name in report}
    metrics = {f"leave_one_source_out_{name}": value for name, value in figures.items()}
    metrics["milliseconds_one_thread"] = shipped["milliseconds"]
    data = [
        {"source": f"{source}: {LICENCES[source][0]}", "licence": LICENCES[source][1], "items": items}
        for source, items in counts.items()
    ]
    return cards.build_card(
        DESCRIPTION,
        [*data, {"source": DRAWN, "licence": "MIT", "items": recipe.drawn}],
        facts,
        metrics={**cards.rounded(metrics), "onnx_difference": shipped["onnx_difference"]},
        per_source=cards.rounded(folds["per_source"]) if folds else {},
        per_source_title=FOLDED,
        unseen=cards.rounded(shipped["unseen"]),
        baseline=cards.rounded(shipped["baseline"]),
        confusion=report.get("confusion", {}),
        backbone={"file": detector.name, "sha256": sha256_of(detector), "note": BACKBONE},
        recipe=asdict(recipe),
        seed=recipe.seed,
        goals=cards.rounded(goals(folds, facts["size_bytes"], shipped["milliseconds"])),
    )
