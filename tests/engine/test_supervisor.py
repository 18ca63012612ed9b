"""Workers that crash, leave, hang or run out of memory cost what they did, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mediaml.core.media import Kind
from mediaml.engine.local.supervisor import Supervisor
from mediaml.engine.messages import ModelOrder, Setup
from mediaml.engine.timeouts import Timeouts
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.results import open_results
from mediaml.media.limits import Limits
from mediaml.onnx.providers import DeviceRequest
from mediaml.pipeline.inputs import Selection, scan
from mediaml.pipeline.models import Choice, resolve_model
from mediaml.pipeline.plan import Planner
from mediaml.registry.entry_points import load_registry
from tests.support.command_line import results
from tests.support.media.files import write_image, write_video
from tests.support.plugins.strangers import install_plugin

PLUGIN = """
    import os, time
    from dataclasses import dataclass
    from mediaml.plugin import Kind, Label, ModelSpec, hookimpl

    @dataclass(frozen=True, slots=True)
    class Options:
        how: str = ""
        width: int = 0
        after_s: float = 0.0

    class Touchy:
        def __init__(self, context):
            self.options = context.options

        def predict(self, frames):
            hurt = [f for f in frames if f.width == self.options.width and f.time_s >= self.options.after_s]
            if hurt and self.options.how == "crash":
                os.abort()
            if hurt and self.options.how == "leave":
                os._exit(0)
            if hurt and self.options.how == "fail":
                raise ValueError("not this one")
            if hurt and self.options.how == "hang":
                time.sleep(1000)
            if self.options.how == "hungry":
                time.sleep(0.2)  # so that frames gather
            if len(frames) > 2 and self.options.how == "hungry":
                raise MemoryError("no room for so many frames")
            return [Label(f"{len(frames)} at once by {os.getpid()}", 1.0) for _ in frames]

    @hookimpl
    def mediaml_models():
        for name in ("touchy", "tough"):
            yield ModelSpec(name, task="classify", load=Touchy, options=Options)
