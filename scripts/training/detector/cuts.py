"""Where a teacher of Yolo-Fastest's kind is narrow: the maps between which a student's blocks are taught."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cut:
    """One block of the teacher by its layers' numbers.

    before: the narrow map that it reads, None for the picture; branch: its last convolution; after: the
    narrow map that it leaves, which is `branch` itself, or the shortcut's sum where the block is residual.
    """

    before: int | None
    branch: int
    after: int

    @property
    def residual(self) -> bool:
        """Whether the branch is added to the map before."""
        return self.branch != self.after


@dataclass(frozen=True, slots=True)
class Cuts:
    """The teacher's blocks, its neck under both heads, and the two convolutions of each head in turn.

    heads: coarse (stride 32) then fine; each the number of its middle narrow map and of its raw answers.
    """

    blocks: tuple[Cut, ...]
    neck: int
    heads: tuple[tuple[int, int], tuple[int, int]]

    @property
    def fine(self) -> int:
        """The map that the fine head reads besides the neck: the last one before the last change of size."""
        entry = max(number for number, cut in enumerate(self.blocks) if not cut.residual)
        return self.blocks[entry - 1].after

    @property
    def stages(self) -> list[list[int]]:
        """The maps left by the blocks, stage by stage: a stage begins where no shortcut leads on."""
        stages: list[list[int]] = []
        for cut in self.blocks:
            if not cut.residual:
                stages.append([])
            stages[-1].append(cut.after)
        return stages

    @property
    def layers(self) -> tuple[int, ...]:
        """The maps left by the blocks, the neck, and the heads' middle maps and raw answers, in order."""
        return (*(cut.after for cut in self.blocks), self.neck, *self.heads[0], *self.heads[1])


def _is_narrow(section: Mapping[str, str]) -> bool:
    return section["type"] == "convolutional" and section.get("activation") == "linear"


def cuts_of(sections: Sequence[Mapping[str, str]]) -> Cuts:
    """The cuts of a parsed cfg without its `[net]`.

    A block ends at a linear convolution, and at the shortcut behind it where one follows (a dropout may stand
    between). The neck is the first convolution after the pools. Raises ValueError where the cfg has no pools
    or not two heads.
    """
    pools = [number for number, section in enumerate(sections) if section["type"] == "maxpool"]
    yolos = [number for number, section in enumerate(sections) if section["type"] == "yolo"]
    if not pools or len(yolos) != 2:
        raise ValueError(f"a teacher needs pools and two heads: {len(pools)} pools, {len(yolos)} heads found")
    blocks: list[Cut] = []
    for number in range(pools[0]):
        if not _is_narrow(sections[number]):
            continue
        following = number + 1 + (sections[number + 1]["type"] == "dropout")
        residual = sections[following]["type"] == "shortcut"
        before = blocks[-1].after if blocks else None
        blocks.append(Cut(before, number, following if residual else number))
    neck = next(n for n in range(pools[-1], len(sections)) if sections[n]["type"] == "convolutional")
    middles = (
        next(n for n in range(start, end) if _is_narrow(sections[n]))
        for start, end in ((neck, yolos[0]), (yolos[0], yolos[1]))
    )
    coarse, fine = middles
    return Cuts(tuple(blocks), neck, ((coarse, yolos[0] - 1), (fine, yolos[1] - 1)))
