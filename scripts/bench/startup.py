"""What do worker processes cost at the start? One picture, by the command and by its parts in one process.

The command starts a worker, and with copies a process that draws, and talks to them; the other way imports
the same modules, loads the same model and commits to the same kind of ledger, without a supervisor. Both in
processes of their own, in turn, several times; compared by medians.

    python -m scripts.bench.startup PICTURE [--rounds 7]
"""

from __future__ import annotations

import argparse
import queue
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any


def in_one_process(picture: Path, output: Path, *, copies: bool) -> None:
    """Answer one picture with the bundled detector without any other process."""
    from mediaml.app.choose import choose_models
    from mediaml.core.media import Kind
    from mediaml.core.work import Job
    from mediaml.ledger.encoding import record_of
    from mediaml.ledger.ledger import Ledger
    from mediaml.ledger.results import open_results
    from mediaml.media.limits import Limits
    from mediaml.onnx.providers import parse_device
    from mediaml.outputs.jsonl import write_results
    from mediaml.outputs.render.annotator import Annotator
    from mediaml.pipeline.inputs import Selection, scan
    from mediaml.pipeline.models import load_model, resolve_model
    from mediaml.pipeline.pipeline import Pipeline
    from mediaml.pipeline.plan import Planner
    from mediaml.registry.entry_points import load_registry

    resolved = resolve_model(choose_models([load_registry().find("yolo")], (), ())[0])
    model = load_model(resolved, parse_device("cpu"), warn=print)
    messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with (
        Ledger(output) as ledger,
        Pipeline(
            [model],
            readers=2,
            limits=Limits(),
            emit=lambda result: messages.put(record_of(result)),
            shrunk=lambda *_: None,
            step=lambda: None,
            crashed=messages.put,
        ) as pipeline,
        open_results(output) as view,
    ):
        models = [(resolved, ledger.add_model(resolved.identity))]
        planner = Planner(ledger, models, kinds=frozenset(Kind), emit=messages.put)
        for job in planner.jobs(scan(Selection((str(picture),)))):
            assert isinstance(job, Job), "name a picture"
            pipeline.submit(partial(pipeline.run, job))
            ledger.commit([messages.get()])
            if copies:
                annotator = Annotator(
                    output,
                    Limits(),
                    slice_s=20.0,
                    began=lambda _: None,
                    settled=messages.put,
                    step=lambda: None,
                )
                annotator.submit(view.source(job.id), output / "copy.jpg")
                messages.get()
                annotator.close()
        write_results(view, output)


def seconds(arguments: list[str]) -> float:
    """How long a Python process with these arguments takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure in turn, and print medians and differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--inside", choices=("copies", "plain"), help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        in_one_process(arguments.picture, arguments.output, copies=arguments.inside == "copies")
        return
    for inside, flag in (("plain", "--no-annotate"), ("copies", "--annotate")):
        taken: dict[str, list[float]] = {"command": [], "one process": []}
        for _ in range(arguments.rounds):
            with tempfile.TemporaryDirectory() as folder:
                run = ["-m", "mediaml", "run", "-q", "-p", "yolo", str(arguments.picture), flag]
                taken["command"].append(seconds([*run, "--device", "cpu", "-o", f"{folder}/a"]))
                own = [__file__, str(arguments.picture), "--inside", inside, "--output", f"{folder}/b"]
                taken["one process"].append(seconds(own))
        medians = {name: statistics.median(values) for name, values in taken.items()}
        difference = medians["command"] - medians["one process"]
        print(f"{inside:<8}", *(f"{name} {median:.2f} s " for name, median in medians.items()))
        print(f"{'':<8} difference {difference:+.2f} s")


if __name__ == "__main__":
    main()
