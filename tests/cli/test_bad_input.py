"""Bad input ends in one or two lines that name the thing and the mend; the other files go on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.command_line import results
from tests.support.media.files import write_square_video


@pytest.fixture
def good(tmp_path):
    """A picture that works, to be run beside what does not."""
    path = tmp_path / "good.png"
    path.write_bytes(cv2.imencode(".png", np.full((40, 40, 3), 255, np.uint8))[1].tobytes())
    return path


def run(mediaml, model, *arguments):
    said = mediaml("run", "-p", "yolo", "-m", model, *arguments)
    assert "Traceback" not in said.err
    return said


def video_without_frames(path):
    """A container with a video stream and not one packet."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()


def truncated(path):
    write_square_video(path, frames=40)
    path.write_bytes(path.read_bytes()[:-200])


def zero_sized_image(path):
    from zlib import crc32

    header = b"IHDR" + (0).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + header + crc32(header).to_bytes(4, "big")
    )


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("missing.mp4", lambda path: None, "no such file"),
        ("empty.mp4", lambda path: path.write_bytes(b""), "is empty"),
        ("text.mp4", lambda path: path.write_text("this is a text\n" * 50), "text.mp4"),
        ("noframes.mp4", video_without_frames, "noframes.mp4"),
        ("cut.mp4", truncated, "cut.mp4"),
        ("zero.png", zero_sized_image, "zero.png"),
        ("half.png", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40), "half.png"),
    ],
)
def test_a_bad_file_is_named_and_the_others_go_on(mediaml, square_finder, good, tmp_path, name, make, says):
    make(tmp_path / name)
    said = run(mediaml, square_finder, name, good.name, "-o", "out")
    assert said.code == 1
    assert says in said.err
    assert name in said.err
    lines = {line["source"]: line for line in results(tmp_path / "out")[1:]}
    assert lines[name]["failure"]["message"]
    assert lines["good.png"]["detections"]
    alone = run(mediaml, square_finder, name, "-o", "out2")
    assert alone.code == (5 if name.startswith("missing") else 1)


def test_what_was_typed_wrong_is_named_with_the_mend(mediaml, square_finder, good, tmp_path):
    (tmp_path / "none.onnx").write_bytes(b"no model")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    model = square_finder
    for code, says, arguments in [
        (4, "Did you mean 'yolo'", ["-p", "yolp", good]),
        (2, "Did you mean 'conf'", ["-p", "yolo", "-m", model, "-O", "yolo.cnf=1", good]),
        (2, "float", ["-p", "yolo", "-m", model, "-O", "yolo.conf=high", good]),
        (2, "square", ["-p", "yolo", "-m", model, "-O", "yolo.classes=sqare", good]),
        (4, "none.onnx", ["-p", "yolo", "-m", "none.onnx", good]),
        (4, "nowhere.onnx", ["-p", "yolo", "-m", "nowhere.onnx", good]),
        (5, "folder", ["-p", "yolo", "-m", model, "folder"]),
        (5, "no such file", ["-p", "yolo", "-m", model, "nothing"]),
        (2, "cannot be created", ["-p", "yolo", "-m", model, good, "-o", "file/out"]),
        (2, "Use auto, cpu, cuda", ["-p", "yolo", "-m", model, good, "--device", "gpu"]),
        (2, "cuda:0,1", ["-p", "yolo", "-m", model, good, "--device", "cuda:0,x"]),
        (2, "no such option", ["-p", "yolo", "--outptu", "x", good]),
        (2, "no input is named", ["-p", "yolo"]),
        (2, "list.txt", ["-p", "yolo", "--from-file", "list.txt"]),
    ]:
        said = mediaml("run", *arguments)
        assert said.code == code, (arguments, said)
        assert says in said.err, (arguments, said)
        assert len(said.err.strip().splitlines()) <= 4
        assert "Traceback" not in said.err


def test_a_model_whose_inputs_do_not_fit_is_refused(mediaml, good, tmp_path):
    from onnx import TensorProto, helper, save

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", values[:1], values[1:])
    save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9),
        tmp_path / "x.onnx",
    )
    said = mediaml("run", "-p", "yolo", "-m", "x.onnx", good)
    assert said.code == 4
    assert "x.onnx" in said.err


