"""The front ends of other programs as `AudioInput`."""

from __future__ import annotations

from mediaml.core.audio_input import AudioInput

YAMNET = AudioInput(
    window_s=0.975, hop_s=0.48, band=(125.0, 7500.0), scale="htk", triangles="mel", norm="none", power=1,
    offset=0.001, layout="TF",
)  # fmt: skip
LIBROSA = AudioInput(
    sample_rate=22_050, window_s=1.0, hop_s=1.0, fft_s=2048 / 22_050, step_s=512 / 22_050, mels=128,
    band=(0.0, 11_025.0), n_fft=2048, padding="zeros", offset=0.0, floor=1e-10, log="db", top_db=80.0,
)  # fmt: skip
LIBROSA_MAX = AudioInput(
    sample_rate=22_050, window_s=1.0, hop_s=1.0, fft_s=2048 / 22_050, step_s=512 / 22_050, mels=128,
    band=(0.0, 11_025.0), n_fft=2048, padding="zeros", offset=0.0, floor=1e-10, log="db", reference="max",
)  # fmt: skip
LIBROSA_HTK = AudioInput(
    n_fft=512, mels=40, band=(20.0, 7600.0), padding="reflect", taper="hamming", scale="htk", norm="none",
    power=1, offset=0.0, floor=1e-5, log="db", top_db=80.0,
)  # fmt: skip
KALDI = AudioInput(
    mels=80, taper="povey", gain=32_768.0, remove_dc=True, preemphasis=0.97, scale="htk", triangles="mel",
    norm="none", offset=0.0, floor=1.1920929e-07,
)  # fmt: skip


def whisper(mels: int) -> AudioInput:
    """Whisper's: 80 bands, or 128 from large-v3 on."""
    return AudioInput(
        window_s=30.0, hop_s=30.0, mels=mels, band=(0.0, 8000.0), n_fft=400, padding="reflect",
        drop_last=True, offset=0.0, floor=1e-10, log="log10", top_db=80.0, mean=-4.0, std=4.0,
    )  # fmt: skip
