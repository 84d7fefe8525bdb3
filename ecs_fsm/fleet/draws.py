"""Random numbers that depend on a seed, a server's number and how many it has drawn, and no more.

The k-th number of a server is the SplitMix64 mix of its key + k times an odd constant: nothing is
handed from one server to the next, so that any part of a fleet can be simulated anywhere. The upper
31 bits are a uniform number for the time, the lower 32 choose what comes next.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_fsm.fleet.compiled import CONSTANT, EMPIRICAL, EXPONENTIAL, GAMMA, LOGNORMAL, Arrays
from ecs_fsm.fleet.jit import compiled, inlined

WORD = (1 << 64) - 1
STRIDE = 0x9E3779B97F4A7C15
SERVER = 0xD1B54A32D192ED03
FURTHER = 0x8CB92BA72F3D8DD7
"""Begins the further numbers of a draw that needs more than one."""
_STRIDE, _SERVER, _FURTHER = np.uint64(STRIDE), np.uint64(SERVER), np.uint64(FURTHER)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _33 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(33)
_UNIT = 2.0**-31


def seed_key(seed: int) -> int:
    """The key of a seed of any size: 64 bits."""
    key = 0
    for shift in range(0, max(seed.bit_length(), 1), 64):
        key = mix_int(key + ((seed >> shift) & WORD) + STRIDE)
    return key


def mix_int(z: int) -> int:
    """SplitMix64's mix of 64 bits, in Python's numbers."""
    z &= WORD
    z = ((z ^ (z >> 30)) * int(_M1)) & WORD
    z = ((z ^ (z >> 27)) * int(_M2)) & WORD
    return z ^ (z >> 31)


@inlined
def mix(z: np.uint64) -> np.uint64:
    """SplitMix64's mix of 64 bits."""
    z = (z ^ (z >> _30)) * _M1
    z = (z ^ (z >> _27)) * _M2
    return z ^ (z >> _31)


@inlined
def server_key(key: np.uint64, server: int) -> np.uint64:
    """Where the numbers of a server begin."""
    return mix(key ^ mix(np.uint64(server) * _SERVER + _STRIDE))


@inlined
def unit(z: np.uint64) -> float:
    """A uniform number between 0 and 1, neither of them ever."""
    return float((np.float64(z >> _33) + 0.5) * _UNIT)


@compiled
def normal(p: float) -> float:
    """The quantile of the normal distribution, by Wichura's algorithm AS 241 (16 digits)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        upper = (
            (
                (
                    (
                        (
                            (2509.0809287301226727 * r + 33430.575583588128105) * r
                            + 67265.770927008700853
                        )
                        * r
                        + 45921.953931549871457
                    )
                    * r
                    + 13731.693765509461125
                )
                * r
                + 1971.5909503065514427
            )
            * r
            + 133.14166789178437745
        ) * r + 3.387132872796366608
        lower = (
            (
                (
                    (
                        (
                            (5226.495278852545925 * r + 28729.085735721942674) * r
                            + 39307.89580009271061
                        )
                        * r
                        + 21213.794301586595867
                    )
                    * r
                    + 5394.1960214247511077
                )
                * r
                + 687.1870074920579083
            )
            * r
            + 42.313330701600911252
        ) * r + 1.0
        return q * upper / lower
    r = math.sqrt(-math.log(p if q < 0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        upper = (
            (
                (
                    (
                        (
                            (7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r
                            + 0.24178072517745061177
                        )
                        * r
                        + 1.27045825245236838258
                    )
                    * r
                    + 3.64784832476320460504
                )
                * r
                + 5.7694972214606914055
            )
            * r
            + 4.6303378461565452959
        ) * r + 1.42343711074968357734
        lower = (
            (
                (
                    (
                        (
                            (1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r
                            + 0.0151986665636164571966
                        )
                        * r
                        + 0.14810397642748007459
                    )
                    * r
                    + 0.68976733498510000455
                )
                * r
                + 1.6763848301838038494
            )
            * r
            + 2.05319162663775882187
        ) * r + 1.0
    else:
        r -= 5.0
        upper = (
            (
                (
                    (
                        (
                            (2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
                            + 0.0012426609473880784386
                        )
                        * r
                        + 0.026532189526576123093
                    )
                    * r
                    + 0.29656057182850489123
                )
                * r
                + 1.7848265399172913358
            )
            * r
            + 5.4637849111641143699
        ) * r + 6.6579046435011037772
        lower = (
            (
                (
                    (
                        (
                            (2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r
                            + 1.8463183175100546818e-5
                        )
                        * r
                        + 7.868691311456132591e-4
                    )
                    * r
                    + 0.0148753612908506148525
                )
                * r
                + 0.13692988092273580531
            )
            * r
            + 0.59983220655588793769
        ) * r + 1.0
    return upper / lower if q >= 0 else -upper / lower


@compiled
def gamma(z: np.uint64, shape: float) -> float:
    """A gamma time of scale 1, by Marsaglia and Tsang, from the further numbers of one draw."""
    further = z ^ _FURTHER
    boosted = shape if shape >= 1.0 else shape + 1.0
    d = boosted - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        further += _STRIDE
        x = normal(unit(mix(further)))
        further += _STRIDE
        u = unit(mix(further))
        v = (1.0 + c * x) ** 3
        if v > 0.0 and math.log(u) < 0.5 * x * x + d - d * v + d * math.log(v):
            break
    if shape >= 1.0:
        return d * v
    return d * v * math.pow(unit(z), 1.0 / shape)


@inlined
def time_of(z: np.uint64, place: int, a: Arrays) -> float:
    """How long a server stays at a place, in seconds, by one draw."""
    family, first, second = a.families[place], a.firsts[place], a.seconds[place]
    if family == EXPONENTIAL:
        return float(-math.log(unit(z)) * first)
    if family == CONSTANT:
        return float(first)
    if family == LOGNORMAL:
        return math.exp(first + second * normal(unit(z)))
    if family == GAMMA:
        return float(gamma(z, second) * first)
    if family == EMPIRICAL:
        number = int(unit(z) * a.sample_count[place])
        return float(a.samples[a.sample_from[place] + number])
    return float(first * math.pow(-math.log(unit(z)), second))
