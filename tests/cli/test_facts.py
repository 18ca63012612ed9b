"""`probe`, `doctor`, `plugins`, `status`: what they say is so."""

from __future__ import annotations

import json

from tests.support.media.files import write_sound, write_video


def test_probe_tells_what_the_header_says(mediaml, tmp_path):
    write_video(tmp_path / "clip.mp4", frames=25, width=64, height=48)
    write_sound(tmp_path / "tone.wav", seconds=1.5)
    said = mediaml("probe", "--json", "clip.mp4", "tone.wav")
    clip, tone = map(json.loads, said.out.splitlines())
    assert said.code == 0
    assert (clip["kind"], clip["width"], clip["height"], clip["frame_rate"]) == ("video", 64, 48, "25")
    assert (tone["kind"], tone["sample_rate"], tone["duration_s"]) == ("audio", 16_000, 1.5)
    shown = mediaml("probe", "clip.mp4").out
    assert "64x48" in shown
    assert "1.000 s" in shown


def test_probe_goes_on_after_a_file_that_is_no_media(mediaml, tmp_path):
    (tmp_path / "text.mp4").write_text("a text\n")
    write_sound(tmp_path / "tone.wav", seconds=1.0)
    said = mediaml("probe", "text.mp4", "nowhere.mp4", "tone.wav")
    assert said.code == 1
    assert "tone.wav" in said.out
    assert "text.mp4" in said.err
    assert "nowhere.mp4" in said.err


DEVICES = "devices, with the time of the bundled detector per frame"


def test_doctor_names_what_really_starts(mediaml):
    said = mediaml("doctor")
    assert said.code == 0
    rows = {row["device"]: row for row in json.loads(mediaml("doctor", "--json").out)[DEVICES]}
    assert rows["cpu"]["works"] == "yes"
    assert float(rows["cpu"]["detector"].removesuffix(" ms")) > 0
    assert all(row["works"] == "yes" or row["note"] for row in rows.values())
    for name in ("onnxruntime", "H.264", "AAC", "JPEG", "yolo"):
        assert name in said.out


def test_plugins_info_shows_options_with_types_and_defaults(mediaml):
    said = mediaml("plugins", "info", "yolo")
    conf = next(line for line in said.out.splitlines() if line.strip().startswith("conf"))
    assert "float >= 0 <= 1" in conf
    assert "0.25" in conf
    assert mediaml("plugins", "info", "yolp").code == 4
