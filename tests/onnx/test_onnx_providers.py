"""Devices as a person names them, why CUDA does not start, and how many threads a session takes."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.errors import UsageError
from mediaml.onnx import cuda, threads
from mediaml.onnx.providers import CPU, Device, DeviceRequest, parse_device, parse_devices
from mediaml.onnx.runtime import one_line


def test_devices_are_read() -> None:
    assert parse_device("auto") == DeviceRequest("auto")
    assert parse_device("cpu") == DeviceRequest("cpu")
    assert parse_device("cuda") == DeviceRequest("cuda", "0")
    assert parse_device("tensorrt:3") == DeviceRequest("tensorrt", "3")
    assert parse_device("openvino") == DeviceRequest("openvino")
    assert parse_device("openvino:gpu") == DeviceRequest("openvino", "gpu")
    assert parse_device("webgpu") == DeviceRequest("webgpu")
    assert [parse_device(text).required for text in ("auto", "cpu", "cuda")] == [False, True, True]
    assert (str(Device("cuda", "3")), str(CPU)) == ("cuda:3", "cpu")


def test_several_gpus_are_read_once_each_and_nothing_else_is_several() -> None:
    assert parse_devices("cpu") == (DeviceRequest("cpu"),)
    assert parse_devices("cuda:0,2,0,1") == tuple(DeviceRequest("cuda", index) for index in "021")
    assert parse_devices("tensorrt:0,1") == (DeviceRequest("tensorrt", "0"), DeviceRequest("tensorrt", "1"))
    for text in ("cpu,cuda", "cuda,1", "cuda:0,", "cuda:0,x", "auto,0", "cuda:0,-1", ",", "cuda:0,99999"):
        with pytest.raises(UsageError, match="unknown device"):
            parse_devices(text)


@given(st.text())
def test_any_other_text_is_no_device(text: str) -> None:
    try:
        request = parse_device(text)
    except UsageError as error:
        assert "auto, cpu, cuda or cuda:N" in str(error)
    else:
        assert text.startswith(request.name)


@pytest.mark.parametrize(
    "text",
    [
        *("gpu", "CUDA", "cuda:", "cuda:-1", "cuda:1.5", "cuda:99999", "cuda:gpu", "cpu:1", "auto:0", ""),
        *("openvino:tpu", "openvino:0", "tensorrt:x", "webgpu:gpu", "cuda ", "cuda\n"),
    ],
)
def test_near_misses_are_no_devices(text: str) -> None:
    with pytest.raises(UsageError):
        parse_device(text)


def test_a_misspelt_device_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="Did you mean 'openvino'"):
        parse_device("openvion")


class Driver:
    """An NVIDIA driver as ctypes shows it."""

    def __init__(self, *, code: int = 0, version: int = 99_000, count: int = 1) -> None:
        self.code, self.version, self.count = code, version, count

    def cuInit(self, _: int) -> int:  # noqa: N802 - the driver's own name
        return self.code

    def cuDriverGetVersion(self, number: Any) -> int:  # noqa: N802
        number._obj.value = self.version
        return 0

    def cuDeviceGetCount(self, number: Any) -> int:  # noqa: N802
        number._obj.value = self.count
        return 0


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine with ONNX Runtime for CUDA 13 on which the named libraries are missing."""

    def build(*missing: str, driver: Driver | None = None) -> None:
        offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: offered)
        monkeypatch.setattr(onnxruntime, "cuda_version", "13.0", raising=False)
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(cuda, "preload_libraries", lambda: None)
        monkeypatch.setattr(cuda, "_loads", lambda library: library not in missing)
        monkeypatch.setattr(ctypes, "CDLL", lambda _: driver or Driver())

    return build


def test_nothing_in_the_way(machine: Any) -> None:
    machine()
    assert cuda.cuda_obstacle() is None


def test_a_missing_library_is_named_with_its_mend(machine: Any) -> None:
    machine("libcublasLt.so.13")
    found = cuda.cuda_obstacle()
    assert found is not None
    assert found.what == "libcublasLt.so.13 is missing"
    assert found.remedy == (
        "Install CUDA 13 and cuDNN 9 with `pip install 'mediaml[gpu]'`, or run with --device cpu."
    )


def test_a_missing_driver_is_named_with_its_mend(machine: Any) -> None:
    machine("libcuda.so.1", "libcudnn.so.9")
    found = cuda.cuda_obstacle()
    assert found is not None
    assert found.what == "libcuda.so.1 (the NVIDIA driver), libcudnn.so.9 are missing"
    assert found.remedy.startswith(
        "Install the NVIDIA driver and check it with `nvidia-smi`, install CUDA 13"
    )


