"""`--device` and `--precision` as a user meets them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from mediaml.ledger.results import open_results


@pytest.fixture
def picture(tmp_path):
    """A picture to classify."""
    Image.fromarray(np.full((40, 40, 3), 128, np.uint8)).save(tmp_path / "grey.png")
    return tmp_path / "grey.png"


def test_an_exact_run_is_not_satisfied_by_fast_answers(mediaml, picture):
    run = ["run", "-p", "digits", picture, "--device", "cpu", "-v"]
    first = mediaml(*run, "--precision", "fast")
    assert first.code == 0, first.err
    assert "digits.onnx on cpu: runs exactly, nothing faster is used there" in first.err
    assert "already up to date" in mediaml(*run, "--precision", "fast").err
    exact = mediaml(*run)
    assert "1 file done, 1 frame in" in exact.err
    assert "already up to date" not in exact.err
    with open_results("mediaml-out") as results:
        kept = [json.loads(one.options).get("@precision") for one in results.identities("digits")]
    assert sorted(kept, key=str) == [None, "fast"]


def test_a_misspelt_device_is_a_usage_error(mediaml, picture):
    said = mediaml("run", "-p", "digits", picture, "--device", "openvion")
    assert said.code == 2
    assert "unknown device 'openvion'\nmediaml: Did you mean 'openvino'?" in said.err


def test_a_device_that_is_not_here_ends_the_run(mediaml, picture):
    said = mediaml("run", "-p", "digits", picture, "--device", "vitisai")
    assert said.code == 3
    assert "vitisai cannot be used: ONNX Runtime offers no vitisai on this machine, but cpu" in said.err
    assert len(said.err.splitlines()) == 2


def test_one_core_is_enough(mediaml, picture):
    said = mediaml("run", "-p", "digits", picture, "--threads", "1", "--device", "auto", "-q")
    assert (said.code, said.err) == (0, "")
