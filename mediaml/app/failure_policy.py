"""How many failures stop a run: `--on-error` and `--max-failures`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from mediaml.core.errors import MediamlError, UsageError

_LEAST_SAMPLE = 20


class TooManyFailures(MediamlError):  # noqa: N818  it is a limit that was reached, not a mistake
    """More files have failed than the policy allows; what is done is kept."""


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """When failures stop a run; `None` means no limit.

    Attributes:
        most: highest tolerated number of failed files.
        share: highest tolerated share of failed files among the settled ones, 0..1; checked from the 20th
            file on, so that one bad file at the start does not end a run.
    """

    most: int | None = None
    share: float | None = None

    @classmethod
    def of(cls, on_error: str, limit: str | None) -> Self:
        """Read `--on-error` (`skip` or `stop`) and `--max-failures` (`N`, `P%` or nothing).

        Raises:
            UsageError: the limit is neither.
        """
        if limit is None:
            return cls(0 if on_error == "stop" else None)
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(%?)", limit.strip())
        if match is None or ("." in match[1] and not match[2]):
            raise UsageError(
                f"--max-failures {limit} is neither a number nor a percentage.", "For example: 5%"
            )
        if match[2]:
            return cls(share=float(match[1]) / 100)
        return cls(int(match[1]))

    def check(self, failed: int, settled: int) -> None:
        """Compare the policy with the failures so far.

        Raises:
            TooManyFailures: there are more failures than the policy allows.
        """
        too_many = self.most is not None and failed > self.most
        too_often = self.share is not None and settled >= _LEAST_SAMPLE and failed > self.share * settled
        if too_many or too_often:
            raise TooManyFailures(
                f"stopped after {failed} of {settled} files failed.",
                "What is done is kept; fix the cause and rerun the same command.",
            )
