"""Seeded damage to the bytes of a file."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Mutation = Callable[[bytes, random.Random, bytes], bytes]
_HEAD = 256


def flip_bits(data: bytes, chance: random.Random, _: bytes) -> bytes:
    """Turn 1 to 64 bits over, anywhere."""
    return _flipped(data, chance, len(data))


def flip_header_bits(data: bytes, chance: random.Random, _: bytes) -> bytes:
    """Turn 1 to 64 bits over within the first 256 bytes."""
    return _flipped(data, chance, min(_HEAD, len(data)))


def _flipped(data: bytes, chance: random.Random, within: int) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 64) if within else 0):
        at = chance.randrange(within)
        damaged[at] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def truncate(data: bytes, chance: random.Random, _: bytes) -> bytes:
    """Cut the file off, anywhere."""
    return data[: chance.randint(0, len(data))]


def splice_header(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """The beginning of another file before the rest of this one."""
    cut = chance.randint(4, _HEAD)
    return other[:cut] + data[cut:]


def splice_middle(data: bytes, chance: random.Random, other: bytes) -> bytes:
    """A stretch of another file in the place of one of this file."""
    length = chance.randint(1, max(1, len(data) // 4))
    at, origin = chance.randrange(len(data) or 1), chance.randrange(len(other) or 1)
    return data[:at] + other[origin : origin + length] + data[at + length :]


def extreme_numbers(data: bytes, chance: random.Random, _: bytes) -> bytes:
    """Fields of 4 bytes, mostly in the header, that become 0, the greatest or the least number."""
    damaged = bytearray(data)
    for _field in range(chance.randint(1, 4)):
        within = min(_HEAD, len(data)) if chance.random() < 0.8 else len(data)
        at = chance.randrange(max(1, within - 4))
        damaged[at : at + 4] = chance.choice(
            (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0")
        )
    return bytes(damaged)


def repeat_stretch(data: bytes, chance: random.Random, _: bytes) -> bytes:
    """A stretch that comes several times."""
    at = chance.randrange(len(data) or 1)
    stretch = data[at : at + chance.randint(1, 4096)]
    return data[:at] + stretch * chance.randint(2, 16) + data[at:]


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits,
    flip_header_bits,
    truncate,
    splice_header,
    splice_middle,
    extreme_numbers,
    repeat_stretch,
)


def mutant(seeds: Sequence[tuple[str, bytes]], number: int, seed: int) -> tuple[str, bytes]:
    """A damaged file.

    Args:
        seeds: names and bytes of whole files.
        number, seed: decide which file is damaged, and how.

    Returns:
        A name, with the ending of the file that was damaged, and bytes.
    """
    chance = random.Random(f"{seed} {number}")
    name, data = seeds[number % len(seeds)]
    _, other = chance.choice(seeds)
    mutation = chance.choice(MUTATIONS)
    ending = name.rpartition(".")[2]
    return f"{number:05}-{mutation.__name__}.{ending}", mutation(data, chance, other)
