"""PyAV, imported once: its modules import one another in a circle, which is not thread-safe."""

from __future__ import annotations

from threading import Lock

_LOCK = Lock()


def load_av() -> None:
    """Import PyAV, or wait for the thread that does; called before anything else that imports it."""
    with _LOCK:
        import av  # noqa: F401
