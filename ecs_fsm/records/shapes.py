"""The rows in a file, whatever holds them: a table in text, JSON in all its forms, Parquet.

Every shape gives rows as the names of their columns with the values. `LIST` begins each list of
rows: a list of servers is complete, so a server that is not in it does not exist.
"""

from __future__ import annotations

import csv
import json
import math
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput, require
from ecs_fsm.records.json_text import (
    DECODER,
    INSIDE,
    LIST,
    MAX_COLUMNS,
    MAX_DEPTH,
    SPACE,
    WRAPPERS,
    JsonText,
    Names,
    Row,
    check_depth,
    reason,
)
from ecs_fsm.records.sources import MAX_ROW, RecordSource

MAX_BATCH = 1 << 28
"""Bytes that a group of rows in Parquet may take."""
MOST_JUDGED = 100
"""Columns by whose names the delimiter is found."""
DELIMITERS = {",": "CSV", "\t": "TSV", ";": "CSV with ;", "|": "CSV with |"}


class Shaped(NamedTuple):
    """What holds the rows, in the report's words, and the rows."""

    title: str
    rows: Iterator[Row]


def shaped(source: RecordSource, known: Callable[[Sequence[str]], int]) -> Shaped:
    """Return the rows of a file; `known` counts the names of columns that it knows.

    Raise `InvalidInput` with file and line for what does not read, also later.
    """
    packed = " (gzip)" if source.packed else ""
    if source.is_parquet:
        return Shaped("Parquet" + packed, _parquet(source))
    begin = source.first_character
    lines = source.lines()
    try:
        blank = SPACE + "\0"
        first = "" if begin == "[" else next((line for line in lines if line.strip(blank)), "")
    except InvalidInput:
        if begin != "{":
            raise
        first = "{"  # a row over the bound: what it wraps may be read piece by piece
    if begin and begin in "[{":
        row = None if begin == "[" or first == "{" else _whole(first)
        keys = (*WRAPPERS, *INSIDE)
        if row is None or any(isinstance(row.get(key), dict | list) for key in keys):
            source.rewind()
            title = "JSON" if row is None else "JSON Lines"
            return Shaped(title + packed, JsonText(source).rows())
        return Shaped("JSON Lines" + packed, _json_lines(source, chain((first,), lines)))
    if not first:
        raise InvalidInput(f"{source.name}: the file is empty; expected rows as CSV or JSON")
    delimiter = _delimiter(first, known)
    rows = _table(source, chain((first,), lines), delimiter)
    return Shaped(DELIMITERS[delimiter] + packed, rows)


def _whole(line: str) -> dict[str, object] | None:
    """The object on a line, None where it goes on on the next."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None if line.count("}") < line.count("{") else {}
    return row if isinstance(row, dict) else {}


def _delimiter(line: str, known: Callable[[Sequence[str]], int]) -> str:
    """What separates the columns: what gives the most columns with known names."""
    best, most = ",", (0, 0)
    for delimiter in DELIMITERS:
        try:
            header = next(csv.reader([line], delimiter=delimiter))
        except (csv.Error, StopIteration):
            continue
        count = known(header[:MOST_JUDGED]), len(header)
        if count > most:
            best, most = delimiter, count
    return best


def _table(source: RecordSource, lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(MAX_ROW)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = next(rows)
        names = tuple(name.strip() for name in header)
        width = len(names)
        if width > MAX_COLUMNS:
            raise source.error(f"more than {MAX_COLUMNS} columns")
        source.header, source.columns = source.line, names
        yield LIST, ()
        for row in rows:
            if len(row) != width:
                if not row or (len(row) == 1 and not row[0].strip(SPACE)):
                    continue
                raise source.error(
                    f"{width} columns were expected, as in the header, not {len(row)}"
                )
            if row[0] == header[0] and row == header:
                yield LIST, ()  # files put one after the other
            else:
                yield names, row
    except csv.Error as error:
        raise source.error(f"not valid CSV ({error})") from None


def _json_lines(source: RecordSource, lines: Iterable[str]) -> Iterator[Row]:
    import msgspec  # several times as fast as the standard library

    fast, decode = msgspec.json.Decoder().decode, DECODER.decode
    last: Names = ()
    for line in lines:
        try:
            row: object = fast(line)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            try:  # what it does not take, or says in words of its own
                row = decode(line)
            except (ValueError, RecursionError) as error:
                if not line.strip():
                    continue
                raise source.error(f"not valid JSON ({reason(error)})") from None
        if not isinstance(row, dict):
            raise source.error("a row is an object")
        if line.count("{") + line.count("[") > MAX_DEPTH:
            check_depth(row, source)
        names = tuple(row)
        last = last if names == last else names  # the same object, which is found faster
        yield last, list(row.values())


def _parquet(source: RecordSource) -> Iterator[Row]:
    require("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    yield LIST, ()
    try:
        file = pq.ParquetFile(
            source.binary(),
            thrift_string_size_limit=1 << 24,
            thrift_container_size_limit=1 << 20,
        )
        names = tuple(file.schema_arrow.names)
        for number in range(file.metadata.num_row_groups):
            if file.metadata.row_group(number).total_byte_size > MAX_BATCH:
                raise source.error(f"a group of rows of more than {MAX_BATCH >> 20} MB")
        for batch in file.iter_batches(batch_size=4096):
            columns = [[_plain(v) for v in column.to_pylist()] for column in batch.columns]
            for values in zip(*columns, strict=True):
                source.line += 1
                yield names, values
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        if isinstance(error, InvalidInput):
            raise
        wrong = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidInput(f"{source.name}: not valid Parquet ({wrong})") from None


def _plain(value: object) -> object:
    """A value that JSON has as well; times as text."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)[:MAX_ROW]
