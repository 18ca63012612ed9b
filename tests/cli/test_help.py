"""Help that fits a terminal, and ordinary mistakes that are answered with what was meant."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mediaml.cli.main import cli
from mediaml.cli.shell import Shell
from mediaml.cli.table import fit_widths, table

COMMANDS = [
    [],
    *([name] for name in ("run", "status", "search", "duplicates", "plugins", "models", "probe", "doctor")),
    ["completion"],
    *(["models", name] for name in ("list", "info", "pull", "verify", "path", "rm", "import")),
    *(["plugins", name] for name in ("list", "info")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_fits_80_columns(command):
    result = CliRunner().invoke(cli, [*command, "--help"], obj=Shell(), terminal_width=80)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines())) <= 80


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["--conf", "0.5"], "-O yolo.conf=0.5"),
        (["--zzz", "x"], "`mediaml run --help` lists all options."),
        (["--outptu", "x"], "Did you mean --output?"),
        (["--gpu"], "--device cuda"),
        (["--csv"], "-f csv"),
    ],
)
def test_an_unknown_option_is_answered_with_what_was_meant(mediaml, typed, meant):
    said = mediaml("run", "-p", "yolo", "x.jpg", *typed)
    assert said.code == 2
    assert f"no such option: {typed[0]}" in said.err
    assert meant in said.err


def test_without_a_model_the_installed_ones_are_listed(mediaml):
    said = mediaml("run", "x.jpg")
    assert said.code == 2
    assert "clip, digits, financial, classify, embed, listen, transform, spoken, yolo" in said.err


def test_an_unknown_command_is_answered_with_a_suggestion(mediaml):
    said = mediaml("modles")
    assert said.code == 2
    assert "Did you mean 'models'?" in said.err
    assert "Did you mean 'verify'?" in mediaml("models", "verfy").err


def test_a_table_fits_the_terminal_and_a_pipe_gets_whole_rows(monkeypatch):
    rows = [["a", "some words that are longer than the terminal is wide, and then some more words"]]
    assert table(["name", "text"], rows).count("\n") == 1
    monkeypatch.setenv("COLUMNS", "40")
    shown = table(["name", "text"], rows)
    assert max(map(len, shown.splitlines())) <= 40
    assert " ".join(shown.split()).startswith("name text a some words that are longer")


def test_the_widest_columns_shrink_first():
    assert fit_widths([10, 60, 30], 60) == [10, 25, 25]
    assert fit_widths([10, 20], 60) == [10, 20]
    assert fit_widths([50, 50], 4) == [12, 12]


@pytest.mark.parametrize("command", [["models", "list"], ["plugins", "list"], ["doctor"]], ids=" ".join)
def test_tables_have_json(mediaml, command):
    import json

    said = mediaml(*command, "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)
