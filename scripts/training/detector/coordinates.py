"""The student's own coordinates for the teacher's narrow maps: every channel of mean 0 and variance 1.

Within a stage the teacher's maps differ only by what shortcuts add, so one linear change of coordinates
serves them all, and residual blocks stay residual. Channels are also made uncorrelated (ZCA, Bell and
Sejnowski, 1997): raw, a few directions hold nearly all of the variance, and the rest, which later blocks
read just as much, is learnt late.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from scripts.training.detector.cuts import Cuts

LEAST = 1e-5  # of the largest variance: directions with less are not blown up further


@dataclass(frozen=True, slots=True)
class Basis:
    """z = matrix x + offset at every position; matrix [channels, channels], offset [channels]."""

    matrix: Tensor
    offset: Tensor

    def __call__(self, values: Tensor) -> Tensor:
        """[batch, channels, h, w] of the teacher's to the student's."""
        return functional.conv2d(values, self.matrix[:, :, None, None], self.offset)


def _rows(values: Tensor) -> Tensor:
    """[batch, channels, h, w] to float64 [channels, positions]."""
    return values.transpose(0, 1).flatten(1).double()


def measure(values: Tensor, *, mixed: bool) -> Basis:
    """The basis in which `values` [batch, channels, h, w] have mean 0 and variance 1.

    mixed: channels may be mixed, so that they do not correlate either.
    """
    rows = _rows(values)
    matrix = torch.diag(1.0 / rows.std(1).clamp(min=1e-3))
    if mixed:
        variance, axes = torch.linalg.eigh(torch.cov(rows))
        variance = variance.clamp(min=float(variance.max()) * LEAST)
        matrix = axes @ torch.diag(variance**-0.5) @ axes.T
    return Basis(matrix.float(), -(matrix @ rows.mean(1)).float())


def fit(theirs: Tensor, ours: Tensor) -> Basis:
    """The basis that brings the teacher's map nearest to the student's, by least squares over positions."""
    rows = _rows(theirs)
    known = torch.cat((rows, torch.ones_like(rows[:1])))
    # A trace of ridge: channels that never stir leave the normal equations singular.
    gram = known @ known.T
    gram.diagonal().add_(1e-9 * float(gram.diagonal().mean()))
    solved = torch.linalg.solve(gram, known @ _rows(ours).T).T
    return Basis(solved[:, :-1].float().contiguous(), solved[:, -1].float().contiguous())


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the student is to answer to one batch of pictures, in its own coordinates.

    images: uint8 RGB [batch, height, width, 3]; maps: the narrow map after every block, or after the last
    ones, in order; neck; middles: the coarse and the fine head's middle map; heads: their raw answers, as the
    teacher gives them; dense: `overwrite`'s answer, [batch, anchors, 5 + classes].
    """

    images: Tensor
    maps: list[Tensor]
    neck: Tensor
    middles: tuple[Tensor, Tensor]
    heads: tuple[Tensor, Tensor]
    dense: Tensor


class Coordinates:
    """A basis for every map that the cuts name, but for the heads' raw answers."""

    def __init__(self, cuts: Cuts, bases: Mapping[int, Basis]) -> None:
        self.cuts, self.bases = cuts, dict(bases)

    @classmethod
    def measured(cls, cuts: Cuts, answers: Mapping[int, Tensor]) -> "Coordinates":
        """From the teacher's answers to some pictures; the middle map of a stage speaks for the stage.

        The last stage, the neck and the heads' middle maps keep their channels apart: maxima are taken of
        them, and their channels correlate little.
        """
        bases: dict[int, Basis] = {}
        *others, last = cuts.stages
        for stage in (*others, last):
            bases.update(dict.fromkeys(stage, measure(answers[stage[len(stage) // 2]], mixed=stage != last)))
        for layer in (cuts.neck, cuts.heads[0][0], cuts.heads[1][0]):
            bases[layer] = measure(answers[layer], mixed=False)
        return cls(cuts, bases)

    @classmethod
    def of_student(cls, cuts: Cuts, answers: Mapping[int, Tensor], maps: Sequence[Tensor]) -> "Coordinates":
        """Those of a trained student, from its own maps, and last its neck, of the same pictures.

        A shipped network does not say in which coordinates it was taught. The heads' middle maps are measured
        as of a new student: only blockwise teaching asks for them.
        """
        coordinates = cls.measured(cuts, answers)
        ours = dict(zip((*(cut.after for cut in cuts.blocks), cuts.neck), maps, strict=True))
        for stage in cuts.stages:
            middle = stage[len(stage) // 2]
            coordinates.bases.update(dict.fromkeys(stage, fit(answers[middle], ours[middle])))
        coordinates.bases[cuts.neck] = fit(answers[cuts.neck], ours[cuts.neck])
        return coordinates

    def lesson(self, images: Tensor, answers: Mapping[int, Tensor], dense: Tensor, last: int = 0) -> Lesson:
        """The teacher's answers to the images as a lesson, with `maps[last:]` only."""
        cuts = self.cuts
        wanted = {cut.after for cut in cuts.blocks[last:]} | {
            cuts.neck,
            *(middle for middle, _ in cuts.heads),
        }
        placed = {layer: self.bases[layer](answers[layer]) for layer in wanted}
        return Lesson(
            images,
            [placed[cut.after] for cut in cuts.blocks[last:]],
            placed[cuts.neck],
            (placed[cuts.heads[0][0]], placed[cuts.heads[1][0]]),
            (answers[cuts.heads[0][1]], answers[cuts.heads[1][1]]),
            dense,
        )

    def state(self) -> dict[int, tuple[Tensor, Tensor]]:
        """What a checkpoint keeps; the arguments of a `Basis` by layer."""
        return {layer: (basis.matrix, basis.offset) for layer, basis in self.bases.items()}
