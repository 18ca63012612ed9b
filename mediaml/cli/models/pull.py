"""`mediaml models pull`: download and verify."""

from __future__ import annotations

import click

from mediaml.cli.completion import complete_catalogue
from mediaml.cli.shell import noise_options, offline_option, shell_of


@click.command("pull")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_catalogue)
@click.option(
    "--from",
    "origin",
    default="",
    metavar="FILE|DIR|URL",
    help="Take the files only from this file, folder or URL.",
)
@click.option("--trust", is_flag=True, help="Accept files without a known checksum.")
@offline_option
@noise_options
@click.pass_context
def command(context: click.Context, /, names: tuple[str, ...], origin: str, trust: bool) -> None:
    """Download models of the catalogue and verify them; verified files are kept.

    An interrupted download resumes. MEDIAML_MODELS, a folder or URL laid out as NAME/FILE, is tried before
    the catalogue's URLs; MEDIAML_CACHE is where models are kept.

    \b
    Examples:
      mediaml models pull yolov3 clip-vit-b32
      mediaml models pull yolov3 --from /media/stick
      mediaml models pull yolov3-12 --from https://mirror.example/yolov3-12.onnx
    """
    from mediaml.cli.download_bar import store_of
    from mediaml.pipeline.weights import obtain_weights
    from mediaml.store.bundled import bundled_names

    shell = shell_of(context)
    store = store_of(shell)
    for name in names:
        if name in bundled_names():
            shell.say(f"{name} ships with mediaml; nothing to download")
            continue
        store.pull(name, origin=origin, trust=trust)
        shell.say(f"{name}: verified, at {obtain_weights(store, name)}")
