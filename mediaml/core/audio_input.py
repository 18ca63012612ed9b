"""How models take audio: windows of samples, or log-mel spectrograms of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mediaml.core.errors import require

Features = Literal["log-mel", "waveform"]
Taper = Literal["hann", "hann-symmetric", "hamming", "hamming-symmetric", "povey", "blackman", "rectangular"]


@dataclass(frozen=True, slots=True)
class AudioInput:
    """How a model takes audio: mono, resampled, in overlapping windows, as samples or log-mel spectrograms.

    A window becomes a spectrogram in the order of the fields: spectra, mel bands, logarithm, range and
    normalisation. The defaults below `band` are those of no library; docs/bring-your-own.md lists which ones
    give librosa's, YAMNet's, Whisper's and Kaldi's spectrograms.

    Attributes:
        sample_rate: Hz after resampling.
        window_s, hop_s: seconds of audio in a frame, and between the starts of two frames.
        fft_s, step_s: seconds of the tapered stretch of one spectrum, and between two spectra.
        mels: number of mel bands.
        band: lowest and highest frequency, Hz.
        features: `log-mel` spectrograms, or the `waveform` itself: then of the rest only the normalisation
            counts.
        n_fft: points of the Fourier transform; `None` takes the next power of two.
        padding: `none`: no spectrum reaches over the window's edges. `zeros` and `reflect`: the window is
            padded so on both sides with half of `n_fft`, and spectra are centred on multiples of `step_s`.
        drop_last: whether the last spectrum is dropped, as Whisper does.
        taper: window function of one spectrum; periodic, except `povey` (Kaldi's) and `-symmetric` ones.
        gain: the samples, -1..1, are multiplied by it; Kaldi's take 32768.
        remove_dc, preemphasis: of each stretch before it is tapered, as Kaldi does: whether its mean is taken
            off, and the factor of the sample before that is taken off each.
        power: 2 for power spectra, 1 for magnitude.
        scale: mel scale: `slaney` (Auditory Toolbox) or `htk` (2595 log10(1 + f / 700)).
        triangles: whether the sides of the filters are straight over `hz` (librosa, torchaudio) or over `mel`
            (TensorFlow, Kaldi).
        norm: `slaney`: filters of area 1 over Hz; `none`: of height 1.
        offset: added before the logarithm.
        floor: what is below is raised to it before the logarithm.
        log: `ln`, `log10`, `db` (decibels) or `none`.
        reference: of `db`: 1 where `one`; where `max`, the loudest value of the window, which is then 0 dB.
        top_db: what is further below the window's loudest value, in decibels, is raised to there; `None`:
            nothing is.
        standardise: whether each window is shifted and scaled to mean 0 and variance 1.
        mean, std: (value - mean) / std is what the model gets.
        layout: of a spectrogram given to a graph: `FT` [mels, steps] or `TF` [steps, mels].

    Raises:
        ValueError: when a value makes no sense, or band and lengths do not fit each other.
    """

    sample_rate: int = 16_000
    window_s: float = 1.0
    hop_s: float = 0.5
    fft_s: float = 0.025
    step_s: float = 0.010
    mels: int = 64
    band: tuple[float, float] = (20.0, 8_000.0)
    features: Features = "log-mel"
    n_fft: int | None = None
    padding: Literal["none", "zeros", "reflect"] = "none"
    drop_last: bool = False
    taper: Taper = "hann"
    gain: float = 1.0
    remove_dc: bool = False
    preemphasis: float = 0.0
    power: Literal[1, 2] = 2
    scale: Literal["slaney", "htk"] = "slaney"
    triangles: Literal["hz", "mel"] = "hz"
    norm: Literal["slaney", "none"] = "slaney"
    offset: float = 1e-6
    floor: float = 0.0
    log: Literal["ln", "log10", "db", "none"] = "ln"
    reference: Literal["one", "max"] = "one"
    top_db: float | None = None
    standardise: bool = False
    mean: float = 0.0
    std: float = 1.0
    layout: Literal["FT", "TF"] = "FT"

    def __post_init__(self) -> None:
        require(self.sample_rate > 0, f"sample_rate must be positive, not {self.sample_rate}")
        require(self.window_samples > 0, f"window_s must be positive, not {self.window_s}")
        require(self.hop_s > 0, f"hop_s must be positive, not {self.hop_s}")
        require(self.std > 0, f"std must be positive, not {self.std}")
        if self.features == "log-mel":
            self._check_spectra()

    def _check_spectra(self) -> None:
        require(0 < self.step_s <= self.fft_s <= self.window_s, "need 0 < step_s <= fft_s <= window_s")
        require(self.mels > 0, f"mels must be positive, not {self.mels}")
        low, high = self.band
        require(
            0 <= low < high <= self.sample_rate / 2,
            f"band must be within 0..{self.sample_rate / 2} Hz",
        )
        require(
            self.n_fft is None or self.n_fft >= self.fft_samples,
            f"n_fft must hold fft_s, {self.fft_samples} samples, not {self.n_fft}",
        )
        require(
            self.padding != "reflect" or self.window_samples > self.fft_points // 2,
            "a window that is padded by reflection must be longer than half of n_fft",
        )
        require(self.top_db is None or self.top_db >= 0, f"top_db must not be negative, not {self.top_db}")
        require(self.offset >= 0 and self.floor >= 0, "offset and floor must not be negative")
        require(
            self.log == "none" or self.offset > 0 or self.floor > 0,
            "silence has no logarithm: offset or floor must be positive",
        )
        require(self.reference == "one" or self.log == "db", "reference is for log = db")
        require(self.steps > 0, "no spectrum fits into a window")

    @property
    def window_samples(self) -> int:
        """Samples in one frame's window."""
        return round(self.window_s * self.sample_rate)

    @property
    def hop_samples(self) -> int:
        """Samples between the starts of two frames."""
        return max(1, round(self.hop_s * self.sample_rate))

    @property
    def fft_samples(self) -> int:
        """Samples in the tapered stretch of one spectrum."""
        return round(self.fft_s * self.sample_rate)

    @property
    def fft_points(self) -> int:
        """Points of the Fourier transform: the stretch, zero-padded."""
        return self.n_fft or 1 << (self.fft_samples - 1).bit_length()

    @property
    def step_samples(self) -> int:
        """Samples between two spectra."""
        return max(1, round(self.step_s * self.sample_rate))

    @property
    def steps(self) -> int:
        """Spectra in one window."""
        if self.padding == "none":
            return 1 + (self.window_samples - self.fft_samples) // self.step_samples - self.drop_last
        return 1 + self.window_samples // self.step_samples - self.drop_last

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample as a graph gets it: [samples], [mels, steps] or [steps, mels]."""
        if self.features == "waveform":
            return (self.window_samples,)
        return (self.mels, self.steps) if self.layout == "FT" else (self.steps, self.mels)
