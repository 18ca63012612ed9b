"""Shell completion, as the shells call it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def completed(words: str, count: int) -> list[str]:
    """What bash is offered for the word number `count`."""
    environment = {**os.environ, "_MEDIAML_COMPLETE": "bash_complete", "COMP_WORDS": words}
    environment["COMP_CWORD"] = str(count)
    code = "from mediaml.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "count", "offered"),
    [
        ("mediaml ru", 1, "plain,run"),
        ("mediaml run -p yo", 3, "plain,yolo"),
        ("mediaml run -p yolo -O yolo.co", 5, "plain,yolo.conf="),
        ("mediaml run -p yolo -m yolov3-t", 5, "plain,yolov3-tiny"),
        ("mediaml run -p yolo -m yolo=yolov3-t", 5, "plain,yolo=yolov3-tiny"),
        ("mediaml models pull yolov3-t", 3, "plain,yolov3-tiny"),
        ("mediaml plugins info dig", 3, "plain,digits"),
        ("mediaml run ", 2, "file,"),
    ],
)
def test_names_are_completed(words, count, offered):
    assert offered in completed(words, count)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script(mediaml, shell):
    said = mediaml("completion", shell)
    assert said.code == 0
    assert "_MEDIAML_COMPLETE" in said.out
