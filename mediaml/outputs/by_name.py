"""The outputs that a run can be asked for by name, beside those that it always writes."""

from __future__ import annotations

from mediaml.outputs.base import Output
from mediaml.outputs.export.formats import find_format
from mediaml.outputs.report.report import Report
from mediaml.registry.entry_points import Registry


def output_of(name: str, registry: Registry) -> Output:
    """The output of that name: the report, or a format of exports.

    Raises:
        PluginError: it is that of a plugin that is broken.
        UsageError: there is none; suggests a near name.
    """
    return Report() if name == Report.name else find_format(name, registry)
