"""The graph that ships: the net, softmax, a short average over time, the answer of the window's middle."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mediaml_spoken.peaks import DIGITS, FIRST_OWN, OTHER, OWN, RADIUS
from scripts.training.spoken.net import SpokenNet


class SpokenGraph(nn.Module):
    """Log-mel [batch, mels, steps] to `probabilities` [batch, labels], `track` [batch, positions, labels].

    `track` is what the plugin reads. `probabilities` is the answer of the window's middle 0.2 s on its own:
    the highest row there if it is a peak among its neighbours, else the mean row with the digits' share in
    `other`.
    """

    def __init__(self, net: SpokenNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, spectrogram: Tensor) -> tuple[Tensor, Tensor]:
        """Answer a batch of windows."""
        probabilities = functional.softmax(self.net(spectrogram), 1)
        track = functional.avg_pool1d(probabilities, 3, 1, 1, count_include_pad=False)
        height = track[:, :DIGITS].amax(1)
        own = height[:, FIRST_OWN : FIRST_OWN + OWN]
        around = height[:, FIRST_OWN - RADIUS : FIRST_OWN + OWN + RADIUS]
        rows = track[:, :, FIRST_OWN : FIRST_OWN + OWN]
        best = own.argmax(1, keepdim=True).unsqueeze(1).expand(-1, track.shape[1], -1)
        digit = rows.gather(2, best).squeeze(2)
        mean = rows.mean(2)
        nothing = mean[:, :DIGITS].sum(1, keepdim=True)
        blank = torch.cat(
            (
                torch.zeros_like(mean[:, :DIGITS]),
                mean[:, DIGITS:OTHER],
                mean[:, OTHER : OTHER + 1] + nothing,
            ),
            1,
        )
        peak = (own.amax(1) >= around.amax(1)).unsqueeze(1)
        return torch.where(peak, digit, blank), track.transpose(1, 2)
