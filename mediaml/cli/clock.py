"""Human-readable times."""

from __future__ import annotations


def clock(time_s: float, decimals: int = 0) -> str:
    """Hours, minutes and seconds: `0:01:02`, or `0:01:02.50` with two decimals."""
    minutes, seconds = divmod(round(max(0.0, time_s), decimals), 60)
    hours, minutes = divmod(int(minutes), 60)
    width = 2 if decimals == 0 else 3 + decimals
    return f"{hours}:{minutes:02d}:{seconds:0{width}.{decimals}f}"


def roughly(seconds: float) -> str:
    """A duration that is only estimated: `about 40 s`, `about 4 min`, `about 2.5 h`."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
