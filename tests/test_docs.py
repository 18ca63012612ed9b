"""The documents tell the truth: the tutorial's files, the schema's examples, the commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from mediaml.cli.main import _COMMANDS, cli
from mediaml.cli.shell import Shell
from mediaml.outputs.jsonl import schema
from scripts.paths import REPOSITORY

PLUGIN = REPOSITORY / "tests" / "third_party" / "mediaml-tint"


def blocks(document: str, language: str) -> list[str]:
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_the_tutorial_shows_the_files_that_a_test_installs():
    text = (REPOSITORY / "docs/plugins.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"`([\w./]+)`:\n\n```\w+\n(.*?)```", text, flags=re.DOTALL))
    assert set(shown) == {
        "pyproject.toml",
        "mediaml_tint/__init__.py",
        "mediaml_tint/models.py",
        "make_tint.py",
    }
    for name, code in shown.items():
        assert code == (PLUGIN / name).read_text(encoding="utf-8"), name


def test_the_example_lines_of_the_results_fit_the_schema():
    examples = [json.loads(block) for block in blocks("docs/results.md", "json")]
    assert len(examples) == 2
    for example in examples:
        jsonschema.validate(example, schema())


def test_the_schema_refuses_what_is_no_line():
    frame = json.loads(blocks("docs/results.md", "json")[0])
    for wrong in ({**frame, "detections": None}, {**frame, "failure": {}}, {}, {**frame, "frame": -1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema())


@pytest.mark.parametrize("name", [[], *([name] for name in _COMMANDS)])
def test_every_command_has_help_with_an_example(name):
    result = CliRunner().invoke(cli, [*name, "--help"], obj=Shell())
    assert result.exit_code == 0
    if name in ([], ["run"], ["probe"], ["doctor"]):
        assert "mediaml " in result.output.split("Example", 1)[1]


def test_links_between_documents_lead_somewhere():
    for document in [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_readmes_commands_are_the_ones_that_are_tested():
    console = "".join(blocks("README.md", "console"))
    scripts = re.findall(r"^(scripts/\w+)", console, flags=re.MULTILINE)
    assert scripts == ["scripts/demo", "scripts/test"]
    assert all((REPOSITORY / script).stat().st_mode & 0o111 for script in scripts)
    assert (REPOSITORY / ".ci/run").read_text().rstrip().endswith("exec scripts/test")


def test_no_path_of_one_machine_is_left_in_a_document():
    for document in [REPOSITORY / "README.md", *Path(REPOSITORY / "docs").glob("*.md")]:
        assert not re.search(r"(?<![\w.])/(work|root|home)/", document.read_text(encoding="utf-8"))
