"""The seam for derivations, and the loop that brings one up to date with the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mediaml.core.view import View
from mediaml.ledger.derivations import Derivations, FoundFrame, TrackRow


@dataclass(frozen=True, slots=True)
class Derived:
    """What came of one slice.

    Attributes:
        rows: a row for each detection that got a number.
        state: all that the next slice needs, as MessagePack; never a pickle.
    """

    rows: tuple[TrackRow, ...]
    state: bytes


class Derivation(Protocol):
    """Turns the predictions of one slice into rows.

    Every slice begins from the bytes that the slice before left, also within one process: what is derived
    after a kill equals what an uninterrupted run derives.
    """

    @property
    def kind(self) -> str:
        """The name of what it derives, such as `tracks`."""

    @property
    def options(self) -> str:
        """What decides its rows, as JSON, keys sorted. Other options are another derivation, kept beside."""

    @property
    def version(self) -> str:
        """Of the algorithm and of the library behind it; another version derives again."""

    @property
    def view(self) -> View:
        """The detections that it reads."""

    def derive(self, frames: Sequence[FoundFrame], state: bytes | None) -> Derived:
        """Derive from one slice.

        Args:
            frames: of the slice, in order.
            state: what the slice before left; `None` at the start of a source.
        """


def ask(ledger: Derivations, derivation: Derivation, models: Sequence[str]) -> int:
    """Note a derivation as the one asked for of these models, by name; returns its id."""
    return ledger.ask(derivation.kind, derivation.options, derivation.version, models)


def advance(
    ledger: Derivations,
    derivation: Derivation,
    number: int,
    source: int,
    model: int,
    *,
    done: Callable[[int], None] = lambda _: None,
) -> int:
    """Derive from all slices that are committed and not yet derived; returns how many these were.

    Args:
        number: the derivation's id. source, model: their ids.
        done: called after each slice with the number of slices that are derived.

    Raises:
        OutputError: the ledger cannot be written.
    """
    progress = ledger.progress(source, model, number)
    state, end = progress.state, ledger.ready_slices(source, model)
    for slice_ in range(progress.next_slice, end):
        frames = ledger.found_frames(source, model, slice_, derivation.view)
        derived = derivation.derive(frames, state)
        ledger.commit(source, model, number, slice_, derived.state, derived.rows)
        state = derived.state
        done(slice_ + 1)
    return max(0, end - progress.next_slice)
