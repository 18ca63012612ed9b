"""The spoken-digit model: log-mel windows in, the digits that are centred in them out."""

from __future__ import annotations

from collections.abc import Sequence

from mediaml.plugin import Array, Float32Array, Frame, Label, LoadContext, ModelError, OnnxModel
from mediaml_spoken import AUDIO_INPUT, SpokenOptions
from mediaml_spoken.peaks import own_rows, peaks, rest

TRACK = 1


class SpokenModel(OnnxModel):
    """Answers every window with the digits in its own stretch of time; mostly there is none.

    Raises:
        ModelError: the graph does not answer with a track of probabilities, as `spoken` does.
    """

    input = AUDIO_INPUT

    def __init__(self, context: LoadContext) -> None:
        super().__init__(context)
        outputs = self.session.outputs
        if len(outputs) <= TRACK or len(outputs[TRACK].shape) != 3 or len(self.labels) != 12:
            raise ModelError(
                f"{self.session.name} is not a spoken-digit model of mediaml.",
                "Leave -m out to use the bundled one.",
            )

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> list[list[Label]]:
        """One list of labels per window; see `answer`."""
        tracks = outputs[TRACK]
        return [self.answer(track, frame) for track, frame in zip(tracks, frames, strict=True)]

    def answer(self, track: Float32Array, frame: Frame) -> list[Label]:
        """The digits that a window answers for, in order of time, or what is there instead.

        Args:
            track: float32 [positions, labels].
            frame: the window that it belongs to.
        """
        options: SpokenOptions = self.options
        start, stop = own_rows(len(track), *edges(frame))
        found = [
            Label(self.labels[peak.digit], min(1.0, peak.score))
            for peak in peaks(track, start, stop, options.min_score)
        ]
        if found or not options.all:
            return found
        label, score = rest(track, start, stop)
        return [Label(self.labels[label], score)]


def edges(frame: Frame) -> tuple[bool, bool]:
    """Whether a window is the first and the last of its recording.

    The last one holds less audio than a window, or ends just where the header says that the audio ends. A
    header that is wrong by more than a spectrum's step cannot make a window in the middle the last one by
    much chance.
    """
    length = frame.media.duration_s
    cut_short = frame.duration_s < AUDIO_INPUT.window_s - AUDIO_INPUT.step_s / 2
    fits = length is not None and abs(frame.time_s + AUDIO_INPUT.window_s - length) <= AUDIO_INPUT.step_s
    return frame.index == 0, cut_short or fits
