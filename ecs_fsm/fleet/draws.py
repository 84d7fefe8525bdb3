"""Random numbers, times and jumps as machine code, from the numbers of `random_numbers`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from ecs_fsm.fleet.arrays import CONSTANT, EMPIRICAL, EXPONENTIAL, GAMMA, LOGNORMAL, Arrays
from ecs_fsm.fleet.random_numbers import (
    BITS,
    CURVE,
    FACTORS,
    PIECES,
    SERVER,
    STRIDE,
    TERMS,
    Floats,
)

Function = TypeVar("Function", bound=Callable[..., object])
Coefficients = tuple[float, ...]

FURTHER = 0x8CB92BA72F3D8DD7
"""Begins the further numbers of a draw that needs more than one."""
_STRIDE, _SERVER, _FURTHER = np.uint64(STRIDE), np.uint64(SERVER), np.uint64(FURTHER)
_M1, _M2 = (np.uint64(factor) for factor in FACTORS)
_30, _27, _31, _32, _33 = (np.uint64(bits) for bits in (30, 27, 31, 32, 33))
_LOW = np.uint64(0xFFFFFFFF)
_UNIT = 2.0**-31
_FRACTION = 23 - PIECES.bit_length() + 1
_FIRST = 126 * PIECES  # the bits of 0.5, shifted
_PIECE = np.float32(2.0**-_FRACTION)
_BELOW, _MIDDLE = np.int32((1 << _FRACTION) - 1), np.int32(1 << (BITS - 1))
_LAST = np.int32((1 << BITS) - 1)
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


def compiled(function: Function) -> Function:
    """Compile a function at its first call, without the interpreter's lock."""
    return cast(Function, numba.njit(**_OPTIONS)(function))


def inlined(function: Function) -> Function:
    """Compile a small function into its callers."""
    return cast(Function, numba.njit(inline="always", **_OPTIONS)(function))


@inlined
def mix(z: np.uint64) -> np.uint64:
    """Return SplitMix64's mix of 64 bits."""
    z = (z ^ (z >> _30)) * _M1
    z = (z ^ (z >> _27)) * _M2
    return z ^ (z >> _31)


@inlined
def server_key(key: np.uint64, server: int) -> np.uint64:
    """Return the key of a server, from that of the seed."""
    return mix(key ^ mix(np.uint64(server) * _SERVER + _STRIDE))


