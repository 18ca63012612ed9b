"""Links, permissions, pipes and paths that are too long: each fails by name or is left out by name."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from mediaml.outputs.extract.collection import Collection
from mediaml.pipeline.inputs import Selection, scan
from mediaml.pipeline.walk import Skipped, SkipReason
from tests.support.scans import left_out, problems, shown


def test_eight_folders_that_all_link_to_one_another_are_listed_once_each(tree, monkeypatch):
    for one in range(8):
        (tree / f"web/{one}").mkdir(parents=True)
        (tree / f"web/{one}/file.jpg").write_bytes(b"x")
        for other in range(8):
            (tree / f"web/{one}/to{other}").symlink_to(tree / f"web/{other}")
    (tree / "web/0/up").symlink_to("..")
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or scandir(path))
    names = [f"web/{one}/file.jpg" for one in range(8)]
    assert shown("web") == names
    assert len(listed) == 9
    listed.clear()
    assert shown("web/**/*.jpg") == names
    assert len(listed) == 9
    assert len(left_out("web")) == 65


def test_a_folder_of_pieces_is_left_out_unless_it_is_named(tree):
    collection = Collection(tree / "p/pieces/crops", overwrite=False)
    (tree / "p/pieces/crops").mkdir(parents=True)
    for number in range(2):
        (tree / f"p/pieces/crops/{number}.jpg").write_bytes(b"x")
        collection.add(f"{number}.jpg")
    assert "p/pieces/crops/0.jpg" not in shown("p")  # as it is where an extraction was killed
    collection.finish()
    assert "p/pieces/crops/0.jpg" not in shown("p")
    assert left_out("p") == [str(Skipped("p/pieces/crops/ (2 files)", SkipReason.PIECES))]
    assert shown("p/pieces/crops") == [
        "p/pieces/crops/0.jpg",
        "p/pieces/crops/1.jpg",
        "p/pieces/crops/index.jsonl",
    ]


def test_a_linked_folder_outside_is_entered_under_the_name_of_the_link(tree):
    (tree / "q").mkdir()
    (tree / "q/link").symlink_to(tree / "p/b")
    assert shown("q") == ["q/link/2.jpg", "q/link/10.jpg"]
    assert shown("q", "p/b") == shown("q")
    (tree / "p/aa").symlink_to(tree / "p/b")
    assert shown("p", exclude=("*.txt", "c")) == ["p/a.jpg", "p/b/2.jpg", "p/b/10.jpg"]


def test_links_to_themselves_or_to_nothing_fail_by_name(tree):
    (tree / "p/b/loop").symlink_to("loop")
    (tree / "p/b/dangling.jpg").symlink_to("nothing.jpg")
    assert "p/c/deep/é 汉.jpg" in shown("p")
    found = problems("p")
    assert "leads back to itself" in found.pop("p/b/loop")
    assert "does not exist" in found.pop("p/b/dangling.jpg")
    assert not found
    assert "leads back to itself" in problems("p/b/loop")["p/b/loop"]


def test_a_path_that_is_too_long_fails_by_name(tree, monkeypatch):
    part = "d" * 200
    (tree / "long").mkdir()
    monkeypatch.chdir(tree / "long")
    for _ in range(30):  # each relative step is short; the whole path is not
        Path(part).mkdir()
        os.chdir(part)
    Path("x.jpg").write_bytes(b"x")
    os.chdir(tree)
    (tree / "long/a.jpg").write_bytes(b"x")
    first, second = scan(Selection(("long",)))
    assert (first.shown, first.problem) == ("long/a.jpg", "")
    assert second.shown.startswith(f"long/{part}/") and "is too long" in second.problem
    for argument in ("n" * 300 + ".jpg", f"{part}/" * 30 + "x.jpg"):
        (source,) = scan(Selection((argument,)))
        assert source.shown == argument and "is too long" in source.problem


def test_a_folder_that_fails_while_it_is_listed_fails_by_name(tree, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("/b"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        if str(path).endswith("/deep"):
            raise OSError(errno.EIO, "Input/output error", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    for arguments in (("p",), ("p/**/*.jpg",)):
        found = problems(*arguments)
        assert found["p/b"].startswith("the folder cannot be read: permission denied.\n")
        assert found["p/c/deep"].startswith("the folder cannot be read: Input/output error.\n")
        assert "p/a.jpg" in shown(*arguments)
    (source,) = scan(Selection(("p/b",)))
    assert (source.shown, source.name, source.named) == ("p/b", "b", False)
    assert "permission denied" in source.problem


SCAN_AS_NOBODY = """
import os, sys
from mediaml.ledger.ledger import Ledger
from mediaml.media.annotated_mark import mark_image
from mediaml.pipeline.inputs import Selection, scan
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for source in scan(Selection(tuple(sys.argv[1:]))):
    print(source.shown, source.problem.partition("\\n")[0], sep=": ")
"""


def test_without_permission_it_is_said_by_the_system_itself():
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to others
        root = Path(folder)
        root.chmod(0o755)
        for name in ("open", "closed", "unsearchable"):
            (root / name).mkdir()
            (root / name / "x.jpg").write_bytes(b"x")
        (root / "closed").chmod(0)
        (root / "unsearchable").chmod(0o444)
        command = [sys.executable, "-c", SCAN_AS_NOBODY, ".", "closed/x.jpg"]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
        (root / "closed").chmod(0o755)
        (root / "unsearchable").chmod(0o755)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "closed: the folder cannot be read: permission denied.",
        "open/x.jpg: ",
        "unsearchable/x.jpg: permission denied.",
        "closed/x.jpg: permission denied.",
    ]


def test_sockets_and_pipes_in_a_folder_are_never_opened(tree):
    os.mkfifo(tree / "p/b/pipe.mp4")
    (tree / "p/b/link.mp4").symlink_to("pipe.mp4")
    (tree / "p/b/device.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("p/b/socket.jpg")
        assert shown("p/b") == shown("p/b/*") == shown("p/b/**") == ["p/b/2.jpg", "p/b/10.jpg"]
        said = left_out("p/b")
    assert sorted(said) == [
        f"skipped p/b/{name}: it is a socket, a pipe or a device"
        for name in ("device.jpg", "link.mp4", "pipe.mp4", "socket.jpg")
    ]
    assert shown("p/b/pipe.mp4") == ["p/b/pipe.mp4"]
