"""How the installed models would read a stranger's graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mediaml.core.errors import PluginError
from mediaml.onnx.interface import GraphFacts
from mediaml.registry.entry_points import Offer
from mediaml.registry.plugin_errors import describe_error
from mediaml.registry.spec import Reading


@dataclass(frozen=True, slots=True)
class OfferedReading:
    """A reading of a graph, and the model that offers it."""

    model: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class Readings:
    """What all models say of a graph.

    Attributes:
        offered: their readings.
        refusals: what a model said against the file, by the model's name: a description that is wrong.
    """

    offered: tuple[OfferedReading, ...]
    refusals: dict[str, str]


def readings(facts: GraphFacts, offers: Iterable[Offer]) -> Readings:
    """Ask every model that reads strangers' graphs.

    Raises:
        PluginError: a plugin's `read_graph` gave something else than readings.
    """
    offered: list[OfferedReading] = []
    refusals: dict[str, str] = {}
    for offer in offers:
        spec = offer.spec
        if spec.read_graph is None:
            continue
        try:
            found = list(spec.read_graph(facts))
        except Exception as error:  # noqa: BLE001  plugin code may raise anything
            refusals[spec.name] = describe_error(error, [offer.plugin.module])
            continue
        if not all(isinstance(one, Reading) for one in found):
            raise PluginError(f"`read_graph` of model {spec.name!r} must give Readings.")
        offered += [OfferedReading(spec.name, one) for one in found]
    return Readings(tuple(offered), refusals)
