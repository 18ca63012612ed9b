"""What `mediaml train` prints: a bar for each step, and the report as text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mediaml.cli.table import table
from mediaml.core.text import counted, escape_control

if TYPE_CHECKING:
    from mediaml.cli.shell import Shell
    from mediaml.teach.records import Measured, TrainingReport

_BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
_MOST_CLASSES = 12
_MOST_WRONG = 8


class StepBar:
    """A bar per step with the time left on a terminal, else a line when a step begins."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._terminal = sys.stderr.isatty() and not shell.quiet
        self._bar: Any = None
        self._name = ""

    def show(self, name: str, share: float) -> None:
        """So much of a step is done, 0..1."""
        if name != self._name:
            self.close()
            self._name = name
            if not self._terminal:
                self._shell.say(f"{name} ...")
        if not self._terminal:
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=1.0, desc=name, file=sys.stderr, dynamic_ncols=True, bar_format=_BAR)
        self._bar.update(share - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is; closing twice does nothing."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def report_text(report: TrainingReport) -> str:
    """The report in lines."""
    tested = report.validated
    scores = tested.scores
    lines = [
        f"accuracy {_points(scores.accuracy)} ± {_points(scores.margin)} (cross-validation, "
        f"{report.folds} folds, {counted(scores.examples, 'example')} in {counted(scores.groups, 'group')}); "
        f"balanced {_points(scores.balanced_accuracy)}, F1 {scores.f1:.3f}",
        _classes(tested),
    ]
    if len(report.labels) <= _MOST_CLASSES:
        lines.append(_confusion(tested))
    lines += [
        f"below {report.threshold:g} the answer is none of the classes: {_points(scores.answered)} are "
        f"answered, {_points(scores.right_of_answered)} of them right; "
        f"calibration error {scores.calibration_error:.3f}",
        *_forecast(report),
        *_wrong(tested),
        *([_evaluated(report.evaluated)] if report.evaluated else []),
        *(f"note: {escape_control(note)}" for note in report.notes),
        *(f"failed: {escape_control(file)}: {escape_control(why)}" for file, why in report.failed),
    ]
    return "\n".join(lines)


def _points(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _classes(tested: Measured) -> str:
    heads = ["class", "examples", "precision", "recall", "±", "F1", "AUC", "AP"]
    return table(
        heads,
        [
            [
                one.name,
                str(one.examples),
                _number(one.precision),
                _number(one.recall),
                f"{one.margin:.3f}",
                _number(one.f1),
                _number(one.auc),
                _number(one.ap),
            ]
            for one in tested.scores.classes
        ],
    )


def _confusion(tested: Measured) -> str:
    names = [one.name for one in tested.scores.classes]
    rows = [
        [name, *(str(cell) if cell else "·" for cell in row)]
        for name, row in zip(names, tested.scores.confusion, strict=True)
    ]
    return table(["is, answered as", *names], rows)


def _forecast(report: TrainingReport) -> list[str]:
    found = report.forecast
    if found is None:
        return []
    gain = round(100 * found.gain, 1)
    if gain < 0.5:
        return [f"more examples would help little: {gain:+.1f} points expected at {found.examples} per class"]
    return [f"more examples would help: {gain:+.1f} points expected at {found.examples} per class"]


def _wrong(tested: Measured) -> list[str]:
    wrong = [one for one in tested.answers if one.answer != one.label]
    if not wrong:
        return ["no example was answered wrongly"]
    rows = [[one.file, one.label, one.answer, f"{one.score:.2f}"] for one in wrong[:_MOST_WRONG]]
    return [
        f"{counted(len(wrong), 'wrong answer')}, the surest first:",
        table(["file", "is", "answered", "score"], rows),
    ]


def _evaluated(tested: Measured) -> str:
    scores = tested.scores
    head = (
        f"kept apart: accuracy {_points(scores.accuracy)} ± {_points(scores.margin)} of "
        f"{counted(scores.examples, 'example')}; balanced {_points(scores.balanced_accuracy)}, "
        f"F1 {scores.f1:.3f}"
    )
    return f"{head}\n{_classes(tested)}"
