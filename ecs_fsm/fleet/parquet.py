"""Writes what happened in a fleet to Parquet, piece by piece: no more than a piece is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ecs_fsm.fleet.result import ATTRIBUTES, Result, shown
from ecs_fsm.io.files import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecs_fsm.core.model import State
    from ecs_fsm.fleet.engine import Rows
    from ecs_fsm.fleet.running import Taker


@contextmanager
def events_into(path: str, states: Sequence[State], events: Sequence[str]) -> Iterator[Taker]:
    """Something that takes changes and writes them: server, seconds, event, the three attributes.

    The file is complete once this ends, also where it ends early.
    """
    words = {attribute: [shown(s, attribute) for s in states] for attribute in ATTRIBUTES}
    fields = [("server", pa.int64()), ("seconds", pa.float64())]
    texts = [(name, pa.dictionary(pa.int16(), pa.string())) for name in ("event", *ATTRIBUTES)]
    schema = pa.schema([*fields, *texts])
    with replacing(path, partly=True) as beside, pq.ParquetWriter(beside, schema) as writer:

        def take(rows: Rows) -> None:
            columns = [pa.array(rows.servers), pa.array(rows.times)]
            columns.append(_dictionary(rows.events, list(events)))
            columns += [_dictionary(rows.states, words[name]) for name in ATTRIBUTES]
            if len(rows.servers):
                writer.write_table(pa.table(columns, schema=schema))

        yield take


def write_counts(path: str, result: Result) -> None:
    """The servers in each state at each time: seconds, the three attributes, servers."""
    counts = result.by_state()
    used = [n for n in range(counts.shape[1]) if counts[:, n].any()]
    states = [result.compiled.states[n] for n in used]
    points = len(result.times)
    columns: dict[str, object] = {"seconds": np.repeat(result.times, len(used))}
    for name in ATTRIBUTES:
        columns[name] = pa.array([shown(s, name) for s in states] * points).dictionary_encode()
    columns["servers"] = counts[:, used].ravel()
    with replacing(path) as beside:
        pq.write_table(pa.table(columns), beside)


def _dictionary(numbers: object, words: list[str]) -> object:
    return pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(words))
