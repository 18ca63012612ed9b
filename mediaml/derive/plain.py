"""Arrays and plain values as MessagePack: the bytes name no type, so nothing runs when they are read."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

_DTYPES = ("<f8", "<f4", "<i8", "|b1")


class _Array(msgspec.Struct, tag="a"):
    dtype: str
    shape: list[int]
    data: bytes


class _Map(msgspec.Struct, tag="m"):
    items: list[tuple[int | str, Any]]


def pack(value: Any) -> bytes:
    """Encode numbers, text, `None`, arrays, and lists and dictionaries of them.

    Raises:
        TypeError: there is something else in it.
    """
    return msgspec.msgpack.encode(_plain(value))


def unpack(data: bytes) -> Any:
    """The value of `pack`; arrays may be written to.

    Raises:
        ValueError: it is not what `pack` writes.
    """
    return _value(msgspec.msgpack.decode(data))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        if array.dtype.str not in _DTYPES:
            raise TypeError(f"an array of {array.dtype} cannot be kept")
        # `ascontiguousarray` gives a number an axis.
        return _Array(array.dtype.str, list(value.shape), array.tobytes())
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return _Map([(key, _plain(item)) for key, item in value.items()])
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} cannot be kept")


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "m":
        items = msgspec.convert(value, _Map).items
        return {key: _value(item) for key, item in items}
    array = msgspec.convert(value, _Array)
    if array.dtype not in _DTYPES:
        raise ValueError(f"unknown array type {array.dtype!r}")
    return np.frombuffer(array.data, array.dtype).reshape(array.shape).copy()
