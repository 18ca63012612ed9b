"""Training of the digits model: what needs only numpy and OpenCV, and (marked `train`) what needs PyTorch."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mediaml.onnx.providers import parse_device
from mediaml.onnx.replay import replay
from mediaml.onnx.session import open_session
from mediaml.store.bundled import bundled_card, bundled_model, bundled_names
from scripts.paths import EXPORTED_MODELS, REPOSITORY
from scripts.training.digits import glyphs, mnist, scenes

CLASSIC_PARAMETERS = {"mlp": 235_146, "cnn": 93_322}


def test_split_holds_out_other_digits_than_it_teaches() -> None:
    images = np.arange(6_000, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)
    digits = mnist.Digits(images, np.arange(6_000))
    learnt, held = mnist.split(digits, seed=3)
    assert len(held) == mnist.HELD_OUT and len(learnt) == 1_000
    assert not set(learnt.labels) & set(held.labels)
    assert np.array_equal(mnist.split(digits, seed=3)[1].labels, held.labels)


def test_files_that_are_not_mnist_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\0"))
    with pytest.raises(ValueError, match="not the canonical"):
        mnist.read_idx(path)


def test_the_test_digits_are_read_as_published(assets: Path) -> None:
    test = mnist.read_digits(assets / "data" / "mnist", "t10k")
    assert test.images.shape == (10_000, 28, 28)
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_fonts_for_measuring_are_not_those_for_training() -> None:
    assert not set(glyphs.TRAIN_FONTS) & set(glyphs.HELD_OUT_FONTS)


@pytest.mark.parametrize("letter", ["A", "S", "g"])
def test_a_trembling_pen_writes_ink_and_never_twice_the_same(letter: str) -> None:
    random = np.random.default_rng(1)
    first, second = glyphs.written(letter, random), glyphs.written(letter, random)
    assert first.max() == 1.0 and 0.01 < float(first.mean()) < 0.5
    assert not np.array_equal(first, second)


def test_photographs_are_drawn_by_seed() -> None:
    ink = np.zeros((60, 90), np.float32)
    ink[20:40, 30:60] = 1
    first, second = (scenes.photograph(ink, np.random.default_rng(5)) for _ in range(2))
    assert first.dtype == np.uint8 and first.shape == (60, 90)
    assert np.array_equal(first, second)
    assert abs(float(first[25:35, 35:55].mean()) - float(first[:10].mean())) > 20


def test_bundled_graph_takes_any_batch_and_says_what_it_wants() -> None:
    session = open_session(bundled_model("digits"), parse_device("cpu"), threads=1)
    assert session.labels == (*"0123456789", "not a digit")
    assert session.image_input is not None
    assert (session.image_input.width, session.image_input.dtype) == (28, "uint8")
    for count in (1, 3):
        (probabilities,) = session.run({"image": np.zeros((count, 1, 28, 28), np.uint8)})
        assert probabilities.shape == (count, 11)
        assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_bundled_graph_gives_its_golden_answers() -> None:
    path = bundled_model("digits")
    session = open_session(path, parse_device("cpu"), threads=1)
    with np.load(path.with_suffix(".golden.npz")) as golden:
        (answers,) = session.run({"image": golden["input.image"]})
        assert np.abs(answers - golden["output.probabilities"]).max() < 1e-4


def test_the_figure_of_the_card_is_true(assets: Path) -> None:
    """The first 2000 test digits, which every run of the suite can afford."""
    test = mnist.read_digits(assets / "data" / "mnist", "t10k")
    session = open_session(bundled_model("digits"), parse_device("cpu"), threads=1)
    (answers,) = session.run({"image": test.images[:2_000, None]})
    measured = float((answers.argmax(axis=1) == test.labels[:2_000]).mean())
    assert measured == pytest.approx(bundled_card("digits")["metrics"]["accuracy"], abs=0.01)


def test_tables_of_the_docs_are_those_of_the_cards() -> None:
    from scripts.evaluation import tables

    short, long = (
        (REPOSITORY / "docs" / name).read_text(encoding="utf-8") for name in ("models.md", "figures.md")
    )
    cards = tables.cards_in(EXPORTED_MODELS)
    assert set(cards) == set(bundled_names())
    assert all((EXPORTED_MODELS / f"{name}.md").is_file() for name in cards)
    assert tables.regenerated(short, cards) == short, "run `python -m scripts.evaluate --docs`"
    assert tables.figures(cards) == long, "run `python -m scripts.evaluate --docs`"
    for name, card in cards.items():
        assert f"(figures.md#{name})" in short and f"\n## {name}\n" in long
        assert tables.shown(card["goals"][0]["figure"]) in long


def test_a_document_without_marks_is_refused() -> None:
    from scripts.evaluation import tables

    with pytest.raises(ValueError, match="lacks the marks"):
        tables.regenerated("# Models", {})


def test_tables_show_numbers_as_people_read_them() -> None:
    from scripts.evaluation import tables

    shown = [tables.shown(value) for value in (None, True, 235_146, 0.98123, "a|b")]
    assert shown == ["-", "yes", "235 146", "0.9812", "a\\|b"]
    assert tables.records([{"a": 1}, {"b": 2}]).splitlines()[2:] == ["| 1 | - |", "| - | 2 |"]


def test_evaluate_explains_itself() -> None:
    command = [sys.executable, "-m", "scripts.evaluate", "--help"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert "--docs" in answer.stdout


@pytest.mark.train
@pytest.mark.parametrize("name", list(CLASSIC_PARAMETERS))
def test_classic_nets_have_the_published_size(name: str) -> None:
    from scripts.training.digits import nets

    assert nets.parameters_of(nets.NETS[name]()) == CLASSIC_PARAMETERS[name]


@pytest.mark.train
def test_a_stopped_training_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    import torch

    from scripts.training.digits import loop, nets

    def batch(step: int, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        images = torch.rand(8, 1, 28, 28, generator=random)
        return images, torch.eye(11)[torch.arange(8) % 11]

    def train(name: str, *stops: int) -> dict[str, torch.Tensor]:
        for epochs in stops:
            torch.manual_seed(1)
            recipe = loop.Recipe(2, 3, cooling=0.1, average=0.9)
            training = loop.Training(nets.DigitNet(), recipe, tmp_path / name, 1, torch.device("cpu"))
            training.recipe = loop.Recipe(epochs, 3, cooling=0.1, average=0.9)
            net = training.run(batch, lambda _: {})
        return net.state_dict()

    whole, resumed = train("whole.pt", 2), train("parts.pt", 1, 2)
    for name, values in whole.items():
        assert torch.allclose(values.float(), resumed[name].float(), atol=1e-3), name


@pytest.mark.train
def test_the_mean_of_saved_nets_is_the_mean_of_their_weights(tmp_path: Path) -> None:
    import torch

    from scripts.training.digits import loop, nets

    paths = [loop.snapshot(tmp_path / "digits-1.pt", epoch) for epoch in (2, 4)]
    saved = [nets.DigitNet(), nets.DigitNet()]
    for net, path in zip(saved, paths, strict=True):
        torch.save(net.state_dict(), path)
    mean = loop.mean_of(nets.DigitNet(), paths)
    assert not mean.training
    for name, value in mean.state_dict().items():
        first, second = (net.state_dict()[name].float() for net in saved)
        torch.testing.assert_close(value.float(), (first + second) / 2)


@pytest.mark.train
def test_exported_graph_answers_as_pytorch_does(tmp_path: Path) -> None:
    import torch

    from scripts.training import shipping
    from scripts.training.digits import export, graph, nets

    torch.manual_seed(2)
    net = nets.DigitNet()
    for _ in range(3):  # batch norms with statistics of their own
        net(torch.rand(16, 1, 28, 28))
    honest = graph.Probabilities(graph.calibrated(net, 1.3))
    path, golden = tmp_path / "digits.onnx", export.drawn_inputs()
    apart = shipping.ship(graph.graph_of(honest.net), honest, path, real=golden, golden=golden)
    assert apart["probabilities"] < 1e-4
    assert replay(path, path.with_suffix(".golden.npz"), parse_device("cpu")) < 1e-4
    with pytest.raises(ValueError, match="differs from PyTorch: probabilities by"):
        other = graph.Probabilities(graph.calibrated(net, 5.0))
        shipping.ship(graph.graph_of(honest.net), other, path, real=golden, golden=golden)


@pytest.mark.train
def test_a_net_goes_on_from_its_exported_file(tmp_path: Path) -> None:
    import torch

    from scripts.training import shipping
    from scripts.training.digits import batches, export, graph, nets

    torch.manual_seed(2)
    net = nets.DigitNet()
    for _ in range(3):
        net(torch.rand(16, 1, 28, 28))
    shipping.save(graph.graph_of(graph.calibrated(net, 1.0)), tmp_path / "digits.onnx")
    images = batches.to_tensor(export.drawn_inputs()[:, 0], torch.device("cpu"))
    again = graph.restored(tmp_path / "digits.onnx", images)
    with torch.no_grad():
        torch.testing.assert_close(again(images), net.eval()(images), atol=1e-4, rtol=1e-4)
    shipping.save(graph.graph_of(nets.DigitNet(11, (8, 8)).eval()), tmp_path / "other.onnx")
    with pytest.raises(ValueError, match="holds another net"):
        graph.restored(tmp_path / "other.onnx", images)


def test_what_fools_a_net_is_mined_and_bars_are_left_out() -> None:
    from scripts.training.digits import mining

    ring = np.zeros((28, 28), np.uint8)
    ring[6:22, 6:22] = 255
    ring[9:19, 9:19] = 0
    bar = np.zeros((28, 28), np.uint8)
    bar[4:24, 13:15] = 255

    def judge(pictures: np.ndarray) -> np.ndarray:
        table = np.zeros((len(pictures), 11), np.float32)
        table[:, 0], table[:, 10] = (0.95, 0.3, 0.99), (0.05, 0.7, 0.01)
        return table

    found = list(mining.hard(np.stack([ring, ring.T, bar]), judge, 0.02, 9))
    assert [np.flatnonzero(target).tolist() for _, target in found] == [[0, 10], [10]]
    assert found[0][1][10] == pytest.approx(0.9)
    assert list(mining.hard(np.zeros((0, 28, 28), np.uint8), judge, 0.02, 9)) == []


@pytest.mark.train
def test_augmented_digits_stay_pictures() -> None:
    import torch

    from scripts.training.digits.augment import augment

    images = torch.zeros(16, 1, 28, 28)
    images[:, :, 6:22, 12:16] = 1
    seen = augment(images, torch.Generator().manual_seed(1))
    assert seen.shape == images.shape and float(seen.min()) >= 0 and float(seen.max()) <= 1
    assert 0.5 < float(seen.sum() / images.sum()) < 1.6


def test_card_names_its_goals() -> None:
    card = bundled_card("digits")
    assert {"goal", "met", "figure"} <= set(card["goals"][0])
    assert json.dumps(card)
