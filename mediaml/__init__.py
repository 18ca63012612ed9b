"""Machine learning over your own images, video and audio, in batch, on your own machine.

    import mediaml

    report = mediaml.run(["clips/"], models=["yolo"], out="out")
    for frame in mediaml.open_results("out").frames(model="yolo"):
        print(frame.source, frame.time_s, frame.prediction.detections)
    with mediaml.open_media("a.mp4") as media:
        for frame in media.frames():
            print(frame.time_s, frame.image.shape)
    mediaml.render("out", styles="blur", classes="person")  # no model runs: also track, count, export, report

Importing this package is light; what a name needs is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mediaml.app.export import export
    from mediaml.app.from_results import count, render, report, track
    from mediaml.app.library import open_media, run
    from mediaml.app.report import RunReport
    from mediaml.core.errors import MediamlError
    from mediaml.core.sampling import Sampling
    from mediaml.ledger.results import open_results

__version__ = "0.2.0"

_LAZY = {
    "MediamlError": "mediaml.core.errors",
    "RunReport": "mediaml.app.report",
    "Sampling": "mediaml.core.sampling",
    "count": "mediaml.app.from_results",
    "export": "mediaml.app.export",
    "open_media": "mediaml.app.library",
    "open_results": "mediaml.ledger.results",
    "render": "mediaml.app.from_results",
    "report": "mediaml.app.from_results",
    "run": "mediaml.app.library",
    "track": "mediaml.app.from_results",
}

__all__ = [
    "MediamlError",
    "RunReport",
    "Sampling",
    "__version__",
    "count",
    "export",
    "open_media",
    "open_results",
    "render",
    "report",
    "run",
    "track",
]


def __getattr__(name: str) -> Any:
    """Import a name of the library when it is first used (PEP 562)."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
