"""What ONNX Runtime offers: built in, from plugin libraries, and what each is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from mediaml.onnx import cuda, obstacles, offers, plugin_libraries, provider_options
from mediaml.onnx.offers import Offer, offer_of
from mediaml.onnx.plugin_libraries import LIBRARIES, PluginLibrary, registered_libraries
from mediaml.onnx.provider_options import Demand, fast_type, options_of
from mediaml.onnx.providers import Device
from tests.support.devices import ep_device, stub_offer

EXACT, FAST = Demand("exact", 3), Demand("fast", 3)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine with these plugin devices, built-in providers and GPUs."""

    def build(*devices: Any, built_in: tuple[str, ...] = (), gpus: tuple[str, ...] = ()) -> None:
        monkeypatch.setattr(onnxruntime, "get_ep_devices", lambda: list(devices))
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(built_in))
        monkeypatch.setattr(offers, "gpu_names", lambda: gpus)
        monkeypatch.setattr(offers, "registered_libraries", lambda: ())

    return build


def names() -> list[str]:
    return [str(offer.device) for offer in offers.offers()]


def test_plugin_devices_and_built_in_providers_are_one_list(machine: Any) -> None:
    machine(
        ep_device("CPUExecutionProvider", "CPU", {}),
        ep_device("OpenVINOExecutionProvider", "CPU", {"version": "1.8.1"}),
        ep_device("OpenVINOExecutionProvider", "GPU", {}),
        ep_device("OpenVINOExecutionProvider", "GPU", {}),
        ep_device("OpenVINOExecutionProvider.AUTO", "CPU", {"ov_meta_device": "AUTO"}),
        ep_device("OpenVINOExecutionProvider", "NPU", {}, virtual=True),
        ep_device("WebGpuExecutionProvider", "GPU", {}),
        built_in=("CUDAExecutionProvider", "TensorrtExecutionProvider", "AzureExecutionProvider"),
        gpus=("A100", "L4"),
    )
    assert names() == [
        *("openvino:cpu", "openvino:gpu", "openvino:gpu1", "webgpu:0"),
        *("cuda:0", "cuda:1", "tensorrt:0", "tensorrt:1"),
    ]
    first = offer_of(Device("openvino"))
    assert first is not None
    assert (str(first.device), first.version, first.is_plugin) == ("openvino:cpu", "1.8.1", True)
    assert offer_of(Device("openvino", "npu")) is None


def test_built_in_providers_without_hardware_are_no_devices(machine: Any) -> None:
    machine(built_in=("CUDAExecutionProvider", "CPUExecutionProvider", "CoreMLExecutionProvider"))
    assert names() == ["coreml"]


def test_exact_is_said_to_every_provider() -> None:
    assert options_of(offer("cuda", "2"), EXACT)["use_tf32"] == "0"
    assert options_of(offer("tensorrt", "0"), EXACT)["trt_fp16_enable"] == "0"
    told = options_of(offer("openvino", "cpu", "cpu"), EXACT)
    assert json.loads(told["load_config"]) == {"CPU": {"INFERENCE_PRECISION_HINT": "f32"}}
    assert (told["num_of_threads"], told["device_type"]) == ("3", "CPU")
    assert json.loads(options_of(offer("openvino", "gpu", "gpu"), EXACT)["load_config"]) == {
        "GPU": {"INFERENCE_PRECISION_HINT": "f32"}
    }
    assert options_of(offer("webgpu", "0"), EXACT) == {}


def test_tf32_is_off_in_tensorrt_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    options_of(offer("tensorrt", "0"), FAST)
    assert "NVIDIA_TF32_OVERRIDE" not in provider_options.os.environ
    options_of(offer("tensorrt", "0"), EXACT)
    assert provider_options.os.environ["NVIDIA_TF32_OVERRIDE"] == "0"