"""


@pytest.fixture
def media(tmp_path, monkeypatch) -> Path:
    """Nine pictures, one of them 48 pixels wide; and a plugin that can be told to mind that."""
    monkeypatch.syspath_prepend(install_plugin(tmp_path / "site", "touchy", PLUGIN))
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(9):
        write_image(folder / f"{index}.png", 48 if index == 4 else 40, 32)
    return folder


def failures(folder: Path) -> dict[str, dict[str, object]]:
    """The failure of each file that failed, by its name."""
    return {Path(row["source"]).name: row["failure"] for row in results(folder)[1:] if "failure" in row}


@pytest.mark.parametrize(
    ("how", "said", "type_"),
    [
        (
            "crash",
            "was ended by SIGABRT (a library aborted) while touchy was processing a frame",
            "CrashError",
        ),
        ("leave", "exited with code 0 while touchy was processing a frame", "CrashError"),
    ],
)
def test_a_model_that_ends_its_process_costs_its_own_answer(mediaml, media, tmp_path, how, said, type_):
    command = ("run", "-p", "touchy", "-p", "tough", media, "-o", "out", "--device", "cpu")
    ended = mediaml(*command, "-O", f"touchy.how={how}", "-O", "touchy.width=48")
    assert ended.code == 1, ended.err
    failure = failures(tmp_path / "out").pop("4.png")
    assert failure["stage"] == "infer"
    assert failure["type"] == type_
    assert said in failure["message"]
    assert said in ended.err
    answered = [(row["source"], row["model"]) for row in results(tmp_path / "out")[1:] if "labels" in row]
    assert len(answered) == 9 + 8
    assert [model for source, model in answered if source.endswith("4.png")] == ["tough"]


def test_a_model_that_ends_its_process_in_a_bundle_costs_its_own_answer(mediaml, media, tmp_path):
    """Enough small files for bundles, of which one ends the process twice: the others are answered once."""
    for index in range(10, 150):
        write_image(media / f"{index}.png", 48 if index in (90, 91) else 40, 32)
    (media / "4.png").unlink()
    command = ("run", "-p", "touchy", media, "-o", "out", "--device", "cpu")
    ended = mediaml(*command, "-O", "touchy.how=crash", "-O", "touchy.width=48")
    assert ended.code == 1, ended.err
    found = failures(tmp_path / "out")
    assert set(found) == {"90.png", "91.png"}
    assert all("while touchy was processing a frame" in str(one["message"]) for one in found.values())
    answered = [row["source"] for row in results(tmp_path / "out")[1:] if "labels" in row]
    assert len(answered) == len(set(answered)) == 8 + 140 - 2


@pytest.mark.parametrize("width", [40, 48])
def test_a_model_that_fails_in_bundles_ends_with_all_told(mediaml, media, tmp_path, width):
    """Whether all of a bundle fail, in the inference thread and last of all, or one between others."""
    for index in range(10, 150):
        write_image(media / f"{index}.png", 48 if index == 90 else 40, 32)
    command = ("run", "-p", "touchy", media, "-o", "out", "--device", "cpu")
    ended = mediaml(*command, "-O", "touchy.how=fail", "-O", f"touchy.width={width}")
    assert ended.code == 1, ended.err
    found = failures(tmp_path / "out")
    assert len(found) == {40: 9 + 140 - 2, 48: 2}[width]
    assert {one["message"] for one in found.values()} == {"touchy_plugin.py:23: ValueError: not this one"}
    answered = [row["source"] for row in results(tmp_path / "out")[1:] if "labels" in row]
    assert len(answered) == len(set(answered)) == 9 + 140 - len(found)


def test_what_a_video_had_before_its_process_ended_is_kept(mediaml, media, tmp_path):
    write_video(media / "clip.mp4", frames=50 * 25, width=48, height=32)
    ended = mediaml(
        "run", "-p", "touchy", media / "clip.mp4", "-o", "out", "--device", "cpu",
        "-O", "how=crash", "-O", "width=48", "-O", "after_s=45",
    )  # fmt: skip
    assert ended.code == 1
    assert "while touchy was processing a frame at 45.00 s." in ended.err
    times = [row["time_s"] for row in results(tmp_path / "out")[1:] if "labels" in row]
    assert (len(times), times[0], times[-1]) == (40 * 25, 0.0, 40 - 1 / 25)


@pytest.mark.parametrize("option", ["--stall-timeout", "--timeout-per-file"])
def test_a_file_that_takes_too_long_is_given_up(mediaml, media, tmp_path, option):
    ended = mediaml(
        "run", "-p", "touchy", media, "-o", "out", "--device", "cpu", option, "3",
        "-O", "how=hang", "-O", "width=48",
    )  # fmt: skip
    assert ended.code == 1, ended.err
    failure = failures(tmp_path / "out")
    assert set(failure) == {"4.png"}
    assert (failure["4.png"]["stage"], failure["4.png"]["type"]) == ("infer", "TimeLimitError")
    assert option in failure["4.png"]["message"]


STALLING = """
    import time
    from pathlib import Path
    from mediaml.plugin import Label, ModelSpec, hookimpl

    read = Path.read_bytes
    Path.read_bytes = lambda path: time.sleep(1000) if path.name == "4.png" else read(path)

    class Fine:
        def predict(self, frames):
            return [Label("fine", 1.0) for _ in frames]

    @hookimpl
    def mediaml_models():
        yield ModelSpec("fine", task="classify", load=lambda context: Fine())
