"""Copies in which detections are hidden: no frame shows them, whatever the model missed, in any slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from mediaml.core.errors import MediaError
from mediaml.core.frame import Frame
from mediaml.core.prediction import Box, Detection, Label, Prediction
from mediaml.ops.look import Look
from mediaml.outputs.render.job import RenderJob
from tests.support.media.annotated_clips import pictures_of
from tests.support.media.noisy_square import BACK, detail, found_square, square_box, write_noisy_clip
from tests.support.output_folder import FRAMES, House


@pytest.fixture
def noisy(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, write_noisy_clip(tmp_path / "clip.mp4", FRAMES))
    yield made
    made.ledger.close()


def blurred(house: House, *, style: str = "blur", hold_s: float = 0.2, audio: bool = True) -> Path:
    look = Look((style,), margin=0.1, hold_s=hold_s)
    with house.artist(job=RenderJob(look, audio=audio)) as artist:
        artist.finish(house.row, house.target)
    return house.target


def shown(house: House) -> list[int]:
    """The frames of the copy on which a tenth of the square's detail is left."""
    before, after = pictures_of(house.given.path), pictures_of(house.target)
    assert len(before) == len(after) == FRAMES
    boxes = [square_box(index) for index in range(FRAMES)]
    kept = [detail(b, box) / detail(a, box) for a, b, box in zip(before, after, boxes, strict=True)]
    return [index for index, share in enumerate(kept) if share > 0.1]


@pytest.mark.parametrize("style", ["blur", "pixelate"])
def test_no_frame_shows_what_was_detected_and_the_rest_is_as_it_was(noisy: House, style: str) -> None:
    noisy.answer(noisy.model("faces"))
    noisy.answer(noisy.model("one"), found_square)
    target = blurred(noisy, style=style)
    assert shown(noisy) == []
    back = Box(*map(float, BACK))
    for before, after in zip(pictures_of(noisy.given.path), pictures_of(target), strict=True):
        assert detail(after, back) > 0.8 * detail(before, back)


def missing(*frames: int, late_from: int = 0) -> object:
    def answer(frame: Frame) -> Prediction:
        number = round(frame.time_s * 25)
        return found_square(frame) if number >= late_from and number not in frames else Prediction()

    return answer


def test_frames_on_which_a_model_missed_it_are_hidden_too_across_slices(noisy: House) -> None:
    # Slices begin at frames 10, 20 and 30.
    noisy.answer(noisy.model("one"), missing(5, 9, 10, 11, 20, 29, 30, 39))  # type: ignore[arg-type]
    blurred(noisy)
    assert shown(noisy) == []


def test_without_hold_a_missed_frame_shows_it(noisy: House) -> None:
    noisy.answer(noisy.model("one"), missing(15))  # type: ignore[arg-type]
    blurred(noisy, hold_s=0.0)
    assert shown(noisy) == [15]


def test_what_comes_later_is_hidden_before(noisy: House) -> None:
    def still(frame: Frame) -> Prediction:
        found = frame.time_s >= 0.79
        return Prediction(detections=(Detection(Label("x", 0.9), Box(4, 4, 40, 30)),) if found else ())

    noisy.answer(noisy.model("one"), still)
    blurred(noisy, hold_s=0.3)
    back = Box(*map(float, BACK))
    kept = [detail(image, back) > 150 for image in pictures_of(noisy.target)]
    assert kept == [True] * 13 + [False] * 27


def test_a_frame_without_results_ends_it(noisy: House) -> None:
    model = noisy.model("one")
    for number in (0, 1, 3):
        noisy.answer(model, found_square, only=number)
    with pytest.raises(MediaError, match=r"no results for the frame at 0\.8"):
        blurred(noisy)
    assert not noisy.target.exists()
    assert "000002.json" not in noisy.segments


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        stream = next(one for one in container.streams if one.type == kind)
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def test_audio_is_copied_bit_for_bit_or_left_out(noisy: House) -> None:
    noisy.answer(noisy.model("one"), found_square)
    assert packets(blurred(noisy), "audio") == packets(noisy.given.path, "audio")
    with av.open(str(blurred(noisy, audio=False))) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_another_look_renders_the_segments_again_and_the_same_one_does_not(noisy: House) -> None:
    noisy.answer(noisy.model("one"), found_square)
    blurred(noisy)
    before = noisy.segments
    blurred(noisy)
    assert noisy.segments == before
    blurred(noisy, hold_s=0.3)
    assert all(noisy.segments[name] != when for name, when in before.items())


def test_tags_of_the_source_are_not_in_a_blurred_copy(tmp_path: Path) -> None:
    plain = write_noisy_clip(tmp_path / "plain.mp4", FRAMES)
    tagged = tmp_path / "tagged.mp4"
    with av.open(str(plain)) as source, av.open(str(tagged), "w") as output:
        output.metadata.update({"title": "Anna at home", "location": "+52.5200+013.4050/"})
        streams = {one.index: output.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
    house = House(tmp_path, tagged)
    house.answer(house.model("one"), found_square)
    with house.artist() as artist:
        artist.finish(house.row, house.target)
    with av.open(str(tagged)) as container:
        assert container.metadata["location"].startswith("+52.52")
    assert b"Anna" in house.target.read_bytes()
    blurred(house)
    assert b"Anna" not in house.target.read_bytes()
    with av.open(str(house.target)) as container:
        ours = {"major_brand", "minor_version", "compatible_brands", "encoder"}
        assert container.metadata.keys() <= ours
    house.ledger.close()


def test_heat_grows_over_the_slices_and_is_the_same_after_a_resume(noisy: House) -> None:
    noisy.answer(noisy.model("one"), found_square)
    job = RenderJob(Look(("heatmap",)))
    with noisy.artist(job=job) as artist:
        artist.finish(noisy.row, noisy.target)
    whole = noisy.target.read_bytes()
    pictures = pictures_of(noisy.target)
    coloured = [int((np.ptp(image.astype(int), axis=2) > 40).sum()) for image in pictures]
    assert coloured[-1] > coloured[20] > coloured[5] > 0
    for number in (1, 3):
        (noisy.ledger.folder / ".segments" / str(noisy.id) / f"{number:06}.json").unlink()
    with noisy.artist(job=job) as artist:
        artist.finish(noisy.row, noisy.target)
    assert noisy.target.read_bytes() == whole


def test_trails_go_on_over_the_ends_of_slices(noisy: House) -> None:
    def tracked(frame: Frame) -> Prediction:
        (found,) = found_square(frame).detections
        return Prediction(detections=(replace(found, track=7),))

    noisy.answer(noisy.model("one"), tracked)
    look = Look(("trails",), trail_s=0.3, colors=(("person", (0, 0, 255)),))
    with noisy.artist(job=RenderJob(look)) as artist:
        artist.finish(noisy.row, noisy.target)
    blue = [int(((image[..., 2] > 150) & (image[..., 0] < 90)).sum()) for image in pictures_of(noisy.target)]
    assert blue[0] == 0
    assert all(count > 40 for count in blue[5:24])
