"""The documents against the program: files of the tutorial, examples, commands, links."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import click
import jsonschema
import pytest
from click.testing import CliRunner

from mediaml.cli.main import _COMMANDS, cli
from mediaml.cli.shell import Shell
from scripts.paths import DEMO_CLIP, REPOSITORY
from tests.support.command_line import call
from tests.support.plugins.strangers import install_plugin
from tests.support.results_schema import schema

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


def shown_commands() -> list[str]:
    """The `mediaml` commands in the console blocks of the README and the documents, without comments."""
    pages = ["README.md", *(f"docs/{page.name}" for page in sorted((REPOSITORY / "docs").glob("*.md")))]
    lines = "".join(block for page in pages for block in blocks(page, "console")).splitlines()
    return [line for line in dict.fromkeys(lines) if line.startswith("mediaml ")]


@pytest.mark.parametrize("line", shown_commands())
def test_commands_of_the_documents_exist_with_their_options(line):
    _, *words = shlex.split(line.partition(" | ")[0].partition(" > ")[0], comments=True)
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, line
        command = found
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    assert {word for word in words if re.match(r"--?[a-zA-Z]", word)} <= known


def test_scripts_of_the_documents_exist():
    text = "".join(page.read_text(encoding="utf-8") for page in (REPOSITORY / "docs").glob("*.md"))
    names = set(re.findall(r"python -m (scripts[\w.]*\w)", text))
    assert len(names) > 8
    assert [name for name in names if find_spec(name) is None] == []
    assert all((REPOSITORY / path).exists() for path in re.findall(r"\bscripts/[\w/]+(?:\.py)?", text))


def test_links_between_documents_lead_somewhere():
    for document in [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^):]+)\)", document.read_text(encoding="utf-8")):
            path, _, anchor = target.partition("#")
            page = document.parent / path if path else document
            assert page.exists(), f"{document.name}: {target}"
            assert not anchor or anchor in anchors(page), f"{document.name}: {target}"


def anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readmes_commands_are_the_ones_that_are_tested():
    console = "".join(blocks("README.md", "console"))
    scripts = re.findall(r"^(scripts/\w+)", console, flags=re.MULTILINE)
    assert scripts == ["scripts/demo", "scripts/test"]
    assert all((REPOSITORY / script).stat().st_mode & 0o111 for script in scripts)
    assert (REPOSITORY / ".ci/run").read_text().rstrip().endswith("exec scripts/test")


def test_no_path_of_one_machine_is_left_in_a_document():
    for document in [REPOSITORY / "README.md", *Path(REPOSITORY / "docs").glob("*.md")]:
        assert not re.search(r"(?<![\w.])/(work|root|home)/", document.read_text(encoding="utf-8"))


@pytest.fixture
def clips(tmp_path):
    """A folder with the clip of the examples, `clips/demo.mp4`."""
    (tmp_path / "clips").mkdir()
    shutil.copy(DEMO_CLIP, tmp_path / "clips")
    return tmp_path


def module_path(*folders: Path) -> str:
    """`PYTHONPATH` with folders ahead of what it holds."""
    return os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])


def test_the_librarys_examples_run_in_order(clips):
    examples = blocks("docs/library.md", "python")
    assert len(examples) == 6
    (clips / "examples.py").write_text("\n".join(examples), encoding="utf-8")
    printed = call([sys.executable, "examples.py"], clips).stdout
    assert printed.startswith("1 of 1 files, 150 frames\nyolo (('")
    assert "\nclips/demo.mp4 640 360 6.0\n" in printed
    assert "\n0.0 person 0.9" in printed
    assert re.search(r"^people\.csv [1-9]\d* rows$", printed, flags=re.MULTILINE)
    assert "MediaInfo(path='clips/demo.mp4'" in printed


def test_the_example_of_a_plugins_test_holds(tmp_path):
    (example,) = [block for block in blocks("docs/plugins.md", "python") if "mediaml.testing" in block]
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    path = module_path(REPOSITORY, REPOSITORY / "plugins")
    call([sys.executable, "example.py"], tmp_path, PYTHONPATH=path)


def test_cars_per_second_draws_a_plot(clips):
    command = [sys.executable, "-m", "scripts.cars_per_second", "clips/demo.mp4", "cars.png"]
    printed = call(command, clips, PYTHONPATH=module_path(REPOSITORY)).stdout
    assert re.fullmatch(r"\d+ cars at most; plot: cars\.png\n", printed)
    assert (clips / "cars.png").read_bytes().startswith(b"\x89PNG")


def test_the_output_of_the_documents_is_written(clips):
    (source,) = blocks("docs/outputs.md", "python")
    site = install_plugin(clips / "site", "counting", source)
    assert "mediaml run -p yolo clips/ -f counts " in "".join(blocks("docs/outputs.md", "console"))
    options = ["-p", "yolo", "clips/", "-f", "counts", "--no-annotate"]
    call([sys.executable, "-m", "mediaml", "run", *options], clips, PYTHONPATH=module_path(site))
    with (clips / "mediaml-out" / "counts.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 150
    assert {row["source"] for row in rows} == {"clips/demo.mp4"}
    assert sum(int(row["boxes"]) for row in rows) > 100


def test_every_page_is_listed_in_the_readme():
    linked = set(re.findall(r"\]\((docs/[^)#]+)\)", (REPOSITORY / "README.md").read_text(encoding="utf-8")))
    assert linked == {f"docs/{page.name}" for page in (REPOSITORY / "docs").glob("*.md")}