"""


def test_a_file_whose_reading_stalls_costs_itself(mediaml, media, tmp_path, monkeypatch):
    """As on a network drive that has gone: the plugin makes the whole process read so."""
    monkeypatch.setattr(Path, "read_bytes", Path.read_bytes)
    monkeypatch.syspath_prepend(install_plugin(tmp_path / "stalling", "stalling", STALLING))
    ended = mediaml("run", "-p", "fine", media, "-o", "out", "--device", "cpu", "--stall-timeout", "3")
    assert ended.code == 1, ended.err
    failure = failures(tmp_path / "out")
    assert set(failure) == {"4.png"}
    assert failure["4.png"]["stage"] == "open"
    assert "while the file was being opened" in failure["4.png"]["message"]


def test_a_batch_that_fitted_is_remembered_by_the_next_run(mediaml, media, tmp_path):
    command = ("run", "-p", "touchy", media, "-o", "out", "--device", "cpu", "--batch", "8", "--readers", "1")
    first = mediaml(*command, "-O", "how=hungry")
    assert first.code == 0, first.err
    assert "touchy: out of memory; batch size reduced to 2" in first.err
    again = mediaml(*command, "-O", "how=hungry", "--force")
    assert "memory" not in again.err
    counts = {row["labels"][0]["label"].split()[0] for row in results(tmp_path / "out")[1:]}
    assert counts <= {"1", "2"}


def test_a_worker_that_dies_while_it_loads_ends_the_run(mediaml, media, tmp_path, monkeypatch):
    source = PLUGIN.replace("self.options = context.options", "os.abort()")
    monkeypatch.syspath_prepend(
        install_plugin(tmp_path / "weak", "weak", source.replace('("touchy", "tough")', '("weak",)'))
    )
    ended = mediaml("run", "-p", "weak", media, "-o", "out", "--device", "cpu")
    assert ended.code == 4
    assert "a worker process was ended by SIGABRT (a library aborted) while it loaded the models" in ended.err
    assert not (tmp_path / "out").exists()


def test_an_error_of_loading_keeps_its_exit_code(mediaml, media, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    ended = mediaml("run", "-p", "yolo", "-m", tmp_path / "bad.onnx", media, "-o", "out", "--device", "cpu")
    assert ended.code == 4
    assert "bad.onnx" in ended.err
    assert "Traceback" not in ended.err


def test_two_workers_share_the_files(media, tmp_path):
    choice = Choice(load_registry().find("tough"), None)
    choice = Choice(choice.offer, choice.offer.spec.options())
    model = resolve_model(choice)
    cpu = DeviceRequest("cpu")
    said: list[str] = []
    with Supervisor([cpu, cpu], timeouts=Timeouts(), warn=said.append) as supervisor:
        order = ModelOrder(None, model.identity)
        supervisor.begin(Setup((order,), cpu, 1, 1, 1, Limits(), 20.0, {}))
        facts = supervisor.ready()
        assert [fact.devices for fact in facts] == [()]
        with Ledger(tmp_path / "out") as ledger:
            models = [(model, ledger.add_model(model.identity))]
            planner = Planner(ledger, models, kinds=frozenset(Kind), emit=supervisor.emit)
            for number in range(60):
                write_image(media / f"more{number}.png", 40, 32)
            for _ in supervisor.run(planner.jobs(scan(Selection((str(media),)))), planner):
                ledger.commit(supervisor.take())
    with open_results(tmp_path / "out") as view:
        labels = [frame.prediction.labels for frame in view.frames()]
    assert len(labels) == 69
    assert len({label[0].name for label in labels}) == 2
    assert said == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_killed_run_leaves_no_worker_behind(media, tmp_path):
    command = [
        sys.executable,
        "-m",
        "mediaml",
        "run",
        "-p",
        "touchy",
        str(media),
        "-o",
        str(tmp_path / "out"),
    ]
    command += ["--device", "cpu", "-O", "how=hang", "-O", "width=48"]
    run = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    children = _wait_for(lambda: psutil.Process(run.pid).children())
    _wait_for((tmp_path / "out" / "ledger.sqlite").exists)
    run.send_signal(signal.SIGKILL)
    run.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def _wait_for(ready):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if found := ready():
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")


EMPTY = """
    import numpy as np
    from mediaml.plugin import ModelSpec, Picture, hookimpl

    class Empty:
        def predict(self, frames):
            return [Picture(np.zeros((0, 0, 3), np.uint8)) for _ in frames]

    @hookimpl
    def mediaml_models():
        yield ModelSpec("empty", task="transform", load=lambda context: Empty())
"""


def test_a_picture_that_no_png_holds_fails_its_file(mediaml, media, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(install_plugin(tmp_path / "empty", "empty", EMPTY))
    ended = mediaml("run", "-p", "empty", media / "0.png", "-o", "out", "--device", "cpu")
    assert ended.code == 1, ended.err
    assert failures(tmp_path / "out")["0.png"]["stage"] == "write"
