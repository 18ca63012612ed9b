"""Leave-one-speaker-out: six nets, each measured on the one voice that it has never heard.

Their beginnings are shared, which halves the work: one net is trained on the first three speakers, one on the
last three, and the net of a fold goes on from the one that has not heard the speaker who is left out. All of
them also hear the voices that flite makes.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scripts.evaluation.classification import classification_report
from scripts.evaluation.spoken import Hits, Tracker, measure, total
from scripts.training.spoken.graph import SpokenGraph
from scripts.training.spoken.learning import Recipe, Strings, checkpoint, train
from scripts.training.spoken.net import SpokenNet
from scripts.training.spoken.recordings import Clip
from scripts.training.spoken.spec import LABELS


def torch_tracker(net: SpokenNet) -> Tracker:
    """The net, as it will be exported, on the device where it is."""
    graph = SpokenGraph(net).eval()
    device = next(net.parameters()).device

    def track(windows: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            rows: NDArray[np.float32] = graph(torch.from_numpy(windows).to(device))[1].cpu().numpy()
        return rows

    return track


def plain(measures: Mapping[str, Any]) -> dict[str, Any]:
    """Measures as plain rounded values."""
    return {
        name: value.figures() if isinstance(value, Hits) else round(float(value), 4)
        for name, value in measures.items()
    }


def halves(clips: Sequence[Clip]) -> tuple[list[str], list[str]]:
    """The first and the last half of the speakers, by name."""
    speakers = sorted({clip.speaker for clip in clips})
    return speakers[: len(speakers) // 2], speakers[len(speakers) // 2 :]


def begun(
    number: int,
    clips: Sequence[Clip],
    strings: Mapping[str, Strings],
    recipe: Recipe,
    work: Path,
    device: torch.device,
) -> Path:
    """The checkpoint of the net that has heard only half 0 or 1 of the speakers, and the made voices."""
    absent = halves(clips)[1 - number]
    train(f"half-{number}", [s for name, s in strings.items() if name not in absent], recipe, work, device)
    return checkpoint(f"half-{number}", work)


def leave_one_out(
    clips: Sequence[Clip], strings: Mapping[str, Strings], recipe: Recipe, work: Path, device: torch.device
) -> dict[str, Any]:
    """Train and measure a net for every speaker of the clips left out; made voices are in all trainings.

    Args:
        strings: by voice; those of the clips' speakers, and of made voices.

    Returns:
        `per_source`: measures by speaker; `metrics`: means over speakers and sums of counts; `report`: the
        classification report over all held-out clips; `history`: losses by speaker.
    """
    results = {}
    for speaker in sorted({clip.speaker for clip in clips}):
        others = [part for name, part in strings.items() if name != speaker]
        start = begun(int(speaker in halves(clips)[0]), clips, strings, recipe, work, device)
        net, history = train(f"without-{speaker}", others, recipe, work, device, start)
        held_out = [clip for clip in clips if clip.speaker == speaker]
        results[speaker] = (measure(held_out, torch_tracker(net)), history)
        print(speaker, json.dumps(plain(without_rows(results[speaker][0]))), flush=True)
    measures = [result for result, _ in results.values()]
    mean = {
        name: float(np.mean([m[name] for m in measures]))
        for name in ("accuracy", "answered_once_and_right", "false_alarms_per_minute")
    }
    sums = {name: total(m[name] for m in measures) for name in ("strings", "strings_in_noise_15db")}
    rows = np.concatenate([m["rows"] for m in measures])
    truth = np.concatenate([m["truth"] for m in measures])
    return {
        "per_source": {name: plain(without_rows(result)) for name, (result, _) in results.items()},
        "metrics": plain({**mean, **sums}),
        "report": classification_report(rows, truth, LABELS),
        "history": {name: history for name, (_, history) in results.items()},
    }


def without_rows(measures: Mapping[str, Any]) -> dict[str, Any]:
    """The measures without the arrays that the report is made of."""
    return {name: value for name, value in measures.items() if name not in ("rows", "truth")}
