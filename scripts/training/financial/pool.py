"""The pool of training views: made once, shared by all folds, which differ by what is left out alone."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from training.financial.augment import INPUT, augmented
from training.financial.canvas import Picture
from training.financial.charts import chart
from training.financial.drawings import cut_out, drawing
from training.financial.pictures import PHOTO_TRAIN, Item, stretched
from training.financial.tables import receipt, statement

# Views of a picture of each source; photographs are many, candlesticks few and all alike.
VIEWS = {
    "candlestick": 3,
    "chart_d3_synthetic": 3,
    "chart_web": 3,
    "document_table_page": 4,
    "infographic_chart": 3,
    "receipt": 3,
    "meme_template": 3,
    "math_diagram": 3,
    PHOTO_TRAIN: 1,
}
# Drawings made by code: source, label, share of the drawn views, maker.
DRAWN: tuple[tuple[str, int, float, Callable[[np.random.Generator], Picture]], ...] = (
    ("drawn_chart", 1, 0.34, chart),
    ("drawn_table", 1, 0.14, statement),
    ("drawn_receipt", 1, 0.08, receipt),
    ("drawn_other", 0, 0.36, drawing),
)
CUT_OUT_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Pool:
    """Training views: pictures uint8 [n, INPUT, INPUT, 3] (mapped), labels int64 [n], sources [n]."""

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]
    sources: NDArray[np.str_]

    def without(self, sources: Sequence[str]) -> NDArray[np.int64]:
        """Places of the views that are of none of these sources."""
        return np.flatnonzero(~np.isin(self.sources, sources))


@dataclass(frozen=True, slots=True)
class Job:
    """One view to make: of an item, or of a new drawing."""

    seed: int
    label: int
    source: str
    item: Item | None
    make: Callable[[np.random.Generator], Picture] | None


def jobs_of(items: Sequence[Item], drawn: int, seed: int) -> list[Job]:
    """All views of a pool in an order that does not depend on threads."""
    jobs = [
        Job(0, item.label, item.source, item, None)
        for item in items
        for _ in range(VIEWS.get(item.source, 0))
    ]
    for source, label, share, make in DRAWN:
        jobs += [Job(0, label, source, None, make)] * round(drawn * share)
    scenes = [item.picture for item in items if item.source == PHOTO_TRAIN]
    jobs += [Job(0, 0, "drawn_cut_out", None, lambda rng: cut_out(rng, scenes))] * round(
        drawn * CUT_OUT_SHARE
    )
    return [Job(seed * 1_000_003 + place, *astuple(job)) for place, job in enumerate(jobs)]


def astuple(job: Job) -> tuple[int, str, Item | None, Callable[[np.random.Generator], Picture] | None]:
    """All of a job but its seed."""
    return job.label, job.source, job.item, job.make


def make_view(job: Job, scenes: Sequence[Picture]) -> Picture:
    """The view that the job asks for; the same for the same seed."""
    rng = np.random.default_rng(job.seed)
    picture = job.item.picture if job.item else stretched(job.make(rng)) if job.make else scenes[0]
    return augmented(rng, picture, scenes)


def build_pool(items: Sequence[Item], work: Path, drawn: int, seed: int, threads: int) -> Pool:
    """The pool, from `work` or made now."""
    stem = work / f"pool-{drawn}-{seed}"
    jobs = jobs_of(items, drawn, seed)
    labels = np.array([job.label for job in jobs], np.int64)
    sources = np.array([job.source for job in jobs])
    path = stem.with_suffix(".npy")
    if not path.is_file():
        scenes = [item.picture for item in items if item.source == PHOTO_TRAIN]
        part = stem.with_suffix(".part.npy")
        pictures = np.lib.format.open_memmap(part, "w+", np.uint8, (len(jobs), INPUT, INPUT, 3))
        with ThreadPoolExecutor(threads) as workers:
            views = workers.map(lambda job: make_view(job, scenes), jobs)
            for place, picture in enumerate(tqdm(views, total=len(jobs), desc="views")):
                pictures[place] = picture
        pictures.flush()
        part.replace(path)
    print("views:", dict(Counter(sources.tolist())), flush=True)
    return Pool(np.load(path, mmap_mode="r"), labels, sources)
