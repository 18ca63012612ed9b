"""What every command shares: stderr, exit codes, and the output of errors."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import click

from mediaml.core.errors import MediamlError
from mediaml.core.text import escape_control

INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_KEPT = "\n\t"
"""Control characters that text for the terminal may contain: messages may have several lines."""


@dataclass(slots=True)
class Shell:
    """What is written to stderr.

    Attributes:
        quiet: only errors. verbose: every file. debug: tracebacks. offline: models are not fetched.
    """

    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    offline: bool = False
    _said: set[str] = field(default_factory=set)

    def say(self, text: str) -> None:
        """An informational line, on stderr."""
        if not self.quiet:
            click.echo(escape_control(text, _KEPT), err=True)

    def detail(self, text: str) -> None:
        """A line for `-v`."""
        if self.verbose:
            click.echo(escape_control(text, _KEPT), err=True)

    def warn(self, text: str) -> None:
        """A warning, shown once, even with `-q`."""
        if text not in self._said:
            self._said.add(text)
            click.secho(f"mediaml: warning: {escape_control(text, _KEPT)}", err=True, fg="yellow")

    def error(self, text: str) -> None:
        """An error, in one or two lines."""
        for line in text.rstrip("\n").split("\n"):
            click.secho(f"mediaml: {escape_control(line, _KEPT)}", err=True, fg="red")


def echo_json(value: Any) -> None:
    """Print a value as indented JSON, on stdout."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def run_shell(command: Callable[[Shell], Any]) -> int:
    """Run a command and translate what it raises into text on stderr and an exit code."""
    shell = Shell()
    try:
        code = command(shell)
        return code if isinstance(code, int) else 0
    except (click.exceptions.Exit, click.ClickException) as error:
        if isinstance(error, click.ClickException):
            text = StringIO()
            error.show(text)
            click.echo(escape_control(text.getvalue(), _KEPT), err=True, nl=False)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        shell.error("interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has closed the pipe; Python must not report that at shutdown.
        sys.stdout = None
        return 0
    except Exception as error:  # noqa: BLE001  the last resort: no traceback reaches a user
        if shell.debug:
            traceback.print_exc()
        return _ended_by(error, shell)


def _ended_by(error: Exception, shell: Shell) -> int:
    """Report what ended a command; returns the exit code."""
    if _interrupted(error):
        shell.error("interrupted.")
        return INTERRUPTED
    if isinstance(error, MediamlError):
        shell.error(str(error))
        return error.exit_code
    if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
        # Files that are written name themselves.
        shell.error(f"cannot write to stdout: {error.strerror}.\nMake room there, or write elsewhere.")
        return 1
    shell.error(f"unexpected {type(error).__name__}: {error}\nRerun with --debug and report the traceback.")
    return 1


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: a compiled module that is being imported makes it an ImportError."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def shell_of(context: click.Context) -> Shell:
    """The shell of the running command."""
    shell: Shell = context.find_root().obj
    return shell


def _set(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def callback(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            setattr(shell_of(context), name, True)

    return callback


def offline_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--offline` to a command."""
    option = click.option(
        "--offline",
        is_flag=True,
        expose_value=False,
        callback=_set("offline"),
        help="Never use the network; same as MEDIAML_OFFLINE=1.",
    )
    return option(command)


def noise_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-q`, `-v` and `--debug` to a command."""
    for flags, name, text in (
        (("--debug",), "debug", "Show tracebacks."),
        (("-v", "--verbose"), "verbose", "Print every file as it is finished."),
        (("-q", "--quiet"), "quiet", "Print only warnings and errors."),
    ):
        option = click.option(*flags, is_flag=True, expose_value=False, callback=_set(name), help=text)
        command = option(command)
    return command
