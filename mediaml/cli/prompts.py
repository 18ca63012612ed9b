"""`--prompt` and `--prompts`: the option `prompts` of whichever chosen model has one, spelt for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from mediaml.core.errors import UsageError


def prompt_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--prompt` and `--prompts` to a command."""
    files = click.option(
        "--prompts",
        "prompt_files",
        multiple=True,
        metavar="FILE",
        help="Read prompts from a file, one per line.",
    )
    texts = click.option(
        "--prompt", "prompts", multiple=True, metavar="TEXT", help="Text to look for (clip); may be repeated."
    )
    return texts(files(command))


def read_prompts(prompts: Sequence[str], files: Sequence[str]) -> tuple[str, ...]:
    """The prompts of `--prompt`, then those of the files; empty lines and lines with `#` are left out.

    Raises:
        UsageError: a file cannot be read, or holds no prompt.
    """
    found = list(prompts)
    for name in files:
        try:
            with click.open_file(name, encoding="utf-8") as file:
                lines = [line.strip() for line in file]
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise UsageError(f"the prompts {name} cannot be read: {reason}.") from error
        kept = [line for line in lines if line and not line.startswith("#")]
        if not kept:
            raise UsageError(f"{name} holds no prompt.", "Write one prompt per line.")
        found += kept
    return tuple(found)
