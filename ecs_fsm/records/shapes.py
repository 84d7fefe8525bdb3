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
from io import StringIO
from itertools import chain, groupby
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
MOST_QUOTED = 1 << 18
"""Characters of a block that grows as a cell goes on in the next one, at most."""
MOST_JUDGED = 100
"""ColumnBlock by whose names the delimiter is found."""
BLANK = SPACE + "\0"
DELIMITERS = {",": "CSV", "\t": "TSV", ";": "CSV with ;", "|": "CSV with |"}


class ColumnBlock(NamedTuple):
    """Some rows as the names of their columns with all values of each; `texts`: all are texts."""

    names: Names
    values: Sequence[Sequence[object]]
    texts: bool = False


class NotInBlocks(Exception):
    """Rows have to be read one by one: they are unusual, or not valid."""


class Shaped(NamedTuple):
    """What holds the rows, in the report's words, and the rows.

    `blocks` reads them in blocks, from the beginning of the source; it raises `NotInBlocks` where
    they have to be read one by one.
    """

    title: str
    rows: Iterator[Row]
    blocks: Callable[[], Iterator[ColumnBlock]] | None = None


def shaped(source: RecordSource, known: Callable[[Sequence[str]], int]) -> Shaped:
    """Return the rows of a file; `known` counts the names of columns that it knows.

    Raise `InvalidInput` with file and line for what does not read, also later.
    """
    packed = " (gzip)" if source.packed else ""
    if source.is_parquet:
        return Shaped("Parquet" + packed, _parquet(source), lambda: _batches(source))
    begin = source.first_character
    lines = source.lines()
    try:
        first = "" if begin == "[" else next((line for line in lines if line.strip(BLANK)), "")
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
        rows = _json_lines(source, chain((first,), lines))
        return Shaped("JSON Lines" + packed, rows, lambda: _json_blocks(source))
    if not first:
        raise InvalidInput(f"{source.name}: the file is empty; expected rows as CSV or JSON")
    delimiter = _delimiter(first, known)
    rows = _table(source, chain((first,), lines), delimiter)
    title = DELIMITERS[delimiter] + packed
    return Shaped(title, rows, lambda: _table_blocks(source, delimiter))


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


def _table_blocks(source: RecordSource, delimiter: str) -> Iterator[ColumnBlock]:
    csv.field_size_limit(MAX_ROW)
    header: list[str] | None = None
    names: Names = ()
    once_more = ""
    for block in _quoted_whole(source):
        if header is not None and once_more not in block:
            columns = _plain_columns(block, delimiter, len(names))
            if columns is not None:
                yield ColumnBlock(names, columns, texts=True)
                continue
        try:
            rows = list(csv.reader(StringIO(block), delimiter=delimiter, strict=True))
        except csv.Error:
            raise NotInBlocks from None
        if header is None:
            header = next((row for row in rows if "".join(row).strip(BLANK)), None)
            if header is None:
                continue
            rows = rows[rows.index(header) :]
            once_more = delimiter.join(header)
            names = tuple(name.strip() for name in header)
            if len(names) > MAX_COLUMNS:
                raise NotInBlocks
        if header in rows:  # once more where files are put one after the other
            rows = [row for row in rows if row != header]
        if set(map(len, rows)) != {len(names)}:
            rows = [row for row in rows if len(row) > 1 or "".join(row).strip(SPACE)]
            if any(len(row) != len(names) for row in rows):
                raise NotInBlocks
        if rows:
            yield ColumnBlock(names, list(zip(*rows, strict=True)), texts=True)


def _plain_columns(block: str, delimiter: str, width: int) -> list[list[str]] | None:
    """The columns of a block in which nothing is quoted, several times as fast as row by row.

    None where a row has another number of columns.
    """
    text = block if block.endswith("\n") else f"{block}\n"
    text = text.replace("\r\n", "\n")
    if '"' in text or "\r" in text:
        return None
    cells = text.replace("\n", f"{delimiter}\n{delimiter}").split(delimiter)
    # Each end of a line is a cell now, and stands where the row ends if all rows are that wide.
    del cells[-1]
    if {*cells[width :: width + 1]} != {"\n"} or len(cells) != text.count("\n") * (width + 1):
        return None
    return [cells[n :: width + 1] for n in range(width)]


def _quoted_whole(source: RecordSource) -> Iterator[str]:
    """The text in blocks of whole lines, where a cell may go on in the next line."""
    begun = ""
    for text in source.blocks():
        block = begun + text
        begun = block if block.count('"') % 2 else ""
        if not begun:
            yield block
        elif len(begun) > MOST_QUOTED:
            raise NotInBlocks
    if begun:
        raise NotInBlocks


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


def _json_blocks(source: RecordSource) -> Iterator[ColumnBlock]:
    import msgspec

    decode = msgspec.json.Decoder().decode
    for block in source.blocks():
        lines = block.split("\n")
        if not lines[-1]:
            del lines[-1]
        if "" in lines:
            lines = list(filter(None, lines))
        try:
            rows = list(map(decode, lines))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise NotInBlocks from None
        if block.count("{") + block.count("[") - len(lines) > MAX_DEPTH and any(
            line.count("{") + line.count("[") > MAX_DEPTH for line in lines
        ):
            raise NotInBlocks  # what may be nested too deeply
        if not set(map(type, rows)) <= {dict}:
            raise NotInBlocks
        # Nearly always there is one group: all rows have the same names.
        groups = groupby(rows, tuple) if len(set(map(tuple, rows))) > 1 else [(None, rows)]
        for names, several in groups:
            values = list(zip(*map(dict.values, several), strict=True))
            if not values and rows:
                raise NotInBlocks  # a row without columns
            if values:
                yield ColumnBlock(names or tuple(rows[0]), values)


def _parquet(source: RecordSource) -> Iterator[Row]:
    yield LIST, ()
    for names, columns, _ in _batches(source):
        for values in zip(*columns, strict=True):
            source.line += 1
            yield names, values


def _batches(source: RecordSource) -> Iterator[ColumnBlock]:
    require("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

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
            yield ColumnBlock(names, columns)
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
