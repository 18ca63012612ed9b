"""Whether the output folder already holds all that a run asks for, so that no model need be loaded."""

from __future__ import annotations

from collections.abc import Sequence

from mediaml.app.config import RunConfig
from mediaml.core.work import Source
from mediaml.engine.messages import ModelDevices
from mediaml.ledger.recognise import has_ledger
from mediaml.ledger.results import open_results
from mediaml.pipeline.explain import nothing_left
from mediaml.pipeline.models import ResolvedModel
from mediaml.pipeline.plan import with_digest


def known_devices(
    config: RunConfig, sources: Sequence[Source], models: Sequence[ResolvedModel]
) -> list[ModelDevices] | None:
    """What the ledger knows of the models, where it holds all that is asked for; else `None`."""
    if not has_ledger(config.output):
        return None
    looked_at = (with_digest(source) if config.compare_content else source for source in sources)
    with open_results(config.output, checked=False) as results:
        if not nothing_left(results, looked_at, models, force=config.force):
            return None
        rows = {row.identity: row for row in results.models(current=False)}
        devices = results.latest_header().get("devices", {})
        return [
            ModelDevices(tuple(devices.get(model.spec.name, ())), (), results.classes(rows[model.identity]))
            for model in models
        ]
