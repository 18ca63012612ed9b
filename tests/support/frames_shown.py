"""What a ledger shows, as plain values that JSON holds."""

from __future__ import annotations

from pathlib import Path

from mediaml.core.view import View
from mediaml.ledger.results import open_results


def frames_shown(folder: Path) -> list[dict[str, object]]:
    """What the ledger shows, without a view: one record per frame."""
    with open_results(folder) as results:
        return [
            {
                "source": one.source,
                "model": one.model,
                "frame": one.frame,
                "time_s": one.time_s,
                "detections": [
                    [found.label.name, found.label.score, *found.box.corners, found.track]
                    for found in one.prediction.detections
                ],
            }
            for one in results.frames(view=View())
        ]
