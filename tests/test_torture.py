"""A short form of every part of `scripts/torture`; docs/reliability.md has the figures of the long form."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mediaml.cli.main import run_cli
from mediaml.core.media import Kind
from scripts.paths import REPOSITORY

sys.path.append(str(REPOSITORY / "scripts"))

from scripts.paths import REPOSITORY
from scripts.reliability.clips import AUDIO, VIDEO, render
from scripts.reliability.comparison import compare_copy, compare_video
from scripts.reliability.conformance import torture_conformance
from scripts.reliability.cut import CONTAINERS, UNPROVABLE, UNREAD, torture_cut
from scripts.reliability.damaged import CODECS, torture_damaged
from scripts.reliability.disk import small_disk, torture_disk
from scripts.reliability.ground import torture_ground
from scripts.reliability.interrupted import torture_interrupted
from scripts.reliability.kills import torture_kills
from scripts.reliability.media import command, square_finder, write_clip, write_seeds
from scripts.reliability.mutants import torture_mutants
from scripts.reliability.mutate import MUTATIONS, mutant
from scripts.reliability.network import torture_network
from scripts.reliability.plugins import Trial, torture_plugins
from scripts.reliability.reference import Reference
from scripts.reliability.remains import remains_of
from scripts.reliability.replaced import torture_replaced
from scripts.reliability.surroundings import torture_surroundings
from scripts.reliability.verdict import Bench, Verdict


def bench(folder: Path, **numbers: int) -> Bench:
    return Bench(folder, seed=11, timeout_s=120.0, **numbers)


def check(verdicts: list[Verdict]) -> None:
    assert verdicts
    wrong = [verdict for verdict in verdicts if verdict.outcome == "does not hold"]
    assert not wrong, wrong
    if all(verdict.outcome == "skipped" for verdict in verdicts):
        pytest.skip(verdicts[0].detail)


def test_a_killed_run_goes_on_to_the_same_end(tmp_path):
    check(list(torture_kills(bench(tmp_path, kills=2), frames=60, ways=(signal.SIGKILL,))))


def test_a_long_video_goes_on_where_it_was_killed(tmp_path):
    check(list(torture_interrupted(bench(tmp_path), minutes=1.0, kills=2)))


def test_mutated_files_take_nobody_along(tmp_path):
    check(list(torture_mutants(bench(tmp_path, files=60))))


def test_a_full_disk_leaves_a_ledger_that_goes_on(tmp_path):
    check(list(torture_disk(bench(tmp_path), frames=40, rooms_kib=(128,), outgrow=False)))


def test_a_plugin_that_raises_or_leaves_costs_its_file(tmp_path):
    trials = (Trial("raise"), Trial("exit by sys.exit(0)"), Trial("answer a lone surrogate"))
    check(list(torture_plugins(bench(tmp_path), trials=trials)))


def test_a_plugin_that_ends_or_stops_its_process_costs_its_file(tmp_path):
    trials = (Trial("exit by os._exit(0)"), Trial("crash"), Trial("hang"))
    check(list(torture_plugins(bench(tmp_path), trials=trials)))


def test_nothing_opens_a_socket_or_leaves_telemetry_at_home(tmp_path):
    verdicts = list(torture_network(bench(tmp_path), frames=40, seconds=0.0))
    if os.environ.get("CI") == "true":
        assert not [verdict for verdict in verdicts if verdict.outcome == "skipped"]
    check(verdicts)


def test_a_removed_output_folder_and_hostile_names(tmp_path):
    names = ("output folder removed, no copies wanted", "hostile names")
    check(list(torture_surroundings(bench(tmp_path), frames=750, names=names)))


def test_a_replaced_source_is_never_mixed_with_what_it_was(tmp_path):
    check(list(torture_replaced(bench(tmp_path), frames=60, moments=1, ways=("replaced",), again=False)))


def test_flipped_bytes_are_counted_and_whole_files_are_not(tmp_path):
    codecs = {name: CODECS[name] for name in ("mpeg4", "vp9")}
    verdicts = list(torture_damaged(bench(tmp_path), files=5, codecs=codecs))
    check(verdicts)
    assert [verdict.case for verdict in verdicts] == list(codecs)


def test_cut_files_are_noticed(tmp_path):
    few = {name: CONTAINERS[name] for name in ("mp3", "flv", "ogg", "wav", "mkv", "mpg", "y4m", "mp2")}
    check(list(torture_cut(bench(tmp_path), containers=few, unread={"sox": UNREAD["sox"]})))


def test_every_exception_is_of_a_container_that_is_tried():
    assert UNPROVABLE.keys() <= CONTAINERS.keys()
    assert not CONTAINERS.keys() & UNREAD.keys()


def test_links_rights_long_paths_and_pipes(tmp_path):
    check(list(torture_ground(bench(tmp_path))))


def test_media_are_read_as_ffmpeg_reads_them(tmp_path):
    names = {
        "bt709.mp4",
        "turned_90.mp4",
        "vfr.mkv",
        "audio_first.mkv",
        "b_frames.avi",
        "wmv2.wmv",
        "5.1.flac",
    }
    clips = [clip for clip in (*VIDEO, *AUDIO) if clip.name in names]
    assert len(clips) == len(names)
    check(list(torture_conformance(bench(tmp_path), clips)))


def test_a_clip_that_is_read_otherwise_is_a_verdict_with_both_numbers(tmp_path):
    clip = next(clip for clip in VIDEO if clip.name == "ffv1.nut")
    if shutil.which("ffmpeg") is None or render(clip, tmp_path) is not None:
        pytest.skip("no ffmpeg, or none that writes FFV1")
    reference = Reference.of(tmp_path / clip.name)
    late = replace(reference, start_s=reference.start_s - 1)
    wrong = [finding for finding in compare_video(late, Kind.VIDEO) if not finding.holds]
    assert [finding.text for finding in wrong] == ["30 of 30 times off, most 1.1600 s, ffprobe 2.1600 s"]
    absent = list(compare_copy(reference, None, []))
    assert [finding.holds for finding in absent] == [False]


def test_mutations_are_repeatable_and_of_every_kind(tmp_path):
    seeds = [("a.png", bytes(range(256)) * 4), ("b.wav", random.Random(0).randbytes(3000))]
    made = [mutant(seeds, number, 3) for number in range(200)]
    assert made == [mutant(seeds, number, 3) for number in range(200)]
    assert made != [mutant(seeds, number, 4) for number in range(200)]
    assert {name.split("-")[1].split(".")[0] for name, _ in made} == {kind.__name__ for kind in MUTATIONS}
    for kind in MUTATIONS:
        assert isinstance(kind(b"", random.Random(1), b""), bytes)


def test_every_seed_is_a_whole_file_to_begin_with(tmp_path, capfd):
    seeds = write_seeds(tmp_path / "seeds")
    assert {path.suffix for path in seeds} >= {
        ".jpg",
        ".png",
        ".gif",
        ".mp4",
        ".mkv",
        ".avi",
        ".wav",
        ".flac",
    }
    arguments = command(square_finder(tmp_path), tmp_path / "seeds", "-o", tmp_path / "out", "--no-annotate")
    assert run_cli([str(argument) for argument in arguments]) == 0, capfd.readouterr().err


def test_remains_tell_a_lost_frame_and_a_part(tmp_path):
    for name, frames in (("a", 10), ("b", 9)):
        (tmp_path / name).mkdir()
        write_clip(tmp_path / name / "x.annotated.mp4", frames=frames)
        (tmp_path / name / "results.jsonl").write_text("{}\n{}\n")
    (tmp_path / "b" / "y.png.part").touch()
    whole, short = remains_of(tmp_path / "a"), remains_of(tmp_path / "b")
    assert whole.differences(whole) == []
    assert short.differences(whole) == ["left over: y.png.part", "frames of x.annotated.mp4 differ"]


def test_a_small_disk_is_mounted_or_says_why_not(tmp_path):
    with small_disk(tmp_path / "disk", size_mib=1) as reason:
        if reason:
            pytest.skip(reason)
        assert os.statvfs(tmp_path / "disk").f_bavail * os.statvfs(tmp_path / "disk").f_frsize <= 2**20
    assert not os.path.ismount(tmp_path / "disk")


def test_the_script_says_what_parts_there_are():
    script = [str(REPOSITORY / "scripts" / "torture"), "nothing"]
    environment = {**os.environ, "PYTHON": sys.executable}
    said = subprocess.run(script, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert said.returncode == 2
    assert "there is no part nothing" in said.stderr
