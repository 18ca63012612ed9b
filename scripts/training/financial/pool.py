"""The pool of training views: the backbone looks at each once; folds differ by what is left out alone."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scripts.training.financial.augment import augmented
from scripts.training.financial.canvas import Picture
from scripts.training.financial.charts import chart
from scripts.training.financial.drawings import cut_out, drawing
from scripts.training.financial.features import Extractor, Features
from scripts.training.financial.pictures import CLOSE_UP, PHOTO_TRAIN, Item, stretched
from scripts.training.financial.tables import receipt, statement

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
    CLOSE_UP: 1,
}
AHEAD = 64
# Drawings made by code: source, label, share of the drawn views, maker.
DRAWN: tuple[tuple[str, int, float, Callable[[np.random.Generator], Picture]], ...] = (
    ("drawn_chart", 1, 0.26, chart),
    ("drawn_table", 1, 0.11, statement),
    ("drawn_receipt", 1, 0.05, receipt),
    ("drawn_other", 0, 0.49, drawing),
)
CUT_OUT_SHARE = 0.09


@dataclass(frozen=True, slots=True)
class Pool:
    """Training views: features float32 [n, features], labels int64 [n], sources [n]."""

    features: Features
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


def build_pool(items: Sequence[Item], extractor: Extractor, path: Path, drawn: int, seed: int) -> Pool:
    """The pool, from the file at `path` or made now, which is minutes."""
    jobs = jobs_of(items, drawn, seed)
    labels = np.array([job.label for job in jobs], np.int64)
    sources = np.array([job.source for job in jobs])
    if not path.is_file():
        scenes = [item.picture for item in items if item.source == PHOTO_TRAIN]
        with ThreadPoolExecutor(1) as drawing:
            # Views are drawn while the backbone looks at those before; not all at once, or they fill memory.
            features = extractor(_ahead(drawing, jobs, scenes), len(jobs))
        part = path.with_suffix(".part.npy")
        np.save(part, features)
        part.replace(path)
    print("views:", dict(Counter(sources.tolist())), flush=True)
    return Pool(np.load(path), labels, sources)


def _ahead(drawing: ThreadPoolExecutor, jobs: Sequence[Job], scenes: Sequence[Picture]) -> Iterator[Picture]:
    """The views of the jobs in order, `AHEAD` of them under way."""
    waiting: deque[Future[Picture]] = deque()
    for job in jobs:
        waiting.append(drawing.submit(make_view, job, scenes))
        if len(waiting) > AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
