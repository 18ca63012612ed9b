"""Devices that no machine has: ONNX Runtime's CPU provider under another name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mediaml.onnx.offers import CPU_PROVIDER, Hardware, Offer
from mediaml.onnx.providers import Device


def stub_offer(name: str = "stub", unit: str = "0", hardware: Hardware = "gpu") -> Offer:
    """An offer that really runs on the CPU."""
    return Offer(Device(name, unit), CPU_PROVIDER, hardware, "1.0", "a stub")


def ep_device(name: str, hardware: str, metadata: dict[str, str], *, virtual: bool = False) -> Any:
    """What ONNX Runtime's `get_ep_devices` lists."""
    device = SimpleNamespace(
        type=SimpleNamespace(name=hardware), vendor="Acme", metadata={"is_virtual": "1"} if virtual else {}
    )
    return SimpleNamespace(ep_name=name, ep_metadata=metadata, device=device)
