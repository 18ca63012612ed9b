"""Torture mediaml: kills, mutated files, a full disk, hostile plugins, moving ground; compare media.

Run it with the Python that has mediaml with its extra `test` installed:

    scripts/torture                       # all parts, in full: about 40 minutes
    scripts/torture kills --kills 20      # one part, shorter
    scripts/torture --seed 7 --files 600 --verdicts verdicts.jsonl

Ends with 1 where something does not hold. docs/reliability.md has the figures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from scripts.paths import find_assets
from scripts.reliability.conformance import torture_conformance
from scripts.reliability.cut import torture_cut
from scripts.reliability.damaged import torture_damaged
from scripts.reliability.disk import torture_disk
from scripts.reliability.ground import torture_ground
from scripts.reliability.interrupted import torture_interrupted
from scripts.reliability.kills import torture_kills
from scripts.reliability.mutants import torture_mutants
from scripts.reliability.network import torture_network
from scripts.reliability.plugins import torture_plugins
from scripts.reliability.real import torture_real
from scripts.reliability.replaced import torture_replaced
from scripts.reliability.surroundings import torture_surroundings
from scripts.reliability.verdict import Bench, Part, Verdict, write_verdicts

PARTS: dict[str, Part] = {
    "kills": torture_kills,
    "interrupted": torture_interrupted,
    "mutants": torture_mutants,
    "damaged": torture_damaged,
    "cut": torture_cut,
    "real": torture_real,
    "conformance": torture_conformance,
    "disk": torture_disk,
    "plugins": torture_plugins,
    "network": torture_network,
    "surroundings": torture_surroundings,
    "replaced": torture_replaced,
    "ground": torture_ground,
}


def arguments() -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all without one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=50, help="kills -9; a fifth as many Ctrl-C")
    parser.add_argument("--files", type=int, default=5000, help="mutated files")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds after which a run hangs")
    parser.add_argument("--folder", type=Path, help="an empty folder to work in; it is kept")
    parser.add_argument("--verdicts", type=Path, help="write all verdicts there, as JSON lines")
    given = parser.parse_args()
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    return given


def tortured(bench: Bench, names: list[str]) -> list[Verdict]:
    """All verdicts of some parts, printed as they come."""
    verdicts = []
    for name in names:
        began = time.monotonic()
        for verdict in PARTS[name](bench):
            print(f"{verdict.outcome:>13}  {name}: {verdict.case}: {verdict.detail}", flush=True)
            verdicts.append(verdict)
        print(f"               {name} took {time.monotonic() - began:.0f} s", flush=True)
    return verdicts


def main() -> int:
    """Run the parts; 1 where something does not hold."""
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="mediaml-torture-") as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        bench = Bench(folder, given.seed, given.kills, given.files, given.timeout, find_assets())
        verdicts = tortured(bench, given.parts or list(PARTS))
    if given.verdicts:
        write_verdicts(verdicts, given.verdicts)
    counts = {
        outcome: sum(v.outcome == outcome for v in verdicts)
        for outcome in ("holds", "does not hold", "skipped")
    }
    print(", ".join(f"{number} {outcome}" for outcome, number in counts.items()) + f"; seed {given.seed}")
    return int(counts["does not hold"] > 0)


if __name__ == "__main__":
    sys.exit(main())
