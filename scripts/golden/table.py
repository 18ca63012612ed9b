"""Write the table of detector families and their differences into docs/models.md.

python -m scripts.golden.table
"""

from __future__ import annotations

import json

from mediaml_yolo.families import FAMILIES
from scripts.evaluation.tables import between_marks
from scripts.golden.record import GOLDEN
from scripts.paths import REPOSITORY


def families_table() -> str:
    """The golden cases as a Markdown table, one row per graph."""
    lines = [
        "| graph | read as | maker | detections | boxes, px | scores |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for path in sorted(GOLDEN.glob("*.json")):
        golden = json.loads(path.read_text(encoding="utf-8"))
        case, found = golden["case"], golden["differences"]
        title = FAMILIES[case["family"]].title
        box = max(found["box"], found["keypoint"])
        cells = [path.stem, title, case["maker"], found["ours"], f"{box:.3f}", f"{found['score']:.5f}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def document() -> str:
    """docs/models.md with the table regenerated."""
    text = (REPOSITORY / "docs" / "models.md").read_text(encoding="utf-8")
    return between_marks(text, "detectors", families_table())


def main() -> None:
    """Write the document."""
    (REPOSITORY / "docs" / "models.md").write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
