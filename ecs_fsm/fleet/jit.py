"""Compiles a function to machine code that holds no lock while it runs, once for all runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """The function, compiled when it is first called and kept on disk from then on."""
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def inlined(function: Function) -> Function:
    """The same for a small one, which is put into what calls it."""
    made = numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")(function)
    return cast(Function, made)
