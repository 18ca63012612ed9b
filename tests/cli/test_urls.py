"""URLs on the command line: read when they were typed, resumed by their text, and their secrets kept."""

from __future__ import annotations

import socket

import pytest

from tests.support.command_line import results
from tests.support.media.files import write_image, write_square_video
from tests.support.media.streams import over_tcp, streaming
from tests.support.server import serving


@pytest.fixture
def site(tmp_path):
    """Serves `clip.mp4`, `square.png` and, to `user` with the password `secret`, `locked.mp4`."""
    write_square_video(tmp_path / "served.mp4", frames=30)
    write_image(tmp_path / "served.png", 40, 40)
    with serving() as site:
        clip = (tmp_path / "served.mp4").read_bytes()
        site.bodies = dict.fromkeys(("clip.mp4", "locked.mp4", "dead.mp4"), clip)
        site.bodies["square.png"] = (tmp_path / "served.png").read_bytes()
        site.behaviour = {"locked.mp4": ["locked"], "dead.mp4": ["404"]}
        yield site


def run(mediaml, model, *arguments):
    return mediaml("run", "-p", "yolo", "-m", model, *arguments, "--url-timeout", "2")


def test_urls_are_done_once_and_by_name(mediaml, square_finder, site, tmp_path):
    clip, picture, dead = (site.url(name) for name in ("clip.mp4", "square.png", "dead.mp4"))
    said = run(mediaml, square_finder, clip, picture, dead, "served.mp4", "-o", "out")
    assert said.code == 1
    assert "404" in said.err and "3 of 4 files done" in said.err
    assert "no annotated copy of 3 URLs" in said.err
    lines = results(tmp_path / "out")[1:]
    remote = [line for line in lines if line["source"] == clip]
    local = [line for line in lines if line["source"] == "served.mp4"]
    assert len(remote) == 30
    assert [line["detections"] for line in remote] == [line["detections"] for line in local]
    assert (tmp_path / "out/served.annotated.mp4").exists()

    site.asked.clear()
    again = run(mediaml, square_finder, clip, picture, dead, "-o", "out")
    assert "2 already up to date" in again.err
    assert {path for path, _ in site.asked} == {"dead.mp4"}  # what is done is not even asked for
    plan = run(mediaml, square_finder, clip, dead, "-o", "out", "--dry-run")
    assert "done, 30 frames" in plan.out and "retry" in plan.out
    assert "earlier" not in run(mediaml, square_finder, clip, "-o", "out", "--force").err


def test_a_url_of_several_slices_is_not_opened_to_be_drawn_on(mediaml, square_finder, site, tmp_path):
    write_square_video(tmp_path / "long.mp4", frames=550)
    site.bodies["long.mp4"] = (tmp_path / "long.mp4").read_bytes()
    said = run(mediaml, square_finder, site.url("long.mp4"), "-o", "out")
    assert said.code == 0, said.err
    assert len(results(tmp_path / "out")) == 551
    assert site.ranges().count("bytes=0-") == 2  # for its streams, and for its frames


def test_a_list_that_the_user_gives_may_hold_urls(mediaml, square_finder, site, tmp_path):
    (tmp_path / "list").write_text(f"{site.url('clip.mp4')}\nserved.png\n")
    said = run(mediaml, square_finder, "--from-file", "list", "-o", "out")
    assert said.code == 0, said.err
    assert {line["source"] for line in results(tmp_path / "out")[1:]} == {site.url("clip.mp4"), "served.png"}


def test_secrets_are_in_no_output(mediaml, square_finder, site, tmp_path):
    locked = site.url("locked.mp4").replace("://", "://user:secret@")
    wrong = site.url("locked.mp4").replace("://", "://other:secret@")
    dead = site.url("dead.mp4?token=secret")
    said = run(mediaml, square_finder, locked, dead, "-o", "out", "-v", "--debug", "--jsonl", "lines.jsonl")
    assert "1 of 2 files done" in said.err
    refused = run(mediaml, square_finder, wrong, "-o", "out2", "-v")
    assert "401" in refused.err
    plan = run(mediaml, square_finder, locked, "-o", "out", "--dry-run")
    facts, no_facts = mediaml("probe", locked, "--json"), mediaml("probe", wrong)
    assert facts.code == 0 and no_facts.code == 1
    for one in (said, refused, plan, facts, no_facts, mediaml("status", "out")):
        assert "secret" not in one.out + one.err
    for path in tmp_path.rglob("*"):
        assert "secret" not in path.name
        assert not path.is_file() or b"secret" not in path.read_bytes(), path


def test_the_same_url_with_a_new_password_is_the_same_source(mediaml, square_finder, site):
    locked = site.url("locked.mp4").replace("://", "://user:secret@")
    assert run(mediaml, square_finder, locked, "-o", "out").code == 0
    site.asked.clear()
    other = run(mediaml, square_finder, locked.replace("secret", "changed"), "-o", "out")
    assert "1 already up to date" in other.err and not site.asked


def test_no_other_scheme_and_no_local_file_reaches_the_network(mediaml, square_finder, tmp_path):
    write_image(tmp_path / "good.png", 20, 20)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        (tmp_path / "in").mkdir()
        (tmp_path / "in/list.m3u8").write_text(f"#EXTM3U\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n")
        (tmp_path / "in/list.mp4").write_text(f"#EXTM3U\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n")
        (tmp_path / "in/address.txt").write_text(url)
        said = run(mediaml, square_finder, "in/list.m3u8", "in", "good.png", "file:///etc/hosts", "-o", "out")
        assert said.code == 1
        assert "file:// are not supported" in said.err
        assert "1 of 4 files done" in said.err
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_live_stream_is_read_until_its_server_ends_it(mediaml, square_finder, tmp_path):
    write_square_video(tmp_path / "a.ts", frames=30)
    with streaming(over_tcp((tmp_path / "a.ts").read_bytes())) as port:
        url = f"tcp://127.0.0.1:{port}"
        assert run(mediaml, square_finder, url, "-o", "out").code == 0
    frames = [line for line in results(tmp_path / "out")[1:] if line["source"] == url]
    assert len(frames) == 30 and all("detections" in line for line in frames)


def test_urls_and_live_streams_are_sampled_as_they_come(mediaml, square_finder, site, tmp_path):
    clip = site.url("clip.mp4")
    assert run(mediaml, square_finder, clip, "-o", "clip", "--every", "10", "--start", "0.4").code == 0
    assert [line["frame"] for line in results(tmp_path / "clip")[1:]] == [10, 20]
    write_square_video(tmp_path / "a.ts", frames=30)
    with streaming(over_tcp((tmp_path / "a.ts").read_bytes())) as port:
        url = f"tcp://127.0.0.1:{port}"
        assert run(mediaml, square_finder, url, "-o", "live", "--every", "0.4s", "--start", "0.2").code == 0
    times = [line["time_s"] for line in results(tmp_path / "live")[1:]]
    assert times == pytest.approx([0.2, 0.6, 1.0])
