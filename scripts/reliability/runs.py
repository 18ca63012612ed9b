"""`mediaml` as a process of its own: started, killed, timed out, and what it left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Attributes:
        code: exit code; negative, the signal that ended it; `None` where it was stopped after its time limit.
        err: what it said on stderr. seconds: how long it ran. peak_mib: its peak resident memory.
    """

    code: int | None
    err: str
    seconds: float
    peak_mib: float

    def troubles(self, *codes: int) -> list[str]:
        """What no run may do: hang, die, end with another code than these, or show a traceback."""
        wrong = []
        if self.code is None:
            wrong.append(f"hangs: stopped after {self.seconds:.0f} s")
        elif self.code < 0:
            wrong.append(f"died of {signal.Signals(-self.code).name}")
        elif self.code not in codes:
            wrong.append(f"exit code {self.code}, not {' or '.join(map(str, codes))}: {self.last_words()}")
        if "Traceback" in self.err or "unexpected " in self.err:
            wrong.append(f"unexpected error: {self.last_words()}")
        return wrong

    def last_words(self) -> str:
        """The last lines of stderr that are an error, in one line."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("mediaml:")]
        return " / ".join((errors or lines)[-2:])


class Running:
    """A `mediaml` in a process group of its own.

    Args:
        arguments: of the command line. folder: the working folder.
        environment: variables beside those of this process.
        prefix: a command that runs the command behind it, such as `setpriv`.
    """

    def __init__(
        self,
        arguments: Sequence[object],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        command = [*prefix, sys.executable, "-m", "mediaml", *map(str, arguments)]
        self._said = (folder / f"stderr-{time.monotonic_ns()}").open("w+b")
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            start_new_session=True,
        )
        self._ended: Ended | None = None

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to the whole group; false where it has ended already."""
        if self.poll() is not None:
            return False
        os.killpg(self._process.pid, number)
        return True

    def poll(self) -> Ended | None:
        """How it ended, or `None` while it runs."""
        if self._ended is None:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                self._process.returncode = code  # so that Popen does not wait for what is gone
                self._ended = self._account(code, usage.ru_maxrss)
        return self._ended

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something is ready; false where the process ended or the time ran out before."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until and self.poll() is None:
            if ready():
                return True
            time.sleep(_POLL_S)
        return False

    def wait(self, timeout_s: float) -> Ended:
        """Wait for the end; after `timeout_s` seconds the group is killed and the code is `None`."""
        self.wait_until(lambda: False, timeout_s)
        if self.send(signal.SIGKILL):
            _, _, usage = os.wait4(self._process.pid, 0)
            self._process.returncode = -signal.SIGKILL
            self._ended = self._account(None, usage.ru_maxrss)
        assert self._ended is not None
        return self._ended

    def _account(self, code: int | None, maxrss: int) -> Ended:
        self._said.seek(0)
        err = self._said.read().decode("utf-8", "replace")
        self._said.close()
        Path(self._said.name).unlink(missing_ok=True)
        unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, KiB on Linux
        return Ended(code, err, time.monotonic() - self._began, maxrss * unit / 2**20)


def run(
    arguments: Sequence[object],
    folder: Path,
    *,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Ended:
    """Run `mediaml` to its end, or stop it after `timeout_s` seconds."""
    return Running(arguments, folder, environment, prefix).wait(timeout_s)
