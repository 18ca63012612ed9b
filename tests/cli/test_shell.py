"""How what a command raises becomes text and an exit code."""

from __future__ import annotations

import pytest

from mediaml.cli.shell import run_shell
from mediaml.core.errors import PluginError


def test_ctrl_c_within_an_import_is_still_ctrl_c(capsys):
    def command(shell):
        try:
            try:
                raise KeyboardInterrupt
            except KeyboardInterrupt as error:
                raise ImportError("initialization failed") from error
        except ImportError as error:
            raise PluginError("plugin 'yolo' failed to load") from error

    assert run_shell(command) == 130
    assert capsys.readouterr().err == "mediaml: interrupted.\n"


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [(PluginError("no such plugin."), 4, "no such plugin."), (ValueError("odd"), 1, "unexpected ValueError")],
)
def test_other_errors_say_what_they_are(capsys, error, code, says):
    def command(shell):
        raise error

    assert run_shell(command) == code
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said
