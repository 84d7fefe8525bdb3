"""Random numbers that depend on the seed, the server's number and the draw's number only.

The k-th number of a server is the SplitMix64 mix of (key of the server + k times an odd constant).
It is a function of a counter, not the next output of a shared generator: no server depends on how
many numbers another one drew, so any part of a fleet can be simulated by any thread, process or
machine, and comes to the same. A time is made of 31 of these bits by additions and multiplications
alone, which every processor rounds alike, and which a compiler turns into vector instructions: an
exponential one by a polynomial for the logarithm, a lognormal, Weibull or gamma one by its quantile
function, tabulated as cubic polynomials. Servers that compete for room are moved one jump at a time
instead, by `sojourn_time` and `choose`: the upper 31 bits of a draw give the time of a sojourn, the
lower 32 the jump that ends it. Sources: Steele, Lea, Flood (2014), OOPSLA, for
SplitMix64; Salmon et al. (2011), SC11, for counter-based generators.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.profiles.durations import Duration, Family

Floats = NDArray[np.float32]

WORD = (1 << 64) - 1
STRIDE = 0x9E3779B97F4A7C15
"""The odd constant between two draws: 2**64 divided by the golden ratio."""
SERVER = 0xD1B54A32D192ED03
"""The odd constant between the keys of two servers, before they are mixed."""
FACTORS = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""The factors of SplitMix64's mix."""
BITS = 31
"""The random bits of a time, and of an arrival."""
PIECES = 16
"""The pieces of a quantile function between one distance from its end and the double."""
OCTAVES, TERMS = 32, 4
"""The doublings of the distance, and the coefficients of a piece."""
CURVE = 2 * OCTAVES * PIECES * TERMS
"""The coefficients of a quantile function."""
MOST = 1e30
"""The largest value of a quantile function, in units of its scale."""


def seed_key(seed: int) -> int:
    """Return the 64-bit key of a seed of any size."""
    key = 0
    for shift in range(0, max(seed.bit_length(), 1), 64):
        key = mix_int(key + ((seed >> shift) & WORD) + STRIDE)
    return key


def mix_int(z: int) -> int:
    """Return SplitMix64's mix of 64 bits, in Python's integers."""
    z &= WORD
    z = ((z ^ (z >> 30)) * FACTORS[0]) & WORD
    z = ((z ^ (z >> 27)) * FACTORS[1]) & WORD
    return z ^ (z >> 31)


def curve(time: Duration) -> tuple[float, Floats]:
    """Return the scale of a lognormal, Weibull or gamma time, and its quantile function over it.

    The function is given as cubic polynomials (`CURVE` coefficients): pieces by their distance from
    0, then pieces by their distance from 1, `PIECES` for each doubling of the distance, so that
    tails are as precise as the middle.
    """
    nodes = (1 - np.cos(np.pi * (np.arange(TERMS) + 0.5) / TERMS)) / 2
    octave, piece = np.divmod(np.arange(OCTAVES * PIECES), PIECES)
    distance = 2.0 ** (octave[:, None] - 1) * (1 + (piece[:, None] + nodes) / PIECES)
    scale, values = _quantiles(time, distance / 2.0**BITS)
    values = np.minimum(values, MOST).reshape(-1, TERMS)
    powers = np.vander(nodes, increasing=True)
    return scale, np.linalg.solve(powers, values.T).T.ravel().astype(np.float32)


def _quantiles(time: Duration, share: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The scale of a time, and its quantiles at these shares and at 1 minus these shares."""
    scale, shape = time.parameters()
    if time.family is Family.LOGNORMAL:
        normal = np.vectorize(NormalDist().inv_cdf)(share)
        with np.errstate(over="ignore"):
            return float(np.exp(scale)), np.exp(shape * np.stack([normal, -normal]))
    if time.family is Family.WEIBULL:
        hazards = np.stack([-np.log1p(-share), -np.log(share)])
        with np.errstate(over="ignore"):
            return scale, hazards**shape
    from scipy.special import gammainccinv, gammaincinv  # it takes a while to import

    return scale, np.stack([gammaincinv(shape, share), gammainccinv(shape, share)])
