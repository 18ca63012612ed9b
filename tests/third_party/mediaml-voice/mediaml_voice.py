"""`voice`: how likely it is that somebody speaks, every 32 ms, by Silero VAD, a graph with a state."""

import numpy as np

from mediaml.plugin import AudioInput, Kind, Label, ModelSpec, hookimpl

WINDOWS = AudioInput(sample_rate=16_000, window_s=0.032, hop_s=0.032, features="waveform")


class Voice:
    def __init__(self, context):
        self.session = context.open_session()
        self.states = {}

    def predict(self, frames):
        return [Label("speech", self.heard(frame)) for frame in frames]

    def heard(self, frame):
        here = (frame.media.path, frame.track, round(frame.time_s, 3))
        fresh = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32)
        state, before = self.states.pop(here, fresh)
        samples = np.concatenate((before, frame.samples))[None]
        score, state = self.session.run({"input": samples, "state": state, "sr": np.array(16_000)})
        following = (frame.media.path, frame.track, round(frame.time_s + WINDOWS.hop_s, 3))
        self.states[following] = state, frame.samples[-64:]
        if len(self.states) > 64:  # of files that have ended, the oldest is forgotten
            self.states.pop(next(iter(self.states)))
        return float(score[0, 0])


@hookimpl
def mediaml_models():
    yield ModelSpec("voice", task="classify", load=Voice, kinds=frozenset({Kind.AUDIO}), audio=WINDOWS)
