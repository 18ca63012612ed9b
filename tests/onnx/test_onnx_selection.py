"""`--device auto` is earned, a device asked for by name is verified, and verdicts are remembered.

The devices are stubs: ONNX Runtime's CPU provider under other names, with times and answers as told.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediaml.core.errors import DeviceError, ModelError
from mediaml.onnx import obstacles, opening, selection, trial, verdicts
from mediaml.onnx.cuda import Obstacle
from mediaml.onnx.offers import Offer
from mediaml.onnx.providers import CPU, parse_device
from mediaml.onnx.selection import Accuracy
from mediaml.onnx.session import Session, open_session
from tests.support.devices import stub_offer
from tests.support.models import onnx_files as material

AUTO = parse_device("auto")


class Machine:
    """What the stubs of a machine do.

    Attributes:
        offers: its devices. ms: time of a batch on a stub; the CPU takes 10. trials: how many were run.
        change: what a stub adds to every answer.
    """

    def __init__(self) -> None:
        self.offers: tuple[Offer, ...] = (stub_offer(),)
        self.ms, self.change, self.trials = 5.0, 0.0, 0


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    built = Machine()

    def times(*_: object) -> tuple[float, float]:
        built.trials += 1
        return built.ms, 10.0

    def deviation(found: Any, expected: Any) -> float:
        return real([answer + built.change for answer in found], expected)

    def offer_of(device: Any) -> Offer | None:
        return next((one for one in built.offers if one.device.name == device.name), None)

    real = trial.deviation_of
    monkeypatch.setenv("MEDIAML_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(trial, "times_in_turns", times)
    monkeypatch.setattr(trial, "deviation_of", deviation)
    monkeypatch.setattr(selection, "offers", lambda: built.offers)
    monkeypatch.setattr(selection, "offer_of", offer_of)
    monkeypatch.setattr(selection, "obstacle", lambda _: None)
    monkeypatch.setattr(selection, "library_problems", lambda: ())
    monkeypatch.setattr(selection, "has_nvidia_gpu", lambda: False)
    yield built


def opened(device: str = "auto", **more: Any) -> Session:
    request = AUTO if device == "auto" else selection.DeviceRequest(device)
    return open_session(material.doubling().SerializeToString(), request, threads=1, **more)


def test_a_faster_provider_with_the_same_answers_is_taken(machine: Machine) -> None:
    session = opened()
    assert str(session.device) == "stub:0"
    assert session.notes == (
        "the model on stub:0, exact: 5.0 ms per batch, 10.0 ms on the CPU, deviation 0e+00",
    )
    np.testing.assert_array_equal(session.run({"x": np.ones((1, 3), np.float32)})[0], [[2, 2, 2]])


def test_a_verdict_is_remembered(machine: Machine) -> None:
    opened()
    again = opened()
    assert (machine.trials, str(again.device), again.notes) == (1, "stub:0", ())
    assert again.details[0].startswith("the model on stub:0, exact: 5.0 ms")


def test_another_version_is_tried_anew(machine: Machine) -> None:
    opened()
    machine.offers = (Offer(stub_offer().device, "CPUExecutionProvider", "gpu", "2.0"),)
    opened()
    assert machine.trials == 2


@pytest.mark.parametrize("damage", [b"", b"{", b'{"key": "of another"}'])
def test_a_damaged_verdict_is_no_verdict(damage: bytes, machine: Machine) -> None:
    opened()
    [kept] = verdicts.engines_folder().glob("*.json")
    kept.write_bytes(damage)
    assert str(opened().device) == "stub:0"
    assert machine.trials == 2


def test_a_slower_provider_is_not_taken(machine: Machine) -> None:
    machine.ms = 9.6
    session = opened()
    assert session.device == CPU
    assert session.notes == ("the model on stub:0, exact: not faster, 9.6 ms per batch, 10.0 ms on the CPU",)
    assert opened().notes == ()


def test_a_provider_that_deviates_is_not_taken(machine: Machine) -> None:
    machine.change = 1e-3
    session = opened()
    assert session.device == CPU
    assert session.notes[0].startswith(
        "the model on stub:0, exact: not used, its answers differ from the CPU's"
    )
    assert machine.trials == 0


def test_the_fastest_of_several_is_taken(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.offers = (stub_offer("slow"), stub_offer("quick"), stub_offer("tensorrt"))
    times = iter([(7.0, 10.0), (3.0, 10.0)])
    monkeypatch.setattr(trial, "times_in_turns", lambda *_: next(times))
    assert str(opened().device) == "quick:0"


def test_a_provider_that_no_longer_opens_gives_way_to_the_cpu(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened()

    def gone(*_: object, **__: object) -> None:
        raise DeviceError("stub:0 is gone")

    real = opening.open_on
    monkeypatch.setattr(selection, "open_on", lambda *a, **k: real(*a, **k) if a[1].device == CPU else gone())
    session = opened()
    assert (session.device, session.notes) == (CPU, ("stub:0 is gone; not used",))
    assert list(verdicts.engines_folder().glob("*.json")) == []


def test_a_folder_that_cannot_be_written_costs_the_trial_again(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file in the place of the folder stops root too.
    (tmp_path / "cache").write_bytes(b"")
    first = opened()
    assert str(first.device) == "stub:0"
    assert (
        first.notes[1] == f"{tmp_path / 'cache' / 'engines'} cannot be written: stub:0 is tried in every run"
    )
    opened()
    assert machine.trials == 2
    assert verdicts.compiled_folder(stub_offer()) is None


def test_a_gpu_that_is_there_and_not_used_is_a_warning(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.offers = ()
    missing = Obstacle("libcublasLt.so.13 is missing", "Install it.")
    monkeypatch.setattr(selection, "cuda_obstacle", lambda: missing)
    session = opened()
    assert (session.device, session.fallback_reason, session.notes) == (CPU, None, ())
    monkeypatch.setattr(selection, "has_nvidia_gpu", lambda: True)
    assert opened().fallback_reason == "libcublasLt.so.13 is missing. Install it."


def test_a_library_that_does_not_load_is_one_line(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.offers = ()
    monkeypatch.setattr(selection, "library_problems", lambda: ("acme does not load: no libtbb",))
    assert opened().notes == ("acme does not load: no libtbb",)


def test_a_device_asked_for_is_not_obtained(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Obstacle("libcublasLt.so.13 is missing", "Install it.")
    monkeypatch.setattr(selection, "obstacle", lambda _: missing)
    with pytest.raises(DeviceError) as caught:
        opened("cuda")
    assert str(caught.value) == "cuda:0 cannot be used: libcublasLt.so.13 is missing\nInstall it."
    assert caught.value.exit_code == 3


def test_a_device_asked_for_that_deviates_is_refused(machine: Machine) -> None:
    machine.change = 1e-3
    with pytest.raises(DeviceError, match=r"stub:0 cannot be used: its answers differ.*\n.*--precision fast"):
        opened("stub")


def test_a_session_that_onnx_runtime_moved_to_the_cpu_is_noticed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.offers = (Offer(stub_offer("cuda").device, "CUDAExecutionProvider", "gpu", "1"),)
    with pytest.raises(DeviceError, match=r"on the CPU instead of cuda:0|cannot open"):
        opened("cuda")
    assert opened().device == CPU


def test_a_bad_file_is_not_blamed_on_the_device(machine: Machine) -> None:
    machine.offers = (Offer(stub_offer("cuda").device, "CUDAExecutionProvider", "gpu", "1"),)
    with pytest.raises(ModelError, match="cannot be opened as an ONNX model"):
        open_session(b"no model", parse_device("cuda"))


def test_nodes_that_run_elsewhere_are_counted(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = {"CPUExecutionProvider": 207, "OtherExecutionProvider": 3}
    monkeypatch.setattr(opening, "_nodes", lambda _: shared)
    session = opened("stub")
    assert session.elsewhere == "of 210 nodes 3 on other"
    assert session.place == "stub:0 (of 210 nodes 3 on other)"


@pytest.fixture
def rounding(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The stub rounds to bf16 with `--precision fast`."""
    monkeypatch.setattr(selection, "fast_type", lambda offer: None if offer.device == CPU else "bf16")
    monkeypatch.setattr(opening, "fast_type", lambda _: "bf16")
    return machine


