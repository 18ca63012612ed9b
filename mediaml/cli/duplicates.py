"""`mediaml duplicates`: groups of images that look alike, from the embeddings in the ledger."""

from __future__ import annotations

from pathlib import Path

import click

from mediaml.cli.shell import noise_options, shell_of
from mediaml.core.text import counted, escape_control


@click.command("duplicates")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("-p", "--plugin", help="Model whose embeddings are compared, when there are several.")
@click.option(
    "--alike",
    default=0.97,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Minimum cosine similarity to the first image of a group.",
)
@noise_options
@click.pass_context
def command(context: click.Context, /, folder: Path, plugin: str | None, alike: float) -> None:
    """Show groups of near-identical images in DIR, the output folder of a run with `-p clip`.

    \b
    Example:
      mediaml duplicates mediaml-out --alike 0.99
    """
    from mediaml.core.media import Kind
    from mediaml.embeddings.duplicates import duplicate_groups
    from mediaml.embeddings.vectors import choose_space, open_vectors
    from mediaml.ledger.results import open_results

    vectors = open_vectors(folder, choose_space(folder, plugin))
    with open_results(folder) as view:
        images = {source.id: source for source in view.sources() if source.kind is Kind.IMAGE}
    groups = duplicate_groups(vectors, frozenset(images), alike)
    for group in groups:
        click.echo(f"{len(group.sources)} images, cosine {group.closeness:.3f} or more")
        for source in group.sources:
            click.echo(f"  {escape_control(images[source].shown)}")
    alike_count = sum(len(group.sources) for group in groups)
    found = counted(len(groups), "group")
    shell_of(context).say(f"{found}, {alike_count} of {counted(len(images), 'image')}")
