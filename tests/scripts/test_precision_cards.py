"""What the cards of bundled models say of fast precision, and who reads it."""

from __future__ import annotations

import json

import pytest

from mediaml.onnx.selection import LARGEST_LOSS
from mediaml.pipeline.accuracies import measured_accuracies
from mediaml.store.bundled import bundled_model, bundled_names
from scripts.evaluation.precision import METRICS, write_card


def test_all_bundled_models_but_the_backbone_which_only_makes_features_are_measured():
    assert set(bundled_names()) - set(METRICS) == {"backbone"}


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_bundled_model_knows_what_bf16_costs(name):
    [figure] = measured_accuracies(bundled_model(name))
    assert (figure.number_type, figure.metric) == ("bf16", METRICS[name][0])
    assert 0.3 < figure.fast <= 1
    assert figure.loss <= LARGEST_LOSS


def test_another_file_of_the_same_name_has_no_figures(tmp_path):
    other = tmp_path / "detector.onnx"
    other.write_bytes(b"")
    assert measured_accuracies(other) == ()


def test_a_card_keeps_its_form_and_its_other_figures(tmp_path):
    card = tmp_path / "card.json"
    content = {"name": "ü", "fast": {"fp16": {"fast": 0.5}}}
    card.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_card(card, {"bf16": {"fast": 0.4}})
    text = card.read_text(encoding="utf-8")
    assert text.startswith('{\n "name": "ü",\n "fast"')
    assert json.loads(text)["fast"] == {"fp16": {"fast": 0.5}, "bf16": {"fast": 0.4}}
