"""Where a key stands in a TOML text, which its parser does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence

_HEADER = re.compile(r"\s*\[(?!\[)(.+?)\]\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")


def line_of(text: str, path: Sequence[str]) -> int:
    """The line of the key that `path` leads to, or of the nearest table around it."""
    best, found = 0, 1
    for number, written in _keys(text):
        common = 0
        for one, other in zip(written, path, strict=False):
            if one != other:
                break
            common += 1
        if common == min(len(written), len(path)) and common > best:
            best, found = common, number
    return found


def _keys(text: str) -> Iterator[tuple[int, list[str]]]:
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            yield number, table
        elif key := _KEY.match(line):
            yield number, [*table, *_parts(key[1])]


def _parts(written: str) -> list[str]:
    try:
        inner: object = tomllib.loads(f"{written} = 0")
    except tomllib.TOMLDecodeError:
        return []
    parts: list[str] = []
    while isinstance(inner, dict):
        ((name, inner),) = inner.items()
        parts.append(name)
    return parts
