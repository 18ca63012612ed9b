"""A run that is stopped counts what it was asked for."""

from __future__ import annotations

import mediaml
from tests.support.media.files import write_image


def test_unfinished_files_are_counted(tmp_path):
    for number in range(60):
        path = tmp_path / "in" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        if number < 3:
            path.write_bytes(b"\x89PNG\r\n\x1a\nno image")
        else:
            write_image(path, 28, 28)
    report = mediaml.run(tmp_path / "in", "digits", tmp_path / "out", device="cpu", on_error="stop")
    assert report.stopped == "too many failures"
    assert report.exit_code == 1
    assert report.files == 60
    assert report.done + report.failed + report.unfinished == 60
    assert report.failed >= 1
    assert mediaml.run(tmp_path / "in", "digits", tmp_path / "out", device="cpu").done == 57
