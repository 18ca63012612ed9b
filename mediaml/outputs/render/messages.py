"""The messages between the run and the rendering process."""

from __future__ import annotations

from mediaml.core.work import Failure
from mediaml.engine.messages import Alive, Message
from mediaml.media.limits import Limits
from mediaml.outputs.render.job import RenderJob


class DrawSetup(Message, frozen=True):
    """The setup of a process that draws annotated copies; see `Annotator`.

    Attributes:
        work: the folder of its segments.
    """

    folder: bytes
    limits: Limits
    slice_s: float
    job: RenderJob
    work: bytes


class Advance(Message, frozen=True):
    """The slices of a video up to one of that number can be drawn."""

    source: int
    number: int


class Draw(Message, frozen=True):
    """Write the copy of a source.

    Attributes:
        path: where the source is now.
    """

    source: int
    target: bytes
    path: bytes


class Forget(Message, frozen=True):
    """No copy of a source is wanted any more: draw no slice of it, and remove those that were drawn."""

    source: int


class Drawing(Message, frozen=True):
    """A source is being drawn."""

    source: int


class Copied(Message, frozen=True):
    """The outcome of a `Draw`; see `Rendered`."""

    source: int
    failure: Failure | None
    dropped: tuple[str, ...]


class Obeyed(Message, frozen=True):
    """An `Advance` or `Forget` has been handled, as far as possible; one for each."""


Sketch = Advance | Draw | Forget
RenderReport = Drawing | Copied | Obeyed | Alive
