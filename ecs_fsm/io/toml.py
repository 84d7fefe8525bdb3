"""TOML files as people write them: read as text, parsed, and every error with its file and line.

The parser of the standard library does not tell where a key stood; `Lines` finds it again, so that
whoever reads waiters, claims, lessons or the like can name the line of what is wrong.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from ecs_fsm.core.errors import InvalidInput, unknown

_OF_SEVERAL_LINES = ('"""', "'''")
_MARK = re.compile(r'''"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|#''')


Row = Mapping[str, object]


def read_text(file: str, expected: str) -> tuple[str, str]:
    """The text of a file and its name in messages, `-` for standard input.

    Raises `InvalidInput` for what is no text, and `OSError`.
    """
    if file != "-":
        return decoded(Path(file).read_bytes(), file, expected), file
    if sys.stdin is None:
        raise InvalidInput("standard input is closed")
    name = "standard input"
    return decoded(sys.stdin.buffer.read(), name, expected), name


def decoded(data: bytes, file: str, expected: str) -> str:
    """The text of a file. Raises `InvalidInput` with the line of what is no UTF-8."""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidInput(f"{file}, line {line}: this is not UTF-8 text; {expected}") from None


def parsed(text: str, file: str, expected: str) -> Mapping[str, object]:
    """The content of a TOML text. Raises `InvalidInput` that ends with what was `expected`."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InvalidInput(f"{file}, line 1: this is nested too deep; {expected}") from None
    except ValueError as error:
        raise InvalidInput(_not_toml(str(error), text, file, expected)) from None


def _not_toml(message: str, text: str, file: str, expected: str) -> str:
    found = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)", message)
    line = int(found[1]) if found and found[1] else len(text.splitlines()) if found else 1
    told = message[: found.start()] if found else message
    return f"{file}, line {max(line, 1)}: this is not TOML ({told}); {expected}"


class Lines:
    """Where the tables `[[table]]` of a TOML text stand, and their keys."""

    def __init__(self, text: str, file: str, table: str) -> None:
        self.file = file
        self._table = table
        self._lines = list(_outside_strings(text))
        header = re.compile(rf"\s*\[\[\s*([\"']?){table}\1\s*\]\]")
        self._tables = [n for n, line in enumerate(self._lines, 1) if header.match(line)]

    def of_table(self, number: int) -> int:
        """The line where a table begins; where it is written otherwise, that of its key."""
        if number < len(self._tables):
            return self._tables[number]
        return self._find(self._table, 1, len(self._lines)) or 1

    def error(self, wrong: str, table: int | None = None, key: str | None = None) -> InvalidInput:
        """An error at the line of a key of a table, as far as it is known."""
        line = 1 if table is None else self.of_table(table)
        following = [other for other in self._tables if other > line]
        end = len(self._lines) if table is None or not following else following[0] - 1
        line = (self._find(key, line, end) if key else None) or line
        return InvalidInput(f"{self.file}, line {line}: {wrong}")

    def _find(self, key: str, first: int, last: int) -> int | None:
        below = rf"(?:[\"']?{self._table}[\"']?\s*\.\s*)?"
        written = re.compile(rf"\s*\[*\s*{below}([\"']?){re.escape(key)}\1\s*[=\].]")
        numbered = enumerate(self._lines[first - 1 : last], first)
        return next((number for number, line in numbered if written.match(line)), None)


class Tables(Lines):
    """The tables `[[table]]` of a text that holds nothing else, as its `rows`, in order.

    Raises `InvalidInput` for a text that is no TOML, that has no such table or anything besides;
    `expected` is what it says was expected.
    """

    def __init__(self, text: str, file: str, table: str, expected: str) -> None:
        content = parsed(text, file, expected)
        super().__init__(text, file, table)
        for key in content:
            if key != table:
                raise self.error(str(unknown("key", key, [table])), key=key)
        rows = content.get(table, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.error(f"{table} is no array of tables; {expected}", key=table)
        if not rows:
            raise InvalidInput(f"{file}, line 1: there is no {table}; {expected}")
        self.rows: list[Row] = rows


def _outside_strings(text: str) -> Iterator[str]:
    """The lines of a text, those that begin inside a string of several lines left blank."""
    inside = ""
    for line in text.split("\n"):
        yield "" if inside else line
        rest = line
        while rest:
            if inside:
                _, closed, rest = rest.partition(inside)
                inside = "" if closed else inside
            elif (found := _MARK.search(rest)) and found[0] != "#":
                rest = rest[found.end() :]
                inside = found[0] if found[0] in _OF_SEVERAL_LINES else ""
            else:
                break
