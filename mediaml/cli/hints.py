"""Hints for common mistakes on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import click

from mediaml.core.errors import UsageError

# Options of other tools, and their equivalents here.
_HABITS = {
    "--gpu": "Use --device cuda.",
    "--cuda": "Use --device cuda.",
    "--cpu": "Use --device cpu.",
    "--source": "Name the input without an option: mediaml run -p yolo video.mp4",
    "--input": "Name the input without an option: mediaml run -p yolo video.mp4",
    "--weights": "Use -m WEIGHTS.",
    "--out": "Use -o FOLDER.",
    "--output-dir": "Use -o FOLDER.",
    "--csv": "Use -f csv, or `mediaml export` after the run.",
    "--json": "Results are in results.jsonl; --jsonl PATH streams JSON Lines.",
    "--resume": "Rerunning the command resumes.",
    "--workers": "Use --readers N for files decoded at once.",
    "--show": "Annotated copies are written to the output folder.",
    "--save": "Annotated copies are written to the output folder.",
}


class HintingCommand(click.Command):
    """A command that explains an unknown option: one of another tool, or one of a model."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As in click, with a hint for an unknown option.

        Raises:
            UsageError: an option does not exist here.
        """
        typed = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            hint = _HABITS.get(error.option_name) or _option_of_a_model(error.option_name, typed)
            if not hint and error.possibilities:
                hint = f"Did you mean {error.possibilities[0]}?"
            raise UsageError(
                f"no such option: {error.option_name}", hint or "`mediaml run --help` lists all options."
            ) from error


def _option_of_a_model(flag: str, typed: Sequence[str]) -> str:
    """How to set an option of a model that was typed as if it were one of the command."""
    from mediaml.registry.entry_points import load_registry

    name = flag.lstrip("-").replace("-", "_")
    offers = {offer.spec.name: offer.spec for offer in load_registry().offers()}
    owners = [model for model, spec in offers.items() if any(f.name == name for f in fields(spec.options))]
    chosen = [model for model in owners if model in typed]
    if not owners:
        return ""
    value = "VALUE"
    if flag in typed and typed.index(flag) + 1 < len(typed):
        value = typed[typed.index(flag) + 1]
    return f"It is an option of a model: -O {(chosen or owners)[0]}.{name}={value}"


def require_models(names: Sequence[str]) -> tuple[str, ...]:
    """The models that were named, each once.

    Raises:
        UsageError: there is none; lists those that are installed.
    """
    if names:
        return tuple(dict.fromkeys(names))
    from mediaml.registry.entry_points import load_registry

    models = [offer.spec.name for offer in load_registry().offers()]
    raise UsageError("no model is selected.", f"Add -p MODEL; installed: {', '.join(models) or 'none'}.")