@pytest.mark.parametrize(("flags", "expected"), [({"avx512_bf16"}, "bf16"), ({"avx2"}, None)])
def test_fast_is_bf16_where_the_processor_has_it(
    flags: set[str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_options, "cpu_flags", lambda: frozenset(flags))
    openvino = offer("openvino", "cpu", "cpu")
    assert fast_type(openvino) == expected
    hint = json.loads(options_of(openvino, FAST)["load_config"])["CPU"]["INFERENCE_PRECISION_HINT"]
    assert hint == (expected or "f32")


@pytest.mark.parametrize(("capability", "expected"), [(7, None), (8, "tf32"), (9, "tf32")])
def test_fast_is_tf32_from_ampere_on(
    capability: int, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_options, "compute_capability", lambda _: capability)
    assert fast_type(offer("cuda", "0")) == expected
    assert fast_type(offer("tensorrt", "0")) == "fp16"
    assert fast_type(offers.cpu_offer()) is None


def test_compiled_models_are_kept(tmp_path: Path) -> None:
    kept = Demand("exact", 1, tmp_path)
    assert options_of(offer("openvino", "cpu", "cpu"), kept)["cache_dir"] == str(tmp_path)
    tensorrt = options_of(offer("tensorrt", "0"), kept)
    assert (tensorrt["trt_engine_cache_enable"], tensorrt["trt_engine_cache_path"]) == ("1", str(tmp_path))


def test_what_tensorrt_leaves_over_goes_to_cuda() -> None:
    found = Offer(Device("tensorrt", "1"), "TensorrtExecutionProvider", "gpu", "1").add_to(
        None, {"device_id": "1"}
    )
    assert found is not None
    assert [name for name, _ in found] == [
        *("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
    ]
    assert found[1][1] == {"device_id": "1"}


@pytest.fixture
def fresh_libraries() -> Any:
    """Libraries are registered anew, here and in later tests."""
    registered_libraries.cache_clear()
    yield
    registered_libraries.cache_clear()


@pytest.mark.usefixtures("fresh_libraries")
def test_a_library_that_does_not_load_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "libonnxruntime_broken.so"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(plugin_libraries.pkgutil, "iter_modules", lambda: [])
    monkeypatch.setenv(LIBRARIES, f"{broken}:{tmp_path / 'none.so'}")
    first, second = registered_libraries()
    assert (first.name, second.problem) == (str(broken), f"there is no file {tmp_path / 'none.so'}")
    assert first.problem and "\n" not in first.problem
    assert obstacles.library_problems()[0].startswith(f"{broken} does not load: ")


@pytest.mark.usefixtures("fresh_libraries")
def test_a_package_that_fails_costs_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "onnxruntime_ep_odd.py").write_text("raise RuntimeError('an odd package')\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = {library.name: library.problem for library in registered_libraries()}
    assert found["onnxruntime_ep_odd"] == "an odd package"
    assert offers.cpu_offer().device == Device("cpu")


@pytest.mark.parametrize(
    ("device", "libraries", "said", "remedy"),
    [
        ("openvino", (), "OpenVINO is not installed", "mediaml[openvino]"),
        (
            "openvino",
            (PluginLibrary("onnxruntime_ep_openvino", "no libtbb"),),
            "does not load: no libtbb",
            "pip",
        ),
        ("webgpu", (), "ONNX Runtime offers no webgpu on this machine, but cpu", "--device cpu"),
    ],
)
def test_a_device_that_is_not_offered(
    device: str, libraries: Any, said: str, remedy: str, machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine()
    monkeypatch.setattr(obstacles, "registered_libraries", lambda: libraries)
    found = obstacles.obstacle(Device(device))
    assert found is not None
    assert said in found.what
    assert remedy in found.remedy


def test_another_unit_is_named(machine: Any) -> None:
    machine(ep_device("OpenVINOExecutionProvider", "CPU", {}))
    found = obstacles.obstacle(Device("openvino", "npu"))
    assert found is not None
    assert found.what == "there is no openvino:npu, but openvino:cpu"
    assert obstacles.obstacle(Device("openvino", "cpu")) is None


def test_tensorrt_needs_its_libraries(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine()
    monkeypatch.setattr(obstacles, "cuda_obstacle", lambda _: None)
    found = obstacles.obstacle(Device("tensorrt", "0"))
    if found is not None:
        assert found.what == "libnvinfer.so.10 is missing"
        assert "mediaml[tensorrt]" in found.remedy


def test_a_gpu_is_seen_on_the_pci_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "gpu_names", lambda: ())
    for number, (vendor, kind) in enumerate([("0x8086", "0x030000"), ("0x10de", "0x040300")]):
        folder = tmp_path / f"0000:0{number}:00.0"
        folder.mkdir()
        (folder / "vendor").write_text(f"{vendor}\n")
        (folder / "class").write_text(f"{kind}\n")
    assert not cuda.has_nvidia_gpu(tmp_path)
    (tmp_path / "0000:01:00.0" / "class").write_text("0x030200\n")
    assert cuda.has_nvidia_gpu(tmp_path)
    assert cuda.compute_capability(0) == 0


def offer(name: str, unit: str, hardware: Any = "gpu") -> Offer:
    return Offer(Device(name, unit), f"{name}ExecutionProvider", hardware, "1")


def test_an_offer_of_the_cpus_provider_asks_for_it_once() -> None:
    assert stub_offer().add_to(None, {}) == [("CPUExecutionProvider", {})]
