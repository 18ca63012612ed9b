"""The ledger in the hands of the `sqlite3` shell and of datasette, which need no JSON functions."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from mediaml.core.work import Failure, Task, TaskResult
from mediaml.ledger.encoding import record_of
from scripts.paths import REPOSITORY
from tests.support.export_folder import ExportFolder
from tests.support.ledger_tasks import source
from tests.support.requirements import program

VIEWS = ("detections", "labels", "frames", "sources", "failures", "models")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """A ledger with results of every kind and a failure."""
    folder = ExportFolder(tmp_path_factory.mktemp("sql") / "out").add_all()
    broken = folder.ledger.add_source(source("broken.mp4"))
    failure = Failure("open", "MediaError", "broken.mp4 cannot be read.")
    folder.ledger.commit([record_of(TaskResult(Task(broken, folder.yolo, 0), failure=failure))])
    folder.ledger.close()
    return folder.folder / "ledger.sqlite"


def documented():
    """By view, its columns in docs/results.md."""
    page = (REPOSITORY / "docs" / "results.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|$", page, flags=re.MULTILINE)
    return {name: columns.split(", ") for name, columns in rows if name in VIEWS}


def shell(ledger, *words):
    command = [program("sqlite3"), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.mark.parametrize("view", VIEWS)
def test_the_shell_shows_the_documented_columns(ledger, view):
    shown = shell(ledger, "-json", str(ledger), f"SELECT * FROM {view}")
    rows = json.loads(shown)
    assert rows
    assert list(rows[0]) == documented()[view]


def test_the_shell_counts_and_selects(ledger):
    query = (
        "SELECT label, class_id, width, height, count(*) FROM detections "
        "WHERE score >= 0.65 AND current GROUP BY label ORDER BY label"
    )
    shown = shell(ledger, "-csv", str(ledger), query)
    assert shown.splitlines() == ["person,0,200,100,11", '"traffic light",1,200,100,3']
    assert shell(ledger, str(ledger), "SELECT source, type FROM failures") == "broken.mp4|MediaError\n"


@pytest.fixture(scope="module")
def site(ledger):
    """The address of a datasette that serves the ledger."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["serve", str(ledger), "--host", "127.0.0.1", "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-m", "datasette", *words], stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(600):
                try:
                    urlopen(f"{address}/-/versions.json", timeout=10).close()
                    break
                except (URLError, OSError):
                    assert server.poll() is None, "datasette ended"
                    time.sleep(0.1)
            yield address
        finally:
            server.kill()


def rows_of(site, view, **query):
    address = f"{site}/ledger/{view}.json?{urlencode({'_shape': 'array', **query})}"
    with urlopen(address, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.parametrize("view", VIEWS)
def test_datasette_serves_the_views(site, view):
    rows = rows_of(site, view)
    assert rows
    assert list(rows[0]) == documented()[view]


def test_datasette_filters_by_columns(site):
    rows = rows_of(site, "detections", label="traffic light", score__gte="0.65", _size="max")
    assert [(row["source"], row["frame"]) for row in rows] == [
        ("in/walk.mp4", number) for number in (4, 5, 6)
    ]
    assert rows_of(site, "failures")[0]["message"] == "broken.mp4 cannot be read."