def test_fast_is_taken_within_its_tolerance_and_said(rounding: Machine) -> None:
    rounding.change = 0.02
    session = opened(precision="fast")
    assert (str(session.device), session.number_type) == ("stub:0", "bf16")
    assert session.place == "stub:0, bf16"
    assert any("was not measured" in detail for detail in session.details)
    assert opened(precision="exact").device == CPU


def test_fast_that_costs_too_much_accuracy_is_not_taken(rounding: Machine) -> None:
    session = opened(precision="fast", accuracies=[Accuracy("bf16", "AP50", 0.331, 0.325)])
    assert session.notes[0] == "the model: bf16 costs 0.6 points of AP50; not used"
    assert (str(session.device), session.number_type) == ("stub:0", None)
    kept = opened(precision="fast", accuracies=[Accuracy("bf16", "AP50", 0.331, 0.327)])
    assert kept.number_type == "bf16"
    assert "the model: bf16, AP50 0.327, 0.331 exactly" in kept.details


def test_fast_whose_accuracy_was_measured_may_deviate_more(rounding: Machine) -> None:
    rounding.change = 0.1
    assert opened(precision="fast").number_type is None
    measured = [Accuracy("bf16", "AP50", 0.331, 0.328)]
    for device in ("auto", "stub"):
        assert opened(device, precision="fast", accuracies=measured).number_type == "bf16"


def test_fast_on_a_device_that_has_nothing_faster_is_exact(machine: Machine) -> None:
    session = opened("cpu", precision="fast")
    assert (session.device, session.number_type) == (CPU, None)
    assert session.notes == ("the model on cpu: runs exactly, nothing faster is used there",)


def test_deviations_are_relative_and_shapes_count() -> None:
    expected = [np.array([100.0, -50.0], np.float32), np.array([1], np.int64)]
    assert trial.deviation_of(expected, expected) == 0
    assert trial.deviation_of([expected[0] + 1, expected[1]], expected) == pytest.approx(0.01)
    for wrong in ([expected[0][:1], expected[1]], expected[:1], [expected[0] * np.nan, expected[1]]):
        assert trial.deviation_of(wrong, expected) == np.inf


def test_trials_are_timed_in_turns_with_real_sessions(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(trial, "_SECONDS", 0.0)
    session = open_session(material.doubling().SerializeToString(), parse_device("cpu"))
    feeds = {"x": np.ones((1, 3), np.float32)}
    one, other = trial.times_in_turns(lambda: session.run(feeds), lambda: session.run(feeds))
    assert 0 < one < 1000 and 0 < other < 1000


def test_the_folder_of_verdicts_is_below_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDIAML_CACHE", str(tmp_path))
    assert verdicts.engines_folder() == tmp_path / "engines"
    folder = verdicts.compiled_folder(stub_offer())
    assert folder == tmp_path / "engines" / "stub-1.0"
    assert os.access(folder, os.W_OK)
    assert obstacles.obstacle(CPU) is None
