"""Files appear whole or not at all, and what the system refuses becomes one message with what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mediaml.core.atomic_file import atomic_file, atomic_path, write_atomically, writing
from mediaml.core.errors import MediaError, OutputError


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "größer 汉.bin"
    with atomic_file(target) as file:
        file.write(b"one")
        assert not target.exists()
    assert target.read_bytes() == b"one"
    write_atomically(target, b"two")
    assert target.read_bytes() == b"two"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("of the caller")])
def test_what_the_caller_raises_passes_and_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(type(error)), atomic_file(target) as file:
        file.write(b"new")
        raise error
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_of_reading_in_the_block_is_not_taken_for_one_of_writing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "file"):
        (tmp_path / "no source").read_bytes()


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOSPC, "Free some space"), (errno.EACCES, "permissions"), (errno.EIO, "Check that disk")],
)
def test_the_hint_fits_the_reason(tmp_path: Path, number: int, hint: str) -> None:
    with pytest.raises(MediaError) as caught, writing(tmp_path / "file", error=MediaError):
        raise OSError(number, os.strerror(number))
    assert str(tmp_path / "file") in caught.value.message
    assert os.strerror(number) in caught.value.message
    assert hint in caught.value.hint


def test_a_name_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(OutputError, match="cannot be written"):
        write_atomically(tmp_path / "taken", b"")
    assert not (tmp_path / "taken.part").exists()


def test_a_full_device_is_reported(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("only Linux has /dev/full")
    (tmp_path / "file.part").symlink_to(full)
    with pytest.raises(OutputError, match="No space left") as caught:
        write_atomically(tmp_path / "file", b"x" * 100_000)
    assert "Free some space" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_errors_of_a_library_count_where_they_are_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no room"), writing(tmp_path / "x", also=(RuntimeError,), hint="h"):
        raise RuntimeError("no room")
    with pytest.raises(RuntimeError), writing(tmp_path / "x"):
        raise RuntimeError("no room")


def test_a_durable_file_is_on_disk_before_its_name_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bytes | None]] = []
    target = tmp_path / "file"

    def fsync(handle: int) -> None:
        inode = os.fstat(handle).st_ino
        (name,) = [path.name for path in tmp_path.iterdir() if path.stat().st_ino == inode]
        seen.append((name, target.read_bytes() if target.exists() else None))

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(target, b"one")
    assert seen == []
    write_atomically(target, b"two", durable=True)
    assert seen == [("file.part", b"one")]
