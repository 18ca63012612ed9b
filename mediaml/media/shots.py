"""The first frame of each shot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mediaml.core.chooser import Chooser
from mediaml.core.frame import Frame
from mediaml.core.sampling import Sampling
from mediaml.media.held import Holder
from mediaml.ops.shots import ShotFinder, reduced_size


def shot_frames(frames: Iterable[Frame], sampling: Sampling, since_s: float) -> Iterator[Frame]:
    """The first frame of the range and those with which a shot begins, each held until the next.

    A shot may be noticed some frames late, see `mediaml.ops.shots`; one frame is kept until then.

    Args:
        frames: in order, from the start of the range on.
        since_s: frames before it are left out; what begins a shot does not depend on it.
    """
    chooser, finder, holder = Chooser(sampling.range), ShotFinder(), Holder()
    cut: Frame | None = None
    is_first = True
    following: Frame | None = None
    for frame in frames:
        if chooser.is_past(frame.time_s):
            following = frame
            break
        if not chooser.takes(frame.index, frame.time_s):
            continue
        holder.look(frame)
        ago = finder.feed(frame.fitted(*reduced_size(frame.width, frame.height), "stretch"))
        if finder.is_cut:
            cut = frame
        begins = frame if is_first or ago == 0 else cut if ago is not None else None
        is_first = False
        if begins is not None:
            yield from (one for one in holder.choose(begins) if one.time_s >= since_s or since_s <= 0)
    yield from (one for one in holder.end(following) if one.time_s >= since_s or since_s <= 0)
