"""All shared media: every file a status, and a second run finds nothing left to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from scripts.reliability.media import command, square_finder
from scripts.reliability.remains import integrity, remains_of, standings, without_status
from scripts.reliability.runs import run
from scripts.reliability.verdict import Bench, Verdict


def torture_real(bench: Bench) -> Iterator[Verdict]:
    """Run both models over the shared media, with annotated copies, twice."""
    case = "all of the shared media"
    if bench.assets is None:
        yield Verdict("real", case, "skipped", "the shared assets are not at hand")
        return
    room = bench.room("real")
    media = bench.assets / "media"
    arguments = command(square_finder(room), media, "-o", "out")
    out = room / "out"
    first = run(arguments, room, timeout_s=4 * bench.timeout_s)
    wrong = first.troubles(0, 1)
    if first.code is None or first.code < 0:
        yield Verdict.of("real", case, wrong, "")
        return
    known = standings(out)
    wrong += [f"no status: {path.name}" for path in without_status(out, known)]
    wrong += integrity(out)
    before = remains_of(out)
    states = Counter(known.values())
    second = run(arguments, room, timeout_s=bench.timeout_s)
    wrong += second.troubles(first.code or 0)
    wrong += [f"second run: {difference}" for difference in remains_of(out).differences(before)]
    detail = f"{states['done']} done, {states['failed']} failed by name, {len(before.copies)} annotated"
    yield Verdict.of(
        "real",
        case,
        wrong,
        f"{detail}; {first.seconds:.0f} s, then {second.seconds:.0f} s; peak memory {first.peak_mib:.0f} MiB",
    )
