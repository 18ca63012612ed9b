"""Training and evaluation of `financial`: drawings, augmentation, the pool, the shortcuts taken away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from evaluation.financial import VARIANTS, Fitted, accuracy, measure_sources, text_pages
from numpy.typing import NDArray
from PIL import ImageFont
from training.financial import canvas as canvas_module
from training.financial import charts, drawings
from training.financial.augment import INPUT, augmented
from training.financial.canvas import new_canvas, number
from training.financial.charts import chart
from training.financial.drawings import cut_out, drawing
from training.financial.pictures import FOLDS, PHOTO_TRAIN, SIDE, Item, stretched
from training.financial.pool import VIEWS, build_pool, jobs_of
from training.financial.tables import receipt, statement

Pictures = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def plain_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own font: the drawings' fonts come with matplotlib, which only the extra `train` brings."""
    monkeypatch.setattr(canvas_module, "font_of", lambda name, size: ImageFont.load_default(size))


PHOTO = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


@pytest.mark.parametrize("make", [chart, statement, receipt, drawing])
@pytest.mark.parametrize("seed", range(3))
def test_drawings_are_pictures_with_something_on_them(make, seed: int) -> None:  # type: ignore[no-untyped-def]
    first, second = (make(np.random.default_rng(seed)) for _ in range(2))
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    assert first.std() > 1
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("kind", charts.KINDS)
def test_every_kind_of_chart_draws(kind) -> None:  # type: ignore[no-untyped-def]
    canvas = new_canvas(np.random.default_rng(1))
    kind(canvas, (40, 40, canvas.width - 20, canvas.height - 30))
    assert canvas.picture().std() > 1


@pytest.mark.parametrize("kind", drawings.KINDS)
def test_every_kind_of_drawing_draws(kind) -> None:  # type: ignore[no-untyped-def]
    canvas = new_canvas(np.random.default_rng(2))
    kind(canvas)
    assert canvas.picture().std() > 0


def test_numbers_look_like_numbers() -> None:
    rng = np.random.default_rng(3)
    assert all(any(letter.isdigit() for letter in number(rng)) for _ in range(50))


def test_cut_outs_show_photos() -> None:
    assert cut_out(np.random.default_rng(4), [PHOTO]).std() > 10


@pytest.mark.parametrize("seed", range(6))
def test_views_have_the_size_of_the_input_and_repeat(seed: int) -> None:
    picture = stretched(chart(np.random.default_rng(seed)))
    first, second = (augmented(np.random.default_rng(seed), picture, [PHOTO]) for _ in range(2))
    assert first.shape == (INPUT, INPUT, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)


def test_the_pool_is_the_same_for_any_number_of_threads(tmp_path: Path) -> None:
    items = [Item(0, PHOTO_TRAIN, PHOTO), Item(1, "receipt", PHOTO), Item(0, "photo_val", PHOTO)]
    pools = []
    for threads in (1, 3):
        work = tmp_path / str(threads)
        work.mkdir()
        pools.append(build_pool(items, work, 10, 1, threads))
    np.testing.assert_array_equal(pools[0].pictures, pools[1].pictures)
    assert "photo_val" not in pools[0].sources
    assert set(pools[0].sources[pools[0].without(["receipt"])]) == set(pools[0].sources) - {"receipt"}
    assert len(pools[0].labels) == len(jobs_of(items, 10, 1))


def test_every_labelled_source_is_left_out_once() -> None:
    left_out = [source for sources in FOLDS.values() for source in sources]
    assert sorted([*left_out, PHOTO_TRAIN]) == sorted(VIEWS)


@pytest.mark.parametrize("name", VARIANTS)
def test_changed_pictures_keep_their_size(name: str) -> None:
    pictures = np.stack([stretched(chart(np.random.default_rng(seed)))[:INPUT, :INPUT] for seed in range(2)])
    changed = VARIANTS[name](pictures)
    assert changed.shape == pictures.shape
    assert changed.dtype == np.uint8
    assert not np.array_equal(changed, pictures)


def test_sources_are_measured_one_by_one() -> None:
    pages = text_pages(2)
    items = Fitted(
        np.concatenate((pages.pictures, pages.pictures)),
        np.array([0, 0, 1, 1]),
        np.array(["a", "a", "b", "b"]),
    )

    def ordinary(pictures: Pictures) -> NDArray[np.float32]:
        return np.tile(np.array([[0.9, 0.1]], np.float32), (len(pictures), 1))

    table = measure_sources(ordinary, items)
    assert table["a"]["accuracy"] == 1.0
    assert table["b"]["accuracy"] == 0.0
    assert accuracy(ordinary(items.pictures), items.labels) == 0.5


@pytest.mark.train
def test_the_export_equals_the_net(tmp_path: Path) -> None:
    import torch
    from training.financial.export import golden_pictures, ship
    from training.financial.net import FinancialNet

    torch.manual_seed(0)
    net = FinancialNet((8, 8, 8, 8, 8, 8, 8, 8)).eval()
    assert ship(net, golden_pictures(), tmp_path / "financial.onnx") < 1e-4
    assert (tmp_path / "financial.golden.npz").is_file()


@pytest.mark.train
def test_the_baseline_is_the_published_one() -> None:
    import torch
    from training.financial.net import BaselineNet

    with torch.inference_mode():
        assert BaselineNet().eval()(torch.zeros(1, 3, INPUT, INPUT)).shape == (1, 2)
