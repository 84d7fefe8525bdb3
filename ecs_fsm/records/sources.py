"""Files of records as text: compressed or not, in UTF-8 or UTF-16, line by line, with bounds.

A source knows its name and its line for messages. It can be read a second time: a pipe is copied to
the disk while it is read.
"""

from __future__ import annotations

import gzip
import io
import sys
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO, cast

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.io.files import STANDARD_STREAM, error_at

MAX_ROW = 1 << 20
"""Characters that one row may take."""
IN_MEMORY = 1 << 20
BUFFER = 1 << 16
BLOCK = 1 << 15
HEAD = 8
GZIP, PARQUET, WORKBOOK = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
NAMES = {"utf-8": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}


class _Kept(io.RawIOBase):
    """A stream that stays open; what is read from one that cannot be read twice goes to `copy`."""

    def __init__(self, stream: BinaryIO, copy: IO[bytes] | None) -> None:
        self._stream, self._copy = stream, copy

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read what the stream has."""
        piece = self._stream.read(len(buffer))
        if self._copy is not None:
            self._copy.write(piece)
        buffer[: len(piece)] = piece
        return len(piece)


class RecordSource:
    """One file of a record, `-` for standard input; `stream` for one that is open.

    `answers` is set as soon as its rows stand where an API puts servers into its answers; `columns`
    are those of a table.
    """

    def __init__(self, path: str, stream: BinaryIO | None = None) -> None:
        self.name = "standard input" if path == STANDARD_STREAM else path
        self.line = self.header = 0
        self.answers = False
        self.columns: tuple[str, ...] = ()
        self._copy: IO[bytes] | None = None
        self._raw = stream or _opened(path)
        self._own = [] if stream or path == STANDARD_STREAM else [self._raw]
        try:
            self._begin()
        except InvalidInput:
            self.close()
            raise

    def _begin(self) -> None:
        """Find out how the file is packed and encoded."""
        if not self._raw.seekable():
            self._copy = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # read again
        self.line = 0
        packed = io.BufferedReader(cast(io.RawIOBase, _Kept(self._raw, self._copy)), BUFFER)
        try:
            head = packed.peek(HEAD)[:HEAD]
            self.packed = head.startswith(GZIP)
            if self.packed:
                opened = cast(io.RawIOBase, gzip.GzipFile(fileobj=packed))
                packed = io.BufferedReader(opened, BUFFER)
                head = packed.peek(HEAD)[:HEAD]
        except IsADirectoryError as error:
            raise InvalidInput(f"{self.name}: {error.strerror}") from None
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidInput(f"{self.name}: not valid gzip ({error})") from None
        if head.startswith(WORKBOOK):
            raise InvalidInput(f"{self.name}: a workbook or an archive; save it as CSV")
        self.is_parquet = head.startswith(PARQUET)
        self.encoding = "utf-8"
        for mark, encoding in BYTE_ORDER_MARKS.items():
            if head.startswith(mark):
                self.encoding = encoding
        if self.encoding == "utf-8" and len(head) > 1 and bool(head[0]) != bool(head[1]):
            self.encoding = "utf-16-le" if head[0] else "utf-16-be"  # ASCII, without a mark
        text = packed.peek(1).decode(self.encoding, "ignore")
        self.first_character = text.lstrip("\ufeff \t\r\n")[:1]
        self._stream = packed

    def close(self) -> None:
        """Close the file, if it was opened here."""
        for stream in self._own:
            stream.close()
        if self._copy is not None:
            self._copy.close()

    def rewind(self) -> None:
        """Begin again at the first line."""
        if self._copy is not None:
            while self._stream.read(IN_MEMORY):
                pass
            self._raw, self._copy = cast(BinaryIO, self._copy), None
            self._own.append(self._raw)
        self._raw.seek(0)
        self._begin()

    @property
    def position(self) -> int:
        """How many bytes of the file have been read."""
        return 0 if self._copy is not None or self._raw.closed else self._raw.tell()

    def binary(self) -> BinaryIO:
        """The file as bytes that can be read in any order."""
        if self._copy is None and not self.packed:
            self._raw.seek(0)
            return self._raw
        whole = cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
        self._own.append(whole)
        while piece := self._stream.read(IN_MEMORY):
            whole.write(piece)
        whole.seek(0)
        return whole

    def lines(self) -> Iterator[str]:
        """The lines as text, each with its end."""
        try:
            if self.encoding == "utf-8":
                yield from self._utf_8()
            else:
                yield from self._utf_16()
        except UnicodeError:
            raise self.error(f"not valid {NAMES[self.encoding]}") from None
        except (OSError, EOFError, zlib.error) as error:
            if not self.packed:
                raise
            raise self.error(f"not valid gzip ({error})") from None

    def _utf_8(self) -> Iterator[str]:
        readline = self._stream.readline
        self.line += 1
        text = readline(MAX_ROW + 1).decode("utf-8-sig")
        while text:
            if len(text) > MAX_ROW:
                raise self.too_long()
            yield text
            self.line += 1
            text = readline(MAX_ROW + 1).decode()

    def _utf_16(self) -> Iterator[str]:
        wrapped = io.TextIOWrapper(self._stream, self.encoding, newline="")
        self.line += 1
        while text := wrapped.readline(MAX_ROW + 1):
            if len(text) > MAX_ROW:
                raise self.too_long()
            yield text
            self.line += 1
        wrapped.detach()

    def pieces(self, size: int) -> Iterator[str]:
        """The text in pieces, whatever its lines."""
        import codecs

        decoder = codecs.getincrementaldecoder(
            "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        )()
        try:
            while piece := self._stream.read(size):
                yield decoder.decode(piece)
            yield decoder.decode(b"", final=True)
        except UnicodeError:
            raise self.error(f"not valid {NAMES[self.encoding]}") from None
        except (OSError, EOFError, zlib.error) as error:
            raise self.error(f"not valid gzip ({error})") from None

    def blocks(self) -> Iterator[str]:
        """The text in pieces that end with a line."""
        rest = ""
        for piece in self.pieces(BLOCK):
            end = piece.rfind("\n") + 1
            if len(rest) + (end or len(piece)) > MAX_ROW:
                raise self.too_long()  # or nearly so: who reads line by line decides
            if end:
                yield rest + piece[:end]
                rest = piece[end:]
            else:
                rest += piece
        if rest:
            yield rest

    def error(self, wrong: str, *, of_names: bool = False) -> InvalidInput:
        """An error at the present line; one `of_names` at the header, if there is one."""
        line = self.header if of_names and self.header else self.line
        return error_at(self.name, max(line, 1), wrong)

    def too_long(self) -> InvalidInput:
        """The error for a row over the bound."""
        return self.error(f"a row of more than {MAX_ROW} characters")


def _opened(path: str) -> BinaryIO:
    if path == STANDARD_STREAM:
        if sys.stdin is None:
            raise InvalidInput("standard input is closed")
        return sys.stdin.buffer
    try:
        return open(path, "rb")
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from None
