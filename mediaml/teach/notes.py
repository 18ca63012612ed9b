"""What a user should know of a training, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mediaml.core.text import counted
from mediaml.teach.examples import Examples
from mediaml.teach.head import Rows
from mediaml.teach.scores import margin
from mediaml.teach.validation import Validation

_FEW = 20
_UNEVEN = 10


def notes_on(examples: Examples, rows: Rows, found: Validation) -> tuple[str, ...]:
    """What was left out, what is uncertain because examples are few, and what hangs together."""
    return (*examples.notes, *_few(examples, rows, found), *_together(rows), *_uneven(examples))


def _few(examples: Examples, rows: Rows, found: Validation) -> Iterator[str]:
    answer = found.probabilities.argmax(axis=1)
    for one, name in enumerate(examples.classes):
        own = rows.label == one
        groups, files = len(np.unique(rows.group[own])), examples.counts[name]
        if groups < _FEW:
            wide = margin(float((answer[own] == one).mean()), groups)
            different = "" if groups == files else f", {groups} of them different"
            yield (
                f"{name}: {counted(files, 'example')}{different}; its recall is known to "
                f"±{round(100 * wide)} points only, {_FEW} or more would make it a measure"
            )


def _together(rows: Rows) -> Iterator[str]:
    groups, files = len(np.unique(rows.group)), len(np.unique(rows.file))
    if groups < files:
        yield f"{files} files in {counted(groups, 'group')}: near-duplicates are tested together"
    if len(rows) > files:
        yield f"{len(rows)} frames of {counted(files, 'file')}: those of one file are tested together"


def _uneven(examples: Examples) -> Iterator[str]:
    counts = examples.counts
    most, least = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
    if counts[most] >= _UNEVEN * counts[least]:
        yield f"{most}: {counts[most]} examples, {least}: {counts[least]}; look at the balanced accuracy"
