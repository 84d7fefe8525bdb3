"""The files of a project that can hold waits: found by extension, bounded, and only read.

What version control ignores is passed over, and so are folders of other people's code. Links are
not followed, so that no circle of them keeps the search going.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ecs_fsm.core.errors import InvalidInput

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MOST_IGNORES = 1 << 16
"""Characters of a file of ignored paths that are read."""
GO, PYTHON, SHELL, PLAYBOOK = "Go", "Python", "shell", "Ansible"
LANGUAGES = {
    ".go": GO,
    ".py": PYTHON,
    ".sh": SHELL,
    ".bash": SHELL,
    ".yml": PLAYBOOK,
    ".yaml": PLAYBOOK,
}
VENDORED = frozenset(
    [
        "vendor",
        "node_modules",
        "site-packages",
        "__pycache__",
        "venv",
        ".venv",
        "env",
        ".env",
        ".tox",
        ".nox",
        ".eggs",
        "build",
        "dist",
        "third_party",
    ]
)
MOST_FILES = 50_000
MOST_BYTES = 2_000_000
IGNORES = ".gitignore"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to scan: where it is, its name relative to the path that was given, its language."""

    path: Path
    name: str
    language: str

    def read(self) -> bytes:
        """Return the content. Raise `OSError` where that is not possible."""
        with open(self.path, "rb") as stream:
            return stream.read(MOST_BYTES + 1)


@dataclass(slots=True)
class Sources:
    """The files found, and the sentences about those that were passed over."""

    files: list[SourceFile] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def is_source(path: str) -> bool:
    """Return whether a path is a folder or has the extension of a language that is scanned."""
    return os.path.isdir(path) or Path(path).suffix in LANGUAGES


def find_sources(paths: Sequence[str], exclude: Sequence[str] = ()) -> Sources:
    """Return the files below the paths. Raise `InvalidInput` for a path that does not exist."""
    from pathspec import GitIgnoreSpec

    try:
        excluded = GitIgnoreSpec.from_lines(exclude)
    except ValueError as error:
        raise InvalidInput(
            f"invalid --exclude: {error}; expected a glob as in .gitignore"
        ) from None
    found = Sources()
    for given in paths:
        path = Path(given)
        if path.is_file():
            _add(found, path, path.name, excluded)
        elif path.is_dir():
            for file in _walk(path, excluded):
                _add(found, file, file.relative_to(path).as_posix(), excluded)
                if len(found.files) >= MOST_FILES:
                    found.problems.append(
                        f"{given}: more than {MOST_FILES} files; the others were not read"
                    )
                    return found
        else:
            raise InvalidInput(f"{given}: no such file or folder")
    return found


def _add(found: Sources, path: Path, name: str, excluded: GitIgnoreSpec) -> None:
    language = LANGUAGES.get(path.suffix)
    if language is None or excluded.match_file(name):
        return
    try:
        size = path.stat().st_size
    except OSError as error:
        found.problems.append(f"{name}: {error.strerror}; not read")
        return
    if size > MOST_BYTES:
        found.problems.append(f"{name}: {size} bytes, more than {MOST_BYTES}; not read")
        return
    found.files.append(SourceFile(path, name, language))


def _walk(root: Path, excluded: GitIgnoreSpec) -> Iterator[Path]:
    """Yield the files of a folder in the order of their names, without what is ignored."""
    rules = _rules_above(root)
    waiting = [(root, rules)]
    while waiting:
        folder, rules = waiting.pop()
        own = _rules(folder)
        rules = (*rules, (folder.absolute(), own)) if own else rules
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        below = []
        for entry in entries:
            if entry.is_symlink() or _ignored(Path(entry.path), rules, entry.is_dir()):
                continue
            if entry.is_dir():
                name = Path(entry.path).relative_to(root).as_posix()
                hidden = entry.name.startswith(".") or entry.name in VENDORED
                if not hidden and not excluded.match_file(f"{name}/"):
                    below.append((Path(entry.path), rules))
            elif entry.is_file() and Path(entry.name).suffix in LANGUAGES:
                yield Path(entry.path)
        waiting += reversed(below)


Rules = tuple[tuple[Path, "GitIgnoreSpec"], ...]


def _rules(folder: Path) -> GitIgnoreSpec | None:
    from pathspec import GitIgnoreSpec

    file = folder / IGNORES
    if not file.is_file():
        return None
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            return GitIgnoreSpec.from_lines(stream.read(MOST_IGNORES).splitlines())
    except (OSError, ValueError):
        return None


def _rules_above(root: Path) -> Rules:
    """Return the rules of the folders between a folder and the top of its repository."""
    folder = root.absolute()
    above: list[tuple[Path, GitIgnoreSpec]] = []
    while not (folder / ".git").exists():
        if folder.parent == folder:
            return ()
        folder = folder.parent
        if (own := _rules(folder)) is not None:
            above.append((folder, own))
    return tuple(reversed(above))


def _ignored(path: Path, rules: Rules, is_folder: bool) -> bool:
    decided = False
    for folder, spec in rules:
        name = path.absolute().relative_to(folder).as_posix()
        checked = spec.check_file(f"{name}/" if is_folder else name)
        if checked.include is not None:
            decided = checked.include
    return decided
