"""Values of JSON, decoded one by one from a text of any size, with bounds on each of them.

The rows are objects; they stand in a list, in an object that wraps a list, or one after the other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.records.sources import MAX_ROW, RecordSource

Names = tuple[str, ...]
Row = tuple[Names, Sequence[object]]
LIST: Names = ("[",)
"""The names of the row that begins a list; its values are the names and values beside the list, or
nothing for a table."""
MORE: Names = ("…",)
"""The names of the row after a list that goes on in the next one: a page."""
MAX_DEPTH = 64
MAX_COLUMNS = 10_000
CHUNK = 1 << 16
WRAPPERS = ("changes", "servers", "instanceActions")
"""Keys whose list holds the rows."""
INSIDE = ("server", "instanceAction")
"""Keys whose object is the row."""
SPACE = " \t\r\n"


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not a number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


DECODER = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite)


def reason(error: Exception) -> str:
    """Return what is wrong with a text that does not decode."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if "integer string conversion" in str(error):
        return "a number out of range"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def check_depth(value: object, source: RecordSource) -> None:
    """Raise for what is nested deeper than any cloud does."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner += [v for v in one.values() if isinstance(v, dict | list)]
            elif isinstance(one, list):
                inner += [v for v in one if isinstance(v, dict | list)]
        if not inner:
            return
        level = inner
    raise source.error(f"not valid JSON (nested more than {MAX_DEPTH} deep)")


class JsonText:
    """Values of JSON one after the other, decoded one by one from a buffer of bounded size."""

    def __init__(self, source: RecordSource) -> None:
        self._source = source
        self._pieces = source.pieces(CHUNK)
        self._text, self._at, self._ended = "", 0, False
        source.line = 1

    def rows(self) -> Iterator[Row]:
        """The rows in all values."""
        while self._peek():
            if self._text[self._at] == "[":
                yield LIST, ((), ())
                yield from self._list()
                continue
            value = self._value(whole=False)
            if value is None:
                yield from self._object()
            else:
                self._source.answers |= answers(value)
                yield from unwrapped(value)

    def _peek(self) -> str:
        """The next character that is not white space, "" at the end."""
        while True:
            text, at, end = self._text, self._at, len(self._text)
            while at < end and text[at] in SPACE:
                at += 1
            self._moved(at)
            if at < end:
                return text[at]
            if not self._fill():
                return ""

    def _moved(self, at: int) -> None:
        self._source.line += self._text.count("\n", self._at, at)
        self._at = at

    def _fill(self) -> bool:
        """Read on; as much again as there is, so that what is long is not decoded often."""
        rest = self._text[self._at :]
        pieces = [rest]
        size = 0
        while size <= len(rest) and not self._ended:
            piece = next(self._pieces, None)
            self._ended = piece is None
            pieces.append(piece or "")
            size += len(piece or "")
        self._text, self._at = "".join(pieces), 0
        return size > 0

    def _value(self, *, whole: bool = True) -> object:
        """The next value, decoded; None for one over the bound where that need not be `whole`."""
        self._peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise self._wrong(error) from None
            except ValueError as error:
                if self._incomplete(error):
                    if len(self._text) - self._at <= MAX_ROW:
                        if self._fill():
                            continue
                    elif whole:
                        raise self._source.too_long() from None
                    else:
                        return None
                raise self._wrong(error) from None
            if end - self._at > MAX_ROW:
                raise self._source.too_long()
            begun = self._at
            if self._text.count("[", begun, end) + self._text.count("{", begun, end) > MAX_DEPTH:
                check_depth(value, self._source)
            self._moved(end)
            return value

    def _incomplete(self, error: ValueError) -> bool:
        """Whether a value may only be cut off by the end of the buffer."""
        if self._ended or not isinstance(error, json.JSONDecodeError):
            return False
        return error.msg.startswith("Unterminated") or error.pos >= len(self._text) - 12

    def _wrong(self, error: Exception) -> InvalidInput:
        if isinstance(error, json.JSONDecodeError) and error.pos > self._at:
            self._moved(min(error.pos, len(self._text)))
        return self._source.error(f"not valid JSON ({reason(error)})")

    def _list(self) -> Iterator[Row]:
        """The rows of a list that begins here."""
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            if self._peek() not in ("{", ""):
                raise self._source.error("a row is an object")
            value = self._value()
            if not isinstance(value, dict):
                raise self._source.error("a row is an object")
            yield from unwrapped(value)
            after = self._peek()
            self._at += 1
            if after == "]":
                return
            if after != ",":
                raise self._source.error("not valid JSON (expected , or ] after a row)")

    def _object(self) -> Iterator[Row]:
        """The rows of an object over the bound: those of the list in it."""
        self._at += 1
        beside: dict[str, object] = {}
        while self._peek() == '"':
            key = self._value()
            if self._peek() != ":":
                raise self._source.error("not valid JSON (expected : after a key)")
            self._at += 1
            if self._peek() == "[" and key in WRAPPERS:
                self._source.answers |= key == "servers"
                yield LIST, (tuple(beside), tuple(beside.values()))
                yield from self._list()
            else:
                beside[str(key)] = self._value()
            if len(beside) > MAX_COLUMNS:
                raise self._source.error(f"more than {MAX_COLUMNS} columns")
            after = self._peek()
            self._at += 1
            if after == "}":
                yield from _pages(beside)
                return
            if after != ",":
                raise self._source.error("not valid JSON (expected , or } after a value)")
        raise self._source.error("not valid JSON (expected a key)")


def answers(value: object) -> bool:
    """Return whether a value is an answer of an API with one server or a list of servers."""
    if not isinstance(value, dict):
        return False
    return isinstance(value.get("server"), dict) or isinstance(value.get("servers"), list)


def unwrapped(value: object) -> Iterator[Row]:
    """The rows of a decoded object: itself, the object in it, or those of the list in it."""
    if not isinstance(value, dict):
        yield (), (value,)
        return
    for key in WRAPPERS:
        inside = value.get(key)
        if isinstance(inside, list):
            beside = {name: v for name, v in value.items() if name != key}
            yield LIST, (tuple(beside), tuple(beside.values()))
            for row in inside:
                if isinstance(row, dict):
                    yield tuple(row), list(row.values())
                else:
                    yield (), (row,)
            yield from _pages(beside)
            return
    for key in INSIDE:
        inside = value.get(key)
        if isinstance(inside, dict):
            value = {**{n: v for n, v in value.items() if n != key}, **inside}
    yield tuple(value), list(value.values())


def _pages(beside: dict[str, object]) -> Iterator[Row]:
    """The mark that a list goes on, if there are links to what comes next."""
    for name, links in beside.items():
        if not name.endswith("_links") or not isinstance(links, list):
            continue
        if any(isinstance(link, dict) and link.get("rel") == "next" for link in links):
            yield MORE, ()
