"""`mediaml run --dry-run`: prints what a run would do."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mediaml.app.config import RunConfig
    from mediaml.cli.shell import Shell


def print_plan(config: RunConfig, shell: Shell) -> int:
    """Plan a run and print it; returns the exit code."""
    from mediaml.app.dry_run import explain_run
    from mediaml.cli.download_bar import BarWatcher
    from mediaml.cli.table import table
    from mediaml.cli.terminal import TerminalReporter

    with closing(TerminalReporter(shell)) as reporter:
        plan = explain_run(config, reporter, BarWatcher(shell))
    rows = [[reason.source, reason.model, reason.action, reason.why] for reason in plan.reasons]
    click.echo(table(["file", "model", "would", "because"], rows))
    for model in plan.models:
        weights = f"{model.weights} {model.weights_sha256}" if model.weights else "no weights"
        click.echo(f"{model.name}: {model.distribution} {model.version}, {weights}, {model.options}")
    for source, count in plan.counts:
        click.echo(f"{source}: {count}")
    return 0
