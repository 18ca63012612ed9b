"""`mediaml models`: one file per subcommand, imported when it is typed."""

from __future__ import annotations

import click

from mediaml.cli.lazy import LazyGroup

_COMMANDS = {
    "list": "Bundled models with their figures, and the catalogue.",
    "info": "Show a model's licence, files, inputs, outputs and labels.",
    "describe": "Say how an ONNX file would be read, and write that down.",
    "pull": "Download models of the catalogue and verify them.",
    "verify": "Check a model's files and replay it on each device.",
    "path": "Print where a model's file is.",
    "rm": "Remove downloaded models from the cache.",
    "import": "Convert a Darknet YOLO model to ONNX.",
    "quantize": "Write an int8 version of a model, and compare it.",
}


@click.group("models", cls=LazyGroup, package="mediaml.cli.models", commands=_COMMANDS)
def command() -> None:
    """List, download, verify and inspect models; convert Darknet models."""
