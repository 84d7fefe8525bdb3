"""Lifecycles by name: modules and files of this package, and what other packages offer.

A package offers a lifecycle by an entry point of the group `ecs_fsm.lifecycles`, whose name is that
of the lifecycle, and which leads to a `Lifecycle` or to the path of a file.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.lifecycles import ENDING, GROUP, NAMES, load, server_class

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

HERE = Path(__file__).parent


@cache
def _files() -> dict[str, Path]:
    """The lifecycle files of this package by name; a side file has two dots in its name."""
    files = sorted(HERE.glob(f"*{ENDING}"))
    return {file.stem: file for file in files if "." not in file.stem}


@cache
def _offered() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # 2 MB

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def names() -> tuple[str, ...]:
    """Return the names of all lifecycles, each once."""
    return tuple(dict.fromkeys((*NAMES, *_files(), *_offered())))


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
    if isinstance(offered, str | Path):
        return load(offered)
    wrong = f"as {type(offered).__name__}; expected a Lifecycle or the path of a file"
    raise InvalidInput(f"{offers} {wrong}")


def option_of(lifecycle: Lifecycle) -> str:
    """Return what the option `--lifecycle` calls a lifecycle: its name, or else its file."""
    if not lifecycle.file or _files().get(lifecycle.name) == Path(lifecycle.file):
        return lifecycle.name
    return lifecycle.file


def side_file(lifecycle: Lifecycle, kind: str) -> Path | None:
    """Return the file beside a lifecycle's own that has its name and `kind`, if there is one.

    Beside `volume.toml` the claims stand in `volume.claims.toml`.
    """
    if not lifecycle.file:
        return None
    beside = Path(lifecycle.file).with_suffix(f".{kind}{ENDING}")
    return beside if beside.is_file() else None
