"""Seeded weights that answer something: layers calibrated on a picture, so that boxes come out of it.

A network with random weights gives the same scores everywhere. Here batch norms take their statistics from
the picture, and the last layer of every head is scaled until its outputs spread as a trained one's do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def calibrate_norms(network: Any, run: Callable[[], Any]) -> None:
    """Let batch norms take their statistics from what `run` shows the network, layer after layer."""
    import torch

    def measure(norm: Any, given: Any) -> None:
        if given[0][0, 0].numel() < 9:
            return  # one pixel has no variance, four have little: dividing by it makes noise large
        norm.running_mean.copy_(given[0].mean((0, 2, 3)))
        norm.running_var.copy_(given[0].var((0, 2, 3), unbiased=False) + 1e-3)

    norms = [module for module in network.modules() if hasattr(module, "running_mean")]
    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()


def spread(layers: Iterable[Any], run: Callable[[], Any], mean: float, deviation: float) -> None:
    """Scale the last layers of heads until their outputs on the picture have this mean and deviation."""
    import torch

    for layer in layers:
        seen: list[Any] = []
        hook = layer.register_forward_hook(
            lambda _module, _given, answer, to=seen: to.append(answer.detach())
        )
        with torch.no_grad():
            run()
            hook.remove()
            if not seen:
                continue
            answers = torch.cat([one.float().flatten() for one in seen])
            scale = deviation / float(answers.std())
            layer.weight.mul_(scale)
            bias = layer.bias if layer.bias is not None else torch.zeros(1)
            shift = mean - float(answers.mean()) * scale
            layer.bias = torch.nn.Parameter(bias * scale + shift)
