"""The entry to a run. The first worker process is started before anything heavy is imported here."""

from __future__ import annotations

from contextlib import ExitStack
from typing import IO, TYPE_CHECKING

from mediaml.engine.local.start import WORKER, started

if TYPE_CHECKING:
    from mediaml.app.config import RunConfig
    from mediaml.app.report import RunReport
    from mediaml.app.reporter import Reporter
    from mediaml.store.watcher import Watcher


def run_config(
    config: RunConfig, reporter: Reporter, watcher: Watcher, *, stream: IO[bytes] | None = None
) -> RunReport:
    """Run a config.

    Args:
        reporter: receives messages and progress; see `Reporter`.
        watcher: follows downloads of weights.
        stream: gets every result as a JSON line as soon as it is committed.

    Raises:
        MediamlError: the run could not start, with its own exit code: a model or device that is not
        available,
            an output folder that cannot be used, no inputs. A file that fails is in the report instead.
    """
    with ExitStack() as stack:
        # The worker has the slowest imports: start it while this process gets ready.
        first = stack.enter_context(started(WORKER)) if config.jobs is None else None
        from mediaml.app.session import run_session

        return run_session(config, reporter, watcher, first, stream)
