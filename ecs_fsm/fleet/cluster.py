"""A Dask cluster as an executor: the extra `ecs-fsm[dask]` here, `ecs-fsm[fleet]` on its workers.

Dask repeats what a lost worker was doing; a chunk comes to the same wherever it is simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.fleet.extra import need

PATIENCE = 4
"""Seconds to wait for a scheduler."""


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """The cluster whose scheduler has that address. Raises `InvalidInput` where none answers."""
    need("distributed", extra="dask")
    from distributed import Client

    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        yield client.get_executor()
