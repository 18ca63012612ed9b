"""Training and evaluation of `financial`: drawings, augmentation, the pool, the shortcuts taken away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageFont

from scripts.evaluation.financial import VARIANTS, Fitted, accuracy, measure_sources, text_pages
from scripts.paths import EXPORTED_MODELS
from scripts.training.financial import canvas as canvas_module
from scripts.training.financial import charts, drawings, sums
from scripts.training.financial.augment import INPUT, augmented
from scripts.training.financial.canvas import new_canvas, number
from scripts.training.financial.charts import chart
from scripts.training.financial.drawings import cut_out, drawing
from scripts.training.financial.pictures import CLOSE_UP, PHOTO_TRAIN, SIDE, SOURCES, close_up, stretched
from scripts.training.financial.tables import receipt, statement

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


@pytest.mark.parametrize("kind", [*drawings.KINDS, *sums.KINDS])
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


@pytest.mark.parametrize("seed", range(4))
def test_a_close_up_is_a_part_of_the_photo(seed: int) -> None:
    part = close_up(np.random.default_rng(seed), PHOTO)
    height, width = part.shape[:2]
    assert min(height, width) >= SIDE // 4
    assert max(height, width) <= SIDE * 2 / 3
    windows = np.lib.stride_tricks.sliding_window_view(PHOTO, part.shape)
    assert (windows[..., :, 0, :] == part[:, 0]).all((3, 4)).any()


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


@pytest.fixture(scope="module")
def backbone():  # type: ignore[no-untyped-def]
    """That of the bundled detector."""
    from scripts.training.financial.net import backbone_of

    return backbone_of(EXPORTED_MODELS / "detector.onnx")


@pytest.mark.train
def test_the_pool_holds_what_the_backbone_sees_and_none_that_is_held_out(backbone, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    import torch

    from scripts.training.financial.features import Extractor
    from scripts.training.financial.pictures import Item
    from scripts.training.financial.pool import VIEWS, build_pool, jobs_of, make_view

    assert sorted([*SOURCES, PHOTO_TRAIN, CLOSE_UP]) == sorted(VIEWS)
    items = [Item(0, PHOTO_TRAIN, PHOTO), Item(1, "receipt", PHOTO), Item(0, "photo_val", PHOTO)]
    extractor = Extractor(backbone, torch.device("cpu"), 1)
    pool = build_pool(items, extractor, tmp_path / "features.npy", 10, 1)
    jobs = jobs_of(items, 10, 1)
    assert len(pool.labels) == len(pool.features) == len(jobs)
    assert "photo_val" not in pool.sources
    assert set(pool.sources[pool.without(["receipt"])]) == set(pool.sources) - {"receipt"}
    view = make_view(jobs[-1], [PHOTO])
    with torch.inference_mode():
        seen = backbone(torch.from_numpy(view).permute(2, 0, 1)[None])[0].numpy()
    np.testing.assert_allclose(pool.features[-1], seen, rtol=1e-3, atol=1e-3)
    again = build_pool(items, extractor, tmp_path / "features.npy", 10, 1)
    np.testing.assert_array_equal(pool.features, again.features)


@pytest.mark.train
def test_a_head_learns_what_tells_sources_apart_and_nothing_of_the_one_left_out() -> None:
    import torch

    from scripts.training.financial.folds import probabilities
    from scripts.training.financial.learning import Recipe, train_head
    from scripts.training.financial.pool import Pool

    rng = np.random.default_rng(0)
    labels = np.repeat(np.array([0, 1, 0]), 200)
    sources = np.repeat(np.array([PHOTO_TRAIN, "receipt", "math_diagram"]), 200)
    features = rng.normal(0, 1, (600, 12)).astype(np.float32)
    features[labels == 1] += 3
    features[400:] += 3  # left out, these look like the others' opposite
    pool = Pool(features, labels, sources)
    head, history = train_head(pool, ["math_diagram"], Recipe(steps=120), torch.device("cpu"))
    answers = probabilities(head, features)
    np.testing.assert_allclose(answers.sum(1), 1, atol=1e-5)
    assert (answers.argmax(1) == labels)[:400].mean() > 0.95
    assert (answers.argmax(1) == labels)[400:].mean() < 0.2
    assert history[-1]["loss"] < history[0]["loss"]
    assert len(history) == 2


@pytest.mark.train
def test_ordinary_pictures_have_their_share(backbone) -> None:  # type: ignore[no-untyped-def]
    from scripts.training.financial.learning import Recipe, weights_of
    from scripts.training.financial.pool import Pool

    labels = np.array([0] * 30 + [1] * 5)
    sources = np.array([PHOTO_TRAIN] * 10 + ["math_diagram"] * 20 + ["receipt"] * 5)
    pool = Pool(np.zeros((35, 2), np.float32), labels, sources)
    weights = weights_of(pool, np.arange(35), Recipe(ordinary=0.7, photos=5.0))
    assert weights[labels == 0].sum() == pytest.approx(0.7)
    photos, others = weights[:10].sum(), weights[10:30].sum()
    assert photos / others == pytest.approx(5 * np.sqrt(10 / 20))


@pytest.mark.train
def test_the_export_equals_the_net_with_the_backbone_in_half_precision(backbone, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    import copy

    import onnx
    import torch

    from scripts.training.financial.export import golden_pictures, ship
    from scripts.training.financial.net import FinancialNet, Head

    torch.manual_seed(0)
    pictures = golden_pictures()
    with torch.inference_mode():
        found = backbone(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    head = Head(found.shape[1], 8)
    head.mean.copy_(found.mean(0))
    # Five drawings alike say little of how features spread; too small a spread would blow up rounding.
    head.spread.copy_(found.std(0) + 0.5)
    net = FinancialNet(copy.deepcopy(backbone), head).eval()
    assert ship(net, pictures, tmp_path / "financial.onnx") < 1e-4
    assert (tmp_path / "financial.golden.npz").is_file()
    kept = {tensor.name for tensor in onnx.load(tmp_path / "financial.onnx").graph.initializer}
    assert any(name.startswith("net.backbone.stages") and name.endswith(".half") for name in kept)
    assert not any("coarse" in name or "fine" in name for name in kept)


@pytest.mark.train
def test_the_baseline_is_the_published_one() -> None:
    import torch

    from scripts.training.financial.net import BaselineNet

    with torch.inference_mode():
        assert BaselineNet().eval()(torch.zeros(1, 3, INPUT, INPUT)).shape == (1, 2)
