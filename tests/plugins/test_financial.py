"""The plugin `financial`: the answer, its score, its options; and real pictures where the assets are."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mediaml.core.errors import ModelError
from mediaml.media.reader import open_reader
from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import Session, open_session
from mediaml.plugin import Kind, Label, LoadContext
from mediaml.store.bundled import bundled_folder, bundled_model
from mediaml_financial import FinancialOptions, mediaml_models
from mediaml_financial.model import FinancialModel
from scripts.paths import DEMO_CLIP


def load(options: FinancialOptions, session: Session | None = None) -> FinancialModel:
    context = LoadContext(
        options=options,
        weights=bundled_model("financial"),
        session_opener=lambda path: session or open_session(path, parse_device("cpu"), threads=1),
        warn=lambda line: None,
    )
    return FinancialModel(context)


@pytest.fixture(scope="module")
def model() -> FinancialModel:
    return load(FinancialOptions())


def answers(model: FinancialModel, path: Path, kind: Kind = Kind.IMAGE) -> list[list[Label]]:
    with open_reader(path, kind) as reader:
        return list(model.predict(list(reader.frames())))  # type: ignore[arg-type]


def bar_chart(path: Path) -> None:
    """A plain bar chart with axes, ticks and numbers."""
    image = Image.new("RGB", (640, 440), "white")
    pen = ImageDraw.Draw(image)
    for tick in range(6):
        y = 380 - tick * 60
        pen.line((60, y, 620, y), (210, 210, 210))
        pen.text((20, y - 6), f"{tick * 20}%", "black")
    for index, value in enumerate((120, 250, 180, 300, 90, 210, 275)):
        left = 80 + index * 76
        pen.rectangle((left, 380 - value, left + 50, 380), (40, 90, 200))
        pen.text((left + 4, 388), f"Q{index + 1} 24", "black")
        pen.text((left + 4, 366 - value), f"{value / 10:.1f}", "black")
    pen.line((60, 40, 60, 380, 620, 380), "black", 2)
    pen.text((200, 12), "Revenue by quarter, million", "black")
    image.save(path)


def test_spec() -> None:
    (spec,) = mediaml_models()
    assert (spec.name, spec.task, spec.weights) == ("financial", "classify", "financial")
    assert spec.kinds == {Kind.IMAGE, Kind.VIDEO}


def test_a_chart_is_financial(model: FinancialModel, tmp_path: Path) -> None:
    bar_chart(tmp_path / "chart.png")
    ((chart,),) = answers(model, tmp_path / "chart.png")
    assert chart.name == "financial"
    assert chart.score > 0.5


def test_a_clip_of_photos_is_ordinary(model: FinancialModel) -> None:
    # Public-domain photographs, see tests/media/README.md.
    clip = DEMO_CLIP
    with open_reader(clip, Kind.VIDEO) as reader:
        frames = list(reader.frames())[::12]
    names = [labels[0].name for labels in model.predict(frames)]  # type: ignore[index, union-attr]
    assert len(names) > 3
    assert names.count("ordinary") >= 0.8 * len(names)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 2))
def test_the_threshold_decides_and_scores_sum_to_one(probability: float, threshold: float, top: int) -> None:
    model = FinancialModel.__new__(FinancialModel)
    model.options, model.labels = FinancialOptions(threshold, top), ("ordinary", "financial")
    model._financial = 1
    labels = model.answer(probability)
    assert len(labels) == top
    assert (labels[0].name == "financial") == (probability >= threshold)
    if top == 2:
        assert labels[0].score + labels[1].score == pytest.approx(1)


def test_golden_file_replays(model: FinancialModel) -> None:
    with np.load(bundled_folder() / "financial.golden.npz") as golden:
        found = model.run(golden["input.pictures"])[0]
        np.testing.assert_allclose(found, golden["output.probabilities"], atol=1e-4)


def test_the_input_is_uint8_and_the_batch_is_free(model: FinancialModel) -> None:
    (pictures,) = model.session.inputs
    assert pictures.dtype == "uint8"
    assert pictures.shape[0] is None
    assert model.session.labels == ("ordinary", "financial")


def test_models_without_the_label_are_refused() -> None:
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value], [answer])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    stranger = open_session(made.SerializeToString(), parse_device("cpu"))
    with pytest.raises(ModelError, match="not two of which one is"):
        load(FinancialOptions(), stranger)


@pytest.mark.parametrize(
    ("archive", "expected"),
    [
        ("financial/candlestick.tar", "financial"),
        ("financial/chart_web.tar", "financial"),
        ("financial/receipt.tar", "financial"),
        ("financial/meme_template.tar", "ordinary"),
        ("detect/val.tar", "ordinary"),
    ],
)
def test_real_pictures(
    model: FinancialModel, assets: Path, tmp_path: Path, archive: str, expected: str
) -> None:
    right = []
    with tarfile.open(assets / "data" / archive) as tar:
        for member in [entry for entry in tar if entry.isfile()][:12]:
            file = tar.extractfile(member)
            assert file is not None
            path = tmp_path / Path(member.name).name
            path.write_bytes(io.BytesIO(file.read()).getvalue())
            right.append(answers(model, path)[0][0].name == expected)
    assert sum(right) >= 11
