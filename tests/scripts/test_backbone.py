"""The sets that the backbone is measured on, and its network against the published one's shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from mediaml.store.bundled import bundled_card, bundled_folder, bundled_model
from scripts.evaluation.class_folders import MOST, write_set


def test_a_set_is_the_same_every_time_and_no_class_is_too_large(tmp_path: Path) -> None:
    files = {"many": [(f"a/{n}.jpg", b"%d" % n) for n in range(MOST + 20)], "few": [("b.jpg", b"b")]}
    assert write_set(files, tmp_path / "one") == MOST + 1
    assert write_set(files, tmp_path / "two") == MOST + 1
    names = [sorted(path.name for path in (tmp_path / one).glob("*/*")) for one in ("one", "two")]
    assert names[0] == names[1]
    assert (tmp_path / "one/few/b.jpg").read_bytes() == b"b"


def test_the_file_is_small_and_its_licence_lies_beside_it() -> None:
    graph = onnx.load(str(bundled_model("backbone"))).graph
    kernels = [one for one in graph.initializer if one.data_type == TensorProto.FLOAT16]
    assert len(kernels) == 49
    assert bundled_model("backbone").stat().st_size <= 8_000_000
    assert "Apache License" in (bundled_folder() / "backbone.LICENSE").read_text(encoding="utf-8")
    assert bundled_card("backbone")["licence"].startswith("Apache-2.0")


@pytest.mark.train
def test_normalisation_is_folded_in() -> None:
    import torch

    from scripts.training.backbone.net import Convolution

    torch.manual_seed(1)
    plain = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, 2, padding=0, bias=False), torch.nn.BatchNorm2d(4, eps=1e-3)
    ).eval()
    norm = plain[1]
    for values in (norm.weight, norm.bias, norm.running_mean):
        torch.nn.init.normal_(values)
    torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    weights = {"c.weight": plain[0].weight.detach()}
    weights |= {f"n.{name}": getattr(norm, name).detach() for name in ("weight", "bias")}
    weights |= {f"n.{name}": getattr(norm, name) for name in ("running_mean", "running_var")}
    made = Convolution(3, 4, 3, 2)
    made.take(weights, "c", "n")
    given = torch.rand(2, 3, 8, 8)
    # TensorFlow's SAME: of an even side and a stride of 2, one more behind.
    expected = torch.clamp(plain(torch.nn.functional.pad(given, (0, 1, 0, 1))), 0, 6)
    with torch.inference_mode():
        np.testing.assert_allclose(made(given).numpy(), expected.detach().numpy(), atol=1e-5)
