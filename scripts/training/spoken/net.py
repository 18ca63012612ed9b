"""The net: a small convolutional network over log-mel spectra that answers at every fourth spectrum."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from scripts.training.spoken.spec import AUDIO_INPUT, CONTEXT, DIGITS, LABELS

# The floor of the log-mel scale, log(1e-6): digital silence. It becomes 0, so that padding is silence.
FLOOR = -13.815510557964274
SPREAD = 6.0


class Block(nn.Sequential):
    """Convolution without padding in time, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=(kernel[0] // 2, 0), bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class SpokenNet(nn.Module):
    """Log-mel float32 [batch, mels, steps] to logits [batch, labels, positions].

    The spectra are padded with silence by the net's context and no layer pads in time, so that an answer
    depends on the sound around its moment alone and not on where a window was cut.
    """

    def __init__(self, width: int = 16, hidden: int = 96, dropout: float = 0.2) -> None:
        super().__init__()
        self.bands = nn.Sequential(
            Block(1, width, (5, 5), (2, 2)),
            Block(width, width, (3, 3), (1, 1)),
            Block(width, 2 * width, (3, 3), (2, 2)),
            Block(2 * width, 2 * width, (3, 3), (1, 1)),
            Block(2 * width, 2 * width, (3, 3), (2, 1)),
        )
        self.time = nn.Sequential(
            nn.Conv1d(2 * width * (AUDIO_INPUT.mels // 8), hidden, 5, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv1d(hidden, hidden, 5, bias=False),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.head = nn.Conv1d(hidden, len(LABELS), 1)

    def forward(self, spectra: Tensor) -> Tensor:
        """Logits [batch, labels, positions] of log-mel spectra [batch, mels, steps]."""
        scaled = (spectra - FLOOR) / SPREAD
        padded = functional.pad(scaled, (CONTEXT, CONTEXT))
        bands = self.bands(padded.unsqueeze(1)).flatten(1, 2)
        logits: Tensor = self.head(self.time(bands))
        return logits


def set_loss(logits: Tensor, allowed: Tensor, smoothing: float = 0.03, digit_weight: float = 2.5) -> Tensor:
    """-log of the probability of the set of right classes, averaged over positions.

    Args:
        logits: [batch, labels, positions].
        allowed: bool of the same shape, true for right classes.
        smoothing: weight of the mean log-probability, which keeps the net from being surer than it can be.
        digit_weight: weight of the few positions at which only a digit is right.
    """
    logs = functional.log_softmax(logits.float(), 1)
    right = torch.logsumexp(logs.masked_fill(~allowed, float("-inf")), 1)
    only_digit = ~allowed[:, DIGITS:].any(1)
    weight = torch.where(only_digit, digit_weight, 1.0)
    loss = -((1 - smoothing) * right + smoothing * logs.mean(1))
    return (weight * loss).sum() / weight.sum()
