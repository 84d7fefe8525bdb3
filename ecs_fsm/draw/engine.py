"""The program that lays out and paints DOT text: `graphviz-pure`, which comes as a Python package.

It writes the same bytes on every machine, so everybody gets the same picture; an installed Graphviz
can be chosen instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from shutil import which
from subprocess import CalledProcessError
from threading import RLock

from ecs_fsm.core.errors import InvalidInput

PURE = "graphviz-pure"
_driving = RLock()


def painted(text: str, form: str, program: str | None = None) -> bytes:
    """What the engine makes of DOT text: `form` is one of its output formats, such as svg or png.

    The text names its layout. `program` is the name or path of an installed `dot`. Raises
    `InvalidInput` where the engine is missing or does not know the format.
    """
    import graphviz

    with engine(program):
        try:
            made: bytes = graphviz.pipe("dot", form, text.encode(), quiet=True)
        except (CalledProcessError, OSError) as error:
            said = getattr(error, "stderr", b"") or str(error).encode()
            why = " ".join(said.decode(errors="replace").split())
            raise InvalidInput(f"{program or PURE} could not draw {form}: {why}") from error
    if not made:
        raise InvalidInput(f"{program or PURE} could not draw {form}: it wrote nothing")
    return made


@contextmanager
def engine(program: str | None = None) -> Iterator[Path]:
    """Let the `graphviz` package run our engine, or `program`, as long as the context lasts.

    Whatever draws by that package draws with it then, also `transitions`' own diagrams.
    """
    from graphviz.backend import dot_command

    path = found(program)
    with _driving:
        before, dot_command.DOT_BINARY = dot_command.DOT_BINARY, path
        try:
            yield path
        finally:
            dot_command.DOT_BINARY = before


def found(program: str | None = None) -> Path:
    """Where the engine is. Raises `InvalidInput` that says what to install."""
    if program is not None:
        chosen = which(program)
        if chosen is None:
            raise InvalidInput(f"there is no program {program!r}; leave --engine out to use {PURE}")
        return Path(chosen)
    try:
        listed = files(PURE) or []
    except PackageNotFoundError:
        listed = []
    for file in listed:
        if file.stem == PURE and (path := Path(str(file.locate()))).is_file():
            return path
    raise InvalidInput(f"{PURE} is not installed: pip install {PURE}, or name a dot by --engine")
