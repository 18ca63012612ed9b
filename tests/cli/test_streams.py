"""Standard streams that are closed or full: the run is done, and nothing else takes their place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.media.files import write_image

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs a POSIX shell and /dev/full")


def shell(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = text.replace("mediaml", f"{sys.executable} -m mediaml")
    return subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False)


@LINUX
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_run_with_closed_streams_writes_its_results(tmp_path: Path, closed: str) -> None:
    write_image(tmp_path / "a.png", 32, 32)
    done = shell(f"mediaml run -p digits a.png -o out --device cpu {closed}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "out" / "results.jsonl").read_text().splitlines()) == 2
    again = shell("mediaml status out", tmp_path)  # checks the ledger, in which no foreign line may be
    assert again.returncode == 0, again.stderr


@LINUX
def test_a_full_disk_behind_stdout_is_said_in_plain_words(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", 32, 32)
    done = shell("mediaml probe a.png > /dev/full", tmp_path)
    assert done.returncode == 1
    assert "cannot write to stdout: No space left on device" in done.stderr
    assert "unexpected" not in done.stderr
