"""How the memory of a run is divided among its processes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mediaml.core.errors import UsageError
from mediaml.core.worker_memory import WorkerMemory
from mediaml.media.limits import Limits, machine_memory

MIB = 1 << 20
# What the processes take before they open a file, as measured: run, worker with a small model, renderer.
RUN_BYTES, WORKER_BYTES, RENDERER_BYTES = 48 * MIB, 176 * MIB, 112 * MIB
# The least that is left for media, in each worker and in the renderer.
LEAST_MEDIA_BYTES = 64 * MIB
# One reader of a worker for each of these, of what its decoders may take.
READER_BYTES = 32 * MIB
MOST_DECODER_BYTES = 128 * MIB
UNKNOWN_MACHINE = 4 << 30
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


@dataclass(frozen=True, slots=True)
class MemoryShares:
    """The parts of a run's memory, bytes.

    Attributes:
        worker: of each worker, for what its frames and images take.
        decoder: of each video decoder, for the frames in its threads.
        readers: files that each worker decodes at once.
        renderer: for decoding and drawing one image; 0 where nothing is drawn.
    """

    worker: WorkerMemory
    decoder: int
    readers: int
    renderer: int

    def reading(self, limits: Limits) -> Limits:
        """The limits on a file that a worker reads."""
        return self._bounded(limits, self.worker.pictures)

    def drawing(self, limits: Limits) -> Limits:
        """The limits on a file that is drawn; an image is copied once for that."""
        return self._bounded(limits, self.renderer // 2 or self.worker.pictures)

    def _bounded(self, limits: Limits, picture: int) -> Limits:
        return replace(
            limits,
            decoded_bytes=min(limits.decoded_bytes or picture, picture),
            decoder_bytes=min(limits.decoder_bytes, self.decoder),
        )


def divide_memory(memory: int, *, workers: int, readers: int, renders: bool) -> MemoryShares:
    """Divide the memory of a run.

    What the processes take by themselves comes first. A quarter of the rest goes to the renderer, if there is
    one. Each worker has an equal part of the others: half for images that are being decoded, a quarter for
    frames in flight, and a quarter for its video decoders.

    Args:
        memory: bytes, for all processes together; a model's own memory is not counted.
        workers: number of worker processes.
        readers: files that a worker decodes at once; fewer where memory is short.
        renders: whether annotated copies are rendered.

    Raises:
        UsageError: that is too little.
    """
    least = least_memory(workers, renders)
    if memory < least:
        raise UsageError(
            f"--memory {shown_size(memory)} is too little: this run needs {shown_size(least)}.",
            "Allow more" + (", or leave out annotated copies with --no-annotate." if renders else "."),
        )
    rest = memory - RUN_BYTES - workers * WORKER_BYTES - (RENDERER_BYTES if renders else 0)
    renderer = max(LEAST_MEDIA_BYTES, rest // 4) if renders else 0
    each = (rest - renderer) // workers
    count = max(1, min(readers, each // 4 // READER_BYTES))
    decoder = min(MOST_DECODER_BYTES, each // 4 // count)
    return MemoryShares(WorkerMemory(each // 2, each // 4), decoder, count, renderer)


def least_memory(workers: int, renders: bool) -> int:
    """The least that a run can be given, bytes; see `divide_memory`."""
    drawing = (RENDERER_BYTES + LEAST_MEDIA_BYTES) if renders else 0
    return RUN_BYTES + workers * (WORKER_BYTES + LEAST_MEDIA_BYTES) + drawing


def shares_of(memory: int | None, *, workers: int, readers: int, renders: bool) -> MemoryShares:
    """`divide_memory`, by default of half of the memory that the machine or its container has."""
    if memory is None:
        half = (machine_memory() or UNKNOWN_MACHINE) // 2
        memory = max(half, least_memory(workers, renders))
    return divide_memory(memory, workers=workers, readers=readers, renders=renders)


def parse_size(text: str) -> int:
    """Read a size in bytes: a number, with k, M, G or T for powers of 1024, such as `800M` or `1.5G`.

    Raises:
        UsageError: it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if match is None or not float(match[1]):
        raise UsageError(f"{text!r} is not a size.", "Write it in bytes, or as in 800M or 2G.")
    return int(float(match[1]) * UNITS[match[2]])


def shown_size(size: int) -> str:
    """A size in MiB, rounded up, as `parse_size` reads it."""
    return f"{-(-size // MIB)}M"
