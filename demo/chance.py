"""Chance by hashing: every number is a pure function of its keys, so any moment is computed without stepping."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)


def _word(key: Any) -> npt.NDArray[np.uint64]:
    if isinstance(key, str):
        key = zlib.crc32(key.encode())
    return np.asarray(key, np.int64).astype(np.uint64)


def _bits(*keys: Any) -> npt.NDArray[np.uint64]:
    """Splitmix64 over the keys (texts, integers, integer arrays; arrays broadcast)."""
    state = np.zeros((), np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = np.asarray((state ^ _word(key)) + _GOLDEN)
            state = (state ^ (state >> np.uint64(30))) * _M1
            state = (state ^ (state >> np.uint64(27))) * _M2
            state = state ^ (state >> np.uint64(31))
    return np.asarray(state)


def uniform(*keys: Any) -> Reals:
    """Numbers in [0, 1), one per element of the broadcast keys."""
    return (_bits(*keys) >> np.uint64(11)).astype(float) * 2.0**-53


def one(*keys: Any) -> float:
    """A single number in [0, 1)."""
    return float(uniform(*keys))


def normal(*keys: Any) -> Reals:
    """Standard normal numbers."""
    radius = np.sqrt(-2.0 * np.log(1.0 - uniform(*keys, 1)))
    return np.asarray(radius * np.cos(2.0 * math.pi * uniform(*keys, 2)), float)


def smooth(times: Ints, period: int, *keys: Any) -> Reals:
    """Noise in [-1, 1] that wanders from knot to knot every `period` (same unit as `times`)."""
    knot, rest = np.divmod(times, period)
    part = rest / period
    ease = part * part * (3.0 - 2.0 * part)
    return (uniform(*keys, knot) * (1.0 - ease) + uniform(*keys, knot + 1) * ease) * 2.0 - 1.0


def count(mean: float, *keys: Any) -> int:
    """A Poisson number (rounded normal above 30)."""
    if mean <= 0:
        return 0
    if mean > 30:
        return max(0, round(mean + math.sqrt(mean) * float(normal(*keys))))
    left, chance, number = one(*keys), math.exp(-mean), 0
    while left > chance and number < 200:
        left -= chance
        number += 1
        chance *= mean / number
    return number


def pick(weights: npt.ArrayLike, shares: Reals) -> Ints:
    """Indices drawn with `weights` from numbers in [0, 1)."""
    total = np.cumsum(np.asarray(weights, float))
    place = np.searchsorted(total, shares * total[-1], side="right")
    return np.asarray(np.minimum(place, len(total) - 1), np.int64)
