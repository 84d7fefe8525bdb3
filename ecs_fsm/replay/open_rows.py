"""The rows of open changes, on the disk: there are many where a server never settles.

Rows are written one behind the other, each with the place of the server's row before it, so a
server's rows are read back from its last one. The latest rows are still in memory, and most changes
are decided while theirs are.
"""

from __future__ import annotations

import tempfile

BUFFER = 1 << 16
"""Bytes written at once. Fewer stay in memory, without a file."""
USUAL = 1 << 9
"""Bytes that most rows have at most."""


class OpenRows:
    """Texts of one line each. `add` returns the place of a text, `read` the texts up to a place."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(BUFFER)  # noqa: SIM115  # as long as this lives
        self._written = 0
        self._latest = bytearray()

    def add(self, text: str, before: int) -> int:
        """Keep a text without line breaks, and the place of the one before it. Return its place."""
        if len(self._latest) > BUFFER:
            self._file.seek(self._written)
            self._file.write(self._latest)
            self._written += len(self._latest)
            self._latest.clear()
        place = self._written + len(self._latest)
        self._latest += f"{before} {text}\n".encode(errors="surrogatepass")
        return place

    def read(self, place: int, count: int) -> list[str]:
        """Return `count` texts, the last of them at a place, in the order in which they came."""
        texts = []
        for _ in range(count):
            before, text = self._line(place).decode(errors="surrogatepass").split(" ", 1)
            texts.append(text)
            place = int(before)
        texts.reverse()
        return texts

    def close(self) -> None:
        """Give the rows up."""
        self._file.close()

    def _line(self, place: int) -> bytes | bytearray:
        if (start := place - self._written) >= 0:
            return self._latest[start : self._latest.index(b"\n", start)]
        self._file.seek(place)
        found = self._file.read(USUAL)
        while (end := found.find(b"\n")) < 0:
            found += self._file.read(len(found))
        return found[:end]
