"""TOML files as people write them, with errors that name the file and the line.

Waiters, claims, lessons and profiles are all read here. The parser of the standard library does
not keep positions, so `_lines` finds them when an error needs one: it parses statement by
statement, with that same parser, and notes the line where each one begins.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.io.files import error_at, opened

Row = Mapping[str, object]
KeyPath = tuple[str | int, ...]
"""The keys that lead to a value; in an array of tables, the number of the table from 0."""

MOST_BYTES = 1 << 20
"""Bytes that a file may have unless its reader has another bound."""
MAX_DEPTH = 64
MAX_NUMBER = (1 << 63) - 1
_LONG_CHAIN = re.compile(rf"(?:\.[ \t]*+[\w\-\"']++[ \t]*+){{{MAX_DEPTH}}}")
"""A key of so many parts takes the parser time and memory by the square of their number."""
_CLOSING = re.compile(r"[\]}]|\"\"\"|'''")
"""What the last line of a statement on several lines contains."""


MOST_TRIES = 500
"""Places at which a statement may seem to end; lines behind a longer one are not found."""


def shipped(package: str, name: str) -> dict[str, Any]:
    """Return the content of a file that comes with one of our packages."""
    from importlib import resources  # files of users are read without it

    return tomllib.loads((resources.files(package) / name).read_text(encoding="utf-8"))


class TomlFile:
    """The `content` of a TOML text that stands in `file`.

    Raises `InvalidInput` for a text that does not parse; `expected` ends that message.
    """

    def __init__(self, text: str, file: str, expected: str) -> None:
        self.file = file
        self.expected = expected
        self._text = text = text.replace("\r\n", "\n")
        if chain := _LONG_CHAIN.search(text):
            line = text.count("\n", 0, chain.start()) + 1
            raise error_at(file, line, f"nested more than {MAX_DEPTH} deep; {expected}")
        try:
            self.content: Row = tomllib.loads(text)
        except RecursionError:
            raise error_at(file, 1, f"nested too deeply; {expected}") from None
        except ValueError as error:
            raise self._not_toml(str(error)) from None
        self._check_bounds()

    def _check_bounds(self) -> None:
        """Raise for values nested too deeply, and for whole numbers beyond 64 bits."""
        level: list[tuple[KeyPath, object]] = [((), self.content)]
        for _ in range(MAX_DEPTH):
            inner: list[tuple[KeyPath, object]] = []
            for path, value in level:
                if isinstance(value, dict):
                    inner += [((*path, key), one) for key, one in value.items()]
                elif isinstance(value, list):
                    inner += [((*path, number), one) for number, one in enumerate(value)]
                elif isinstance(value, int) and abs(value) > MAX_NUMBER:
                    raise self.error("a whole number beyond 64 bits", *path)
            if not inner:
                return
            level = inner
        raise error_at(self.file, 1, f"nested more than {MAX_DEPTH} deep; {self.expected}")

    @classmethod
    def read(cls, file: str, expected: str, most: int = MOST_BYTES) -> TomlFile:
        """Read a file, `-` for standard input.

        Raise `InvalidInput` also for one that cannot be read, or with more than `most` bytes.
        """
        with opened(file) as (stream, name):
            data = stream.read(most + 1)
            if len(data) > most:
                raise InvalidInput(f"{name}: longer than {most} bytes; {expected}")
            return cls(decoded(data, name, expected), name, expected)

    def error(self, wrong: str, *path: str | int) -> InvalidInput:
        """The error at the line of the value that `path` leads to."""
        return error_at(self.file, self.line(*path), wrong)

    def line(self, *path: str | int) -> int:
        """The line of the value that `path` leads to, or of the nearest table around it."""
        ends = range(len(path), 0, -1)
        return next((self._lines[path[:end]] for end in ends if path[:end] in self._lines), 1)

    def tables(self, name: str) -> list[Row]:
        """The tables `[[name]]` of a file that holds nothing else, in order.

        Raises `InvalidInput` for a file without one, or with anything besides.
        """
        for key in self.content:
            if key != name:
                raise self.error(str(unknown("key", key, [name])), key)
        return self.array(name)

    def array(self, name: str) -> list[Row]:
        """The tables `[[name]]`, in order. Raise `InvalidInput` where there is none."""
        rows = self.content.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.error(f"{name} is not an array of tables; {self.expected}", name)
        if not rows:
            raise self.error(f"there is no {name}; {self.expected}")
        return rows

    def _not_toml(self, message: str) -> InvalidInput:
        found = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)", message)
        end = len(self._text.splitlines()) if found else 1
        line = int(found[1]) if found and found[1] else end
        reason = message[: found.start()] if found else message
        return error_at(self.file, max(line, 1), f"not valid TOML ({reason}); {self.expected}")

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        lines: dict[KeyPath, int] = {}
        tables: dict[KeyPath, int] = {}
        around: KeyPath = ()
        for line, statement in _statements(self._text):
            parsed = tomllib.loads(statement)
            if not statement.lstrip().startswith("["):
                for path in _paths(parsed):
                    lines.setdefault((*around, *path), line)
                continue
            # A header: its keys, each followed by the number of the array's latest table so far.
            around = ()
            *outer, last = _keys(parsed)
            for key in outer:
                around = (*around, key)
                lines.setdefault(around, line)
                around = (*around, tables[around] - 1) if around in tables else around
            around = (*around, last)
            lines.setdefault(around, line)
            if statement.lstrip().startswith("[["):
                number = tables.get(around, 0)
                tables[around] = number + 1
                around = (*around, number)
                lines[around] = line
        return lines


def decoded(data: bytes, file: str, expected: str) -> str:
    """The text of a file. Raises `InvalidInput` with the line of what is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise error_at(file, line, f"not valid UTF-8; {expected}") from None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The statements of a valid TOML text, each with its first line.

    A line that does not parse by itself is the beginning of a string or an array on several lines:
    as long as one of them is open, no parser accepts the lines so far, so the first lines that
    parse are the whole statement.
    """
    first, begun, tried = 1, "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if not begun:
            first = number
            if not line.strip() or line.lstrip().startswith("#"):
                continue
        begun += f"{line}\n"
        if first != number and not _CLOSING.search(line):
            continue
        tried = 0 if first == number else tried + 1
        if tried > MOST_TRIES:
            return
        try:
            tomllib.loads(begun)
        except tomllib.TOMLDecodeError:
            continue
        yield first, begun
        begun = ""


def _keys(parsed: Row) -> Iterator[str]:
    """The keys of a header, from the outermost table inwards."""
    inside: object = parsed
    while inside:
        if isinstance(inside, list):
            (inside,) = inside
        elif isinstance(inside, dict):
            ((key, inside),) = inside.items()
            yield key


def _paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The paths to everything in a value, itself first."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _paths(inner, (*path, number))