def test_cuda_that_is_not_obtained_ends_with_exit_code_3(mediaml, square_finder, good):
    from mediaml.onnx.cuda import cuda_obstacle, has_nvidia_gpu

    if cuda_obstacle() is None:
        said = run(mediaml, square_finder, good, "--device", "cuda", "-v")
        assert "cuda:0" in said.err
        return
    several = run(mediaml, square_finder, good, "--device", "cuda:0,1")
    assert several.code == 3 and "cannot be used" in several.err
    said = run(mediaml, square_finder, good, "--device", "cuda")
    assert said.code == 3
    assert "--device cpu" in said.err
    fallback = run(mediaml, square_finder, good, "--device", "auto", "-q")
    assert fallback.code == 0
    assert fallback.err.count("warning") == int(has_nvidia_gpu())


def test_an_output_folder_that_cannot_be_written(square_finder, good, tmp_path):
    target = "/proc/out"  # not even root may make a folder there
    if not Path("/proc").is_dir():
        (tmp_path / "closed").mkdir(mode=0o500)
        target = str(tmp_path / "closed" / "out")
    command = [sys.executable, "-m", "mediaml", "run", "-p", "yolo", "-m", square_finder, good, "-o", target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert target in done.stderr
    assert "Traceback" not in done.stderr


def test_two_runs_on_one_folder_the_second_is_told(mediaml, square_finder, good, tmp_path):
    from filelock import FileLock

    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".lock"):
        said = run(mediaml, square_finder, good, "-o", "out")
    assert said.code == 2
    assert "another mediaml" in said.err


def test_help_is_quick_and_imports_nothing_heavy():
    code = "import sys; from mediaml.cli.main import run_cli; code = run_cli(sys.argv[1:]); "
    code += "print([m for m in ('cv2', 'av', 'onnxruntime', 'onnx') if m in sys.modules], file=sys.stderr)"
    for arguments in (["--help"], ["run", "--help"], ["plugins", "--help"], ["plugins", "list"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stderr.strip() == "[]", arguments


def test_every_line_of_results_is_json_even_for_odd_names(mediaml, square_finder, good, tmp_path):
    odd = tmp_path / os.fsdecode(b"odd\xff\n\x1b.png")
    odd.write_bytes(good.read_bytes())
    said = run(mediaml, square_finder, tmp_path / "good.png", odd, "-o", "out", "--jsonl", "lines.jsonl")
    assert said.code == 0, said.err
    assert len(results(tmp_path / "out")) == 3
    assert len([json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()]) == 3


def broken_and_good(folder, good, *, bad):
    """`bad` broken pictures that sort before copies of a good one."""
    folder.mkdir()
    for index in range(bad):
        (folder / f"a{index}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    for index in range(30):
        (folder / f"b{index}.png").write_bytes(good.read_bytes())


def test_a_run_stops_when_more_fails_than_is_borne(mediaml, square_finder, good, tmp_path):
    broken_and_good(tmp_path / "in", good, bad=5)
    for limits in (["--on-error", "stop"], ["--max-failures", "3"]):
        said = run(mediaml, square_finder, "in", "-o", f"out{limits[1]}", *limits)
        assert said.code == 1
        assert "stopped after" in said.err
    borne = run(mediaml, square_finder, "in", "-o", "out", "--max-failures", "50%")
    assert "35 files" in borne.err
    assert borne.code == 1
    assert mediaml("run", "-p", "yolo", "in", "--max-failures", "few").code == 2


def test_failures_are_listed_and_go_when_they_are_mended(mediaml, square_finder, good, tmp_path):
    broken_and_good(tmp_path / "in", good, bad=2)
    run(mediaml, square_finder, "in", "-o", "out")
    listed = [json.loads(line) for line in (tmp_path / "out/failures.jsonl").read_text().splitlines()]
    assert [line["source"] for line in listed] == ["in/a0.png", "in/a1.png"]
    assert all(line["stage"] in ("open", "decode") and line["message"] for line in listed)
    status = mediaml("status", "out")
    assert status.code == 0
    assert status.out.splitlines()[1].split()[:3] == ["yolo", "30", "2"]
    for line in listed:
        (tmp_path / line["source"]).write_bytes(good.read_bytes())
    said = run(mediaml, square_finder, "in", "-o", "out", "--retry-failed")
    assert said.code == 0, said.err
    assert not (tmp_path / "out/failures.jsonl").exists()
    assert mediaml("status", "in").code == 2


def test_a_touched_file_is_not_done_again_when_content_tells(mediaml, square_finder, good, tmp_path):
    command = (good.name, "-o", "out", "--hash")
    run(mediaml, square_finder, *command)
    os.utime(good, ns=(1, 1))
    assert "1 already up to date" in run(mediaml, square_finder, *command).err
    good.write_bytes(good.read_bytes() + b"\0")
    assert "earlier" not in run(mediaml, square_finder, *command).err
