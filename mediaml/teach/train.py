"""A training from examples to an ONNX file: features, cross-validation, head, measures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mediaml.core.atomic_file import write_atomically
from mediaml.core.errors import UsageError
from mediaml.core.media import Kind
from mediaml.core.text import counted
from mediaml.teach.answers import tested
from mediaml.teach.augment import Augmentation, write_copies
from mediaml.teach.backbone import Backbone, find_backbone
from mediaml.teach.calibration import softmax, threshold_of
from mediaml.teach.compose import Trained, compose
from mediaml.teach.examples import Examples, collect, refuse_contradictions
from mediaml.teach.features import Features, Surroundings, features_of
from mediaml.teach.forecast import forecast
from mediaml.teach.groups import groups_of
from mediaml.teach.head import Head, Rows, require_scikit_learn
from mediaml.teach.notes import notes_on
from mediaml.teach.records import Measured, Step, TrainConfig, TrainingReport
from mediaml.teach.validation import Validation, final_head, validate

FEATURES, COPIES = "features", "copies"
MOST_AUGMENTED = 2000
"""Examples beyond which changed copies bring too little for their time."""


@dataclass(frozen=True, slots=True)
class _Material:
    """Examples with their vectors; `rows` holds those of changed copies behind the others."""

    examples: Examples
    features: Features
    rows: Rows

    @property
    def originals(self) -> Rows:
        return self.rows.of(~self.rows.copy)


def train(config: TrainConfig, around: Surroundings, step: Step) -> TrainingReport:
    """Train, measure, and write the ONNX file; it is there in whole or not at all.

    Args:
        step: called with what is being done.

    Raises:
        UsageError: the examples cannot be learned from, or scikit-learn is missing.
        MediamlError: the backbone is not one, no file can be read, or the output cannot be written.
        KeyboardInterrupt: what is done stays in `config.work`; the same call goes on from there.
    """
    began = time.monotonic()
    require_scikit_learn()
    examples = collect(config.examples, most=config.most, seed=config.seed, omit=config.work)
    refuse_contradictions(examples.items)
    apart = _apart(config, examples)
    backbone = find_backbone(
        config.backbone, examples.kind, config.work, around.watcher, offline=around.offline
    )
    material = _material(config, examples, backbone, around, step)
    _refuse_single_groups(material.originals, examples)
    classes = len(examples.classes)
    found = validate(material.rows, classes, config.weighting, config.seed, partial(step, "testing"))
    head = final_head(material.rows, classes, config.weighting, config.seed, found)
    originals = material.originals
    threshold = config.threshold
    if threshold is None:
        threshold = threshold_of(found.probabilities, originals.label)
    report = TrainingReport(
        output=config.output,
        backbone=backbone.name,
        kind=examples.kind,
        labels=examples.classes,
        counts=examples.counts,
        copies=int(material.rows.copy.sum()),
        folds=int(found.fold.max()) + 1,
        validated=_tested(material, found.probabilities, threshold),
        evaluated=_evaluated(apart, examples, backbone, head, threshold, config, around),
        curve=found.curve,
        forecast=forecast(found.curve),
        temperature=found.temperature,
        strength=found.strength,
        threshold=threshold,
        notes=notes_on(examples, originals, found),
        failed=tuple((examples.items[i].shown, why) for i, why in material.features.failed.items()),
        seconds=time.monotonic() - began,
        seed=config.seed,
    )
    write_atomically(config.output, compose(backbone, head, _facts(report, found)))
    return report


def _apart(config: TrainConfig, examples: Examples) -> Examples | None:
    """The set that is kept apart.

    Raises:
        UsageError: it has other classes, is of another kind, or shares a file with the examples.
    """
    if config.evaluate is None:
        return None
    apart = collect(config.evaluate)
    strange = sorted(set(apart.classes) - set(examples.classes))
    if strange or apart.kind is not examples.kind:
        what = f"class {strange[0]!r}" if strange else "another kind of media"
        raise UsageError(
            f"{config.evaluate} has {what}, which {config.examples} has not.", "Test what is taught."
        )
    known = {item.path for item in examples.items}
    both = [item.shown for item in apart.items if item.path in known]
    if both:
        raise UsageError(
            f"{counted(len(both), 'file')} both learned and tested: {both[0]}.", "Keep them apart."
        )
    return apart


def _material(
    config: TrainConfig, examples: Examples, backbone: Backbone, around: Surroundings, step: Step
) -> _Material:
    """Vectors of the examples and of their changed copies."""
    paths = [item.path for item in examples.items]
    folder = config.work / FEATURES
    features = features_of(paths, backbone, folder, around)
    labels = np.array([examples.classes.index(item.label) for item in examples.items], dtype=np.int64)
    groups = groups_of(features.vectors, features.file, config.alike)
    own = np.zeros(len(groups), dtype=bool)
    rows = Rows(features.vectors, labels[features.file], groups, features.file, own)
    how = _augmentation(config, examples)
    pictures = [i for i in np.unique(features.file).tolist() if examples.items[i].kind is Kind.IMAGE]
    if not how.copies or not how.changes or not pictures:
        return _Material(examples, features, rows)
    owners = write_copies([paths[i] for i in pictures], config.work / COPIES, how, partial(step, "copying"))
    made = features_of(list(owners), backbone, folder, around)
    place = {path: index for index, path in enumerate(paths)}
    of_copy = np.array([place[owner] for owner in owners.values()], dtype=np.int64)[made.file]
    group_of_file = dict(zip(features.file.tolist(), groups.tolist(), strict=True))
    copied = Rows(
        made.vectors,
        labels[of_copy],
        np.array([group_of_file[int(one)] for one in of_copy], dtype=np.int64),
        of_copy,
        np.ones(len(of_copy), dtype=bool),
    )
    return _Material(examples, features, rows.joined(copied))


def _augmentation(config: TrainConfig, examples: Examples) -> Augmentation:
    if config.augmentation is not None:
        return config.augmentation
    copies = Augmentation().copies if len(examples.items) <= MOST_AUGMENTED else 0
    return Augmentation(copies=copies, seed=config.seed)


def _refuse_single_groups(rows: Rows, examples: Examples) -> None:
    for one, name in enumerate(examples.classes):
        count = len(np.unique(rows.group[rows.label == one]))
        if count == 0:
            raise UsageError(f"no file of class {name!r} could be read.", "`mediaml probe` says why.")
        if count == 1:
            raise UsageError(
                f"all examples of class {name!r} are near-duplicates of one another: it cannot be tested.",
                "Add others, or tell them apart with a higher --alike.",
            )


def _tested(material: _Material, probabilities: NDArray[np.float64], threshold: float) -> Measured:
    originals = material.originals
    return tested(material.examples, material.features, originals, probabilities, threshold)


def _evaluated(
    apart: Examples | None,
    examples: Examples,
    backbone: Backbone,
    head: Head,
    threshold: float,
    config: TrainConfig,
    around: Surroundings,
) -> Measured | None:
    """The measures of the final head on the set that was kept apart."""
    if apart is None:
        return None
    apart = Examples(apart.items, examples.classes, apart.kind, apart.notes)
    features = features_of([item.path for item in apart.items], backbone, config.work / FEATURES, around)
    labels = np.array([examples.classes.index(item.label) for item in apart.items], dtype=np.int64)
    groups = groups_of(features.vectors, features.file, config.alike)
    rows = Rows(
        features.vectors, labels[features.file], groups, features.file, np.zeros(len(groups), dtype=bool)
    )
    return tested(apart, features, rows, softmax(head.logits(features.vectors)), threshold)


def _facts(report: TrainingReport, found: Validation) -> Trained:
    scores = report.validated.scores
    return Trained(
        report.labels,
        report.threshold,
        report.output.stem,
        {
            "backbone": report.backbone,
            "examples": dict(report.counts),
            "copies": report.copies,
            "folds": report.folds,
            "accuracy": round(scores.accuracy, 4),
            "balanced_accuracy": round(scores.balanced_accuracy, 4),
            "temperature": round(found.temperature, 4),
            "strength": found.strength,
            "seed": report.seed,
        },
    )