@pytest.mark.parametrize(
    ("driver", "index", "said"),
    [
        (Driver(code=100), 0, "the NVIDIA driver finds no GPU"),
        (Driver(code=999), 0, "the NVIDIA driver does not start (CUDA error 999)"),
        (
            Driver(version=12_040),
            0,
            "the NVIDIA driver supports CUDA 12.4, this ONNX Runtime needs CUDA 13",
        ),
        (Driver(count=1), 1, "there is no GPU 1: the NVIDIA driver has 1 GPU, counted from 0"),
        (Driver(count=2), 5, "there is no GPU 5: the NVIDIA driver has 2 GPUs, counted from 0"),
    ],
)
def test_a_driver_that_does_not_serve(driver: Driver, index: int, said: str, machine: Any) -> None:
    machine(driver=driver)
    found = cuda.cuda_obstacle(index)
    assert found is not None
    assert found.what == said
    assert "--device cpu" in found.remedy


@pytest.mark.parametrize(
    ("platform", "installed", "said", "remedy"),
    [
        (
            "linux",
            {"onnxruntime", "onnxruntime-gpu"},
            "beside onnxruntime-gpu",
            "pip uninstall -y onnxruntime o",
        ),
        ("linux", {"onnxruntime"}, "built without CUDA", "pip uninstall -y onnxruntime`"),
        ("darwin", {"onnxruntime"}, "no CUDA on macOS", "--device auto"),
    ],
)
def test_an_onnx_runtime_without_cuda(
    platform: str, installed: set[str], said: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(cuda, "_installed", installed.__contains__)
    found = cuda.cuda_obstacle()
    assert found is not None
    assert said in found.what
    assert remedy in found.remedy


def test_libraries_are_named_as_the_system_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert "libcudart.so.12" in cuda.cuda_libraries("12.8")
    assert cuda.cuda_libraries("") == ()
    monkeypatch.setattr(sys, "platform", "win32")
    assert "cublasLt64_13.dll" in cuda.cuda_libraries("13.0")
    assert cuda.driver_library() == "nvcuda.dll"


def test_errors_lose_their_places_in_the_source() -> None:
    raw = RuntimeError(
        "[ONNXRuntimeError] : 1 : FAIL : /onnxruntime_src/onnxruntime/core/x.cc:12 "
        "onnxruntime::common::Status onnxruntime::Do(int, const char *) const\n It went wrong"
    )
    assert one_line(raw) == "It went wrong"
    assert len(one_line(RuntimeError("x" * 1000))) == 240


def topology(folder: Path, siblings: dict[int, str]) -> Path:
    for cpu, text in siblings.items():
        path = folder / f"cpu{cpu}" / "topology"
        path.mkdir(parents=True)
        (path / "thread_siblings_list").write_text(f"{text}\n")
    return folder


def test_hyper_threads_share_a_core(tmp_path: Path) -> None:
    folder = topology(tmp_path, {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"})
    assert threads.physical_cores({0, 1, 2, 3}, folder) == 2
    assert threads.physical_cores({0, 2}, folder) == 1
    assert threads.physical_cores({0, 1}, folder) == 2
    assert threads.physical_cores({0, 1, 2}, tmp_path / "none") == 3


def test_container_quotas(tmp_path: Path) -> None:
    assert threads.cpu_quota(tmp_path) is None
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert threads.cpu_quota(tmp_path) == 1.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert threads.cpu_quota(tmp_path) is None
    old = tmp_path / "v1" / "cpu"
    old.mkdir(parents=True)
    (old / "cpu.cfs_quota_us").write_text("400000\n")
    (old / "cpu.cfs_period_us").write_text("100000\n")
    assert threads.cpu_quota(tmp_path / "v1") == 4
    (old / "cpu.cfs_quota_us").write_text("-1\n")
    assert threads.cpu_quota(tmp_path / "v1") is None


@pytest.mark.parametrize(
    ("cores", "quota", "expected"),
    [(2, None, 2), (64, None, 16), (64, 3.5, 4), (8, 0.5, 1), (4, 100.0, 4), (1, None, 1)],
)
def test_session_threads(
    cores: int, quota: float | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "physical_cores", lambda _: cores)
    monkeypatch.setattr(threads, "cpu_quota", lambda: quota)
    assert threads.session_threads() == expected


def test_this_machine_gets_threads() -> None:
    assert 1 <= threads.session_threads() <= threads.SESSION_THREADS_LIMIT
