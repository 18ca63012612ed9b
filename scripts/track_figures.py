"""Print the figures of docs/tracks.md: HOTA and IDF1 of each tracker on scenes whose truth is known.

python -m scripts.track_figures
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from mediaml.derive.tracker import TRACKERS
from mediaml.derive.tracks import TrackOptions
from scripts.evaluation.rendered_scene import render_scene, seen_frames
from scripts.evaluation.scene import CROSSROADS, HIDDEN, NOISY, Frames, even, tracked, true_frames, uneven
from scripts.evaluation.track_scores import TrackScores, track_scores

SCENES = {"crossroads": CROSSROADS, "hidden": HIDDEN}
TIMES = {
    "30/s": even(30, 32),
    "uneven, 8 to 50/s": uneven(32),
    "5/s": even(5, 32),
    "2/s": even(2, 32),
}


def found(scene: str, times: str, options: TrackOptions) -> TrackScores:
    """The scores of a tracker on what a noisy detector finds of a scene."""
    things, moments = SCENES[scene], TIMES[times]
    with tempfile.TemporaryDirectory() as folder:
        frames = tracked(Path(folder), things, moments, NOISY, options)
    return track_scores(true_frames(things, moments), frames)


def rendered(scene: str, options: TrackOptions) -> TrackScores:
    """The same on a rendered clip with uneven times, of which the coloured areas are found."""
    things = SCENES[scene]
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        render_scene(clip, things, uneven(32))
        seen = seen_frames(clip)
        moments = [time_s for time_s, _, _ in seen]
        frames: Frames = tracked(
            Path(folder) / "out", things, moments, options=options, seen=[one[2] for one in seen]
        )
    return track_scores(true_frames(things, moments), frames)


def main() -> None:
    """Print the table."""
    print(f"| scene, frames | {' | '.join(TRACKERS)} |")
    print(f"| --- |{' --- |' * len(TRACKERS)}")
    for scene in SCENES:
        for times in TIMES:
            row = [found(scene, times, TrackOptions(tracker)) for tracker in TRACKERS]
            print(f"| {scene}, {times} | {' | '.join(map(_cell, row))} |")
        row = [rendered(scene, TrackOptions(tracker)) for tracker in TRACKERS]
        print(f"| {scene}, rendered, uneven | {' | '.join(map(_cell, row))} |")


def _cell(scores: TrackScores) -> str:
    return f"{scores.hota:.2f} / {scores.idf1:.2f} / {scores.switches}"


if __name__ == "__main__":
    main()
