"""The model's input, its labels, and the grid of moments at which the net answers."""

import numpy as np
from numpy.typing import NDArray

from mediaml.core.audio_input import AudioInput

LABELS = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "silence", "other")
DIGITS, SILENCE, OTHER = 10, 10, 11

# Telephone band: the recordings are sampled at 8 kHz. 256-sample windows every 100 samples; a window of
# sound is 118 spectra, and windows start every 16 spectra.
AUDIO_INPUT = AudioInput(
    sample_rate=8_000, window_s=1.5, hop_s=0.2, fft_s=0.032, step_s=0.0125, mels=40, band=(60.0, 4_000.0)
)

# The net answers at every fourth spectrum and sees 30 spectra (375 ms) to either side.
STRIDE = 4
CONTEXT = 30
POSITION_S = STRIDE * AUDIO_INPUT.step_s
FIRST_S = AUDIO_INPUT.fft_s / 2


def steps_of(samples: int) -> int:
    """Spectra in a recording of that many samples, none of them reaching over its edges."""
    return 1 + (samples - AUDIO_INPUT.fft_samples) // AUDIO_INPUT.step_samples


def positions_of(steps: int) -> int:
    """Positions at which the net answers for that many spectra."""
    return (steps - 1) // STRIDE + 1


def position_times(samples: int) -> NDArray[np.float64]:
    """Seconds of the positions in a recording of that many samples."""
    return FIRST_S + POSITION_S * np.arange(positions_of(steps_of(samples)), dtype=np.float64)
