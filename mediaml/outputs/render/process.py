"""The process that draws annotated copies: the other end of `AnnotatedMedia`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from mediaml.core.location import decoded
from mediaml.core.work import Failure
from mediaml.engine.local.heartbeat import Heartbeat
from mediaml.engine.local.link import Link
from mediaml.ledger.results import open_results
from mediaml.media.reader import import_decoders
from mediaml.outputs.base import Rendered
from mediaml.outputs.render.annotator import Annotator, import_writers
from mediaml.outputs.render.messages import Advance, Copied, Draw, Drawing, DrawSetup, Forget, Obeyed, Sketch


def draw_copies(receiving: IO[bytes], sending: IO[bytes]) -> None:
    """Body of the process: render what is asked for until the pipe is closed, then drop incomplete files."""
    link: Link[Any] = Link(DrawSetup | Sketch, receiving, sending)
    import_decoders()
    import_writers()
    setup = link.receive()
    if isinstance(setup, DrawSetup):
        _draw(link, setup)
    os._exit(0)  # nothing is left to clean up, and cleaning up takes time


def _draw(link: Link[Any], setup: DrawSetup) -> None:
    folder = Path(os.fsdecode(setup.folder))

    def settled(drawn: Rendered) -> None:
        link.send(Copied(drawn.source.id, drawn.failure, drawn.dropped))

    signs = Heartbeat(link)
    annotator = Annotator(
        folder,
        setup.limits,
        slice_s=setup.slice_s,
        job=setup.job,
        work=Path(os.fsdecode(setup.work)),
        began=lambda source: link.send(Drawing(source)),
        settled=settled,
        step=signs.step,
    )
    while isinstance(order := link.receive(), Advance | Draw | Forget):
        try:
            _obey(order, annotator, folder)
        except Exception as error:  # noqa: BLE001  the ledger may be gone; the run notices that itself, too
            if isinstance(order, Draw):
                link.send(Copied(order.source, Failure.of("write", error), ()))
        if not isinstance(order, Draw):  # that is answered by `Copied`
            annotator.afterwards(lambda: link.send(Obeyed()))
    annotator.close()


def _obey(order: Sketch, annotator: Annotator, folder: Path) -> None:
    """Execute an order.

    Raises:
        OutputError: the ledger cannot be read.
    """
    if isinstance(order, Forget):
        annotator.drop([order.source])
        return
    with open_results(folder, checked=False) as view:
        source = view.source(order.source)
    if isinstance(order, Advance):
        annotator.advance(source, order.number)
    else:
        found = replace(source, path=decoded(order.path))
        annotator.submit(found, Path(os.fsdecode(order.target)))