# The polynomial is that of logf in the Cephes library (Moshier, 1992), for 1 + x between the roots
# of 1/2 and 2; the bits of a root say in which power of two a number lies.
_C = (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8 = (np.float32(c) for c in _C)
_HALF, _ONE, _LN2 = np.float32(0.5), np.float32(1.0), np.float32(0.69314718056)
_ROOT, _MANTISSA = np.int32(0x3F3504F3), np.int32(23)


@inlined
def exponential(bits: np.int32) -> np.float32:
    """Return an exponential time of mean 1 from 31 random bits, to 2e-7 of 1 or of itself."""
    uniform = np.float32(np.float32(bits) + _HALF)
    number = np.float32(uniform).view(np.int32)
    power = (number - _ROOT) >> _MANTISSA
    x = np.int32(number - (power << _MANTISSA)).view(np.float32) - _ONE
    square = x * x
    y = ((((((((_C0 * x + _C1) * x + _C2) * x + _C3) * x + _C4) * x + _C5) * x + _C6) * x + _C7) * x
         + _C8)  # fmt: skip
    return np.float32(31 - power) * _LN2 - (x + (y * x * square - _HALF * square))


@inlined
def quantile(bits: np.int32, begin: int, curves: Floats) -> np.float32:
    """Return a time from 31 random bits, by the quantile function that begins there in `curves`."""
    upper = bits >= _MIDDLE
    distance = np.float32(_LAST - bits if upper else bits) + _HALF
    number = np.float32(distance).view(np.int32)
    at = begin + ((number >> _FRACTION) - _FIRST) * TERMS + (CURVE // 2 if upper else 0)
    x = np.float32(number & _BELOW) * _PIECE
    value = ((curves[at + 3] * x + curves[at + 2]) * x + curves[at + 1]) * x + curves[at]
    return np.float32(value)


@inlined
def uniform(z: np.uint64) -> float:
    """Return a uniform number between 0 and 1, both excluded."""
    return float((np.float64(z >> _33) + 0.5) * _UNIT)


# Coefficients of numerator and denominator, highest power first.
_CENTRE = (
    2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
    13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
)  # fmt: skip
_BELOW_CENTRE = (
    5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
    5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0,
)  # fmt: skip
_SHOULDER = (
    7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
    1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055,
    4.6303378461565452959, 1.42343711074968357734,
)  # fmt: skip
_BELOW_SHOULDER = (
    1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
    0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494,
    2.05319162663775882187, 1.0,
)  # fmt: skip
_TAIL = (
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
    0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358,
    5.4637849111641143699, 6.6579046435011037772,
)  # fmt: skip
_BELOW_TAIL = (
    2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
    7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
    0.59983220655588793769, 1.0,
)  # fmt: skip


@inlined
def _polynomial(coefficients: Coefficients, r: float) -> float:
    """The value of a polynomial of degree 7, by Horner's scheme."""
    value = coefficients[0]
    for n in range(1, 8):
        value = value * r + coefficients[n]
    return value


@compiled
def normal(p: float) -> float:
    """Return the quantile of the normal distribution (16 digits).

    Source: Wichura (1988), Algorithm AS 241, Applied Statistics 37, 477.
    """
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return q * _polynomial(_CENTRE, r) / _polynomial(_BELOW_CENTRE, r)
    r = math.sqrt(-math.log(p if q < 0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        found = _polynomial(_SHOULDER, r) / _polynomial(_BELOW_SHOULDER, r)
    else:
        r -= 5.0
        found = _polynomial(_TAIL, r) / _polynomial(_BELOW_TAIL, r)
    return found if q >= 0 else -found


@compiled
def gamma(z: np.uint64, shape: float) -> float:
    """Return a gamma time of scale 1, by rejection from the further numbers of one draw.

    A shape below 1 is drawn as shape + 1 and scaled. Source: Marsaglia, Tsang (2000), ACM TOMS 26,
    363.
    """
    further = z ^ _FURTHER
    boosted = shape if shape >= 1.0 else shape + 1.0
    d = boosted - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        further += _STRIDE
        x = normal(uniform(mix(further)))
        further += _STRIDE
        u = uniform(mix(further))
        v = (1.0 + c * x) ** 3
        if v > 0.0 and math.log(u) < 0.5 * x * x + d - d * v + d * math.log(v):
            break
    if shape >= 1.0:
        return d * v
    return d * v * math.pow(uniform(z), 1.0 / shape)


@inlined
def sojourn_time(z: np.uint64, current: int, a: Arrays) -> float:
    """Return how long a server stays in a chain state, in seconds, from one draw."""
    family, scale, shape = a.families[current], a.scales[current], a.shapes[current]
    if family == EXPONENTIAL:
        return float(-math.log(uniform(z)) * scale)
    if family == CONSTANT:
        return float(scale)
    if family == LOGNORMAL:
        return math.exp(scale + shape * normal(uniform(z)))
    if family == GAMMA:
        return float(gamma(z, shape) * scale)
    if family == EMPIRICAL:
        number = int(uniform(z) * a.sample_count[current])
        return float(a.samples[a.sample_from[current] + number])
    return float(scale * math.pow(-math.log(uniform(z)), shape))


@inlined
def choose(z: np.uint64, current: int, slots: np.uint64, a: Arrays) -> int:
    """Return the jump that ends the sojourn in a chain state, from the lower half of a draw."""
    product = (z & _LOW) * slots
    slot = product >> _32
    if (product & _LOW) < a.thresholds[current, slot]:
        return int(a.owns[current, slot])
    return int(a.others[current, slot])
