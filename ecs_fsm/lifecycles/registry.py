"""Lifecycles by name: modules and files of this package, and what other packages offer.

A package offers a lifecycle by an entry point of the group `ecs_fsm.lifecycles`, whose name is that
of the lifecycle, and which leads to a `Lifecycle` or to the path of a file.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from pathlib import Path

NAMES = ("ecs", "nova")
"""The names of the lifecycles whose tables are Python modules of this package."""
ENDING = ".toml"
"""How the name of a lifecycle file ends."""
GROUP = "ecs_fsm.lifecycles"
"""The group of the entry points that offer the lifecycles of installed packages."""


@cache
def _files() -> dict[str, Path]:
    """The lifecycle files of this package by name; a side file has two dots in its name."""
    from pathlib import Path  # a tenth of `import ecs_fsm`

    files = sorted(Path(__file__).parent.glob(f"*{ENDING}"))
    return {file.stem: file for file in files if "." not in file.stem}


@cache
def _offered() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # 2 MB

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def names() -> tuple[str, ...]:
    """Return the names of all lifecycles: of this package first, then of other packages."""
    return tuple(dict.fromkeys((*NAMES, *_files(), *_offered())))


def load(path: str | Path) -> Lifecycle:
    """Return the lifecycle that a file describes.

    Raise `InvalidInput` for a file that is not TOML, and `InvalidTable` with every fault of its
    table, each with its line.
    """
    from ecs_fsm.lifecycles.tablefile import read

    return read(str(path), find)


def server_class(name: str) -> type[BaseServer]:
    """Return the servers of the lifecycle of that name, or of a file whose name ends with `.toml`.

    Raise `InvalidInput` if there is none, and what `load` raises.
    """
    if name in NAMES:
        return cast(type[BaseServer], import_module(f"ecs_fsm.lifecycles.{name}").Server)
    return find(name).server_class()


def find(name: str) -> Lifecycle:
    """Return the lifecycle of that name, or of the file, which is read once.

    Raise `InvalidInput` if there is none.
    """
    if name in NAMES:
        return server_class(name).lifecycle
    if name in _files():
        return _loaded(str(_files()[name]))
    if name in _offered():
        return _from_package(name)
    if name.endswith(ENDING) or os.sep in name:
        return _loaded(name)
    raise unknown("lifecycle", name, names())


@cache
def _loaded(file: str) -> Lifecycle:
    return load(file)


@cache
def _from_package(name: str) -> Lifecycle:
    entry = _offered()[name]
    offers = f"{entry.dist.name if entry.dist else 'a package'} offers the lifecycle {name}"
    try:
        offered = entry.load()
    except Exception as error:
        raise InvalidInput(f"{offers}, which cannot be imported: {error}") from error
    if isinstance(offered, Lifecycle):
        return offered
    if isinstance(offered, str | os.PathLike):
        return load(os.fspath(offered))
    wrong = f"as {type(offered).__name__}; expected a Lifecycle or the path of a file"
    raise InvalidInput(f"{offers} {wrong}")


def option_of(lifecycle: Lifecycle) -> str:
    """Return what the option `--lifecycle` calls a lifecycle: its name, or else its file."""
    shipped = _files().get(lifecycle.name)
    if not lifecycle.file or str(shipped) == lifecycle.file:
        return lifecycle.name
    return lifecycle.file


def side_file(lifecycle: Lifecycle, kind: str) -> Path | None:
    """Return the file beside a lifecycle's own that has its name and `kind`, if there is one.

    Beside `volume.toml` the claims stand in `volume.claims.toml`.
    """
    from pathlib import Path

    if not lifecycle.file:
        return None
    beside = Path(lifecycle.file).with_suffix(f".{kind}{ENDING}")
    return beside if beside.is_file() else None
