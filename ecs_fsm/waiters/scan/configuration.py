"""A project scanned: every file is read by the scanner of its language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from ecs_fsm.core.errors import MissingExtra, installing
from ecs_fsm.waiters.judge import GONE
from ecs_fsm.waiters.scan.directives import Directive, read_directives
from ecs_fsm.waiters.scan.go_package import POLLS, SERVERS, WAIT, GoProject
from ecs_fsm.waiters.scan.go_source import scan_go
from ecs_fsm.waiters.scan.helpers import Helper, declared_helpers, known_helpers
from ecs_fsm.waiters.scan.playbook import scan_playbook
from ecs_fsm.waiters.scan.poll_loop import SLEEPS, TIMERS
from ecs_fsm.waiters.scan.python_source import scan_python
from ecs_fsm.waiters.scan.python_values import PythonModules
from ecs_fsm.waiters.scan.shell_source import scan_shell
from ecs_fsm.waiters.scan.source_files import GO, PLAYBOOK, PYTHON, SHELL, SourceFile, find_sources
from ecs_fsm.waiters.scan.wait import Found, Wait

WORDS = {
    SHELL: re.compile(rb"\b(?:openstack|nova)\b"),
    PLAYBOOK: re.compile(
        rb"server_(?:action|info|facts)|os_server|cloud\.server|openstack .*server|nova show|until:"
    ),
}
"""What a file of a language contains if it can hold a wait; no other file is parsed."""
PYTHON_SERVERS = re.compile(rb"server|nova|instance|compute", re.IGNORECASE)
_WAITS = re.compile(r"wait|poll|until|ensure|reach")
MOST_LINES = 15
"""How many lines of a wait are looked at for its values."""
MOST_ABOVE = 12
"""How many folders above a path are looked into for declared helpers."""


@dataclass(slots=True)
class Scan:
    """What a project holds: waits, how many for other things, and files that were passed over."""

    waits: list[Wait] = field(default_factory=list)
    passed_over: int = 0
    problems: list[str] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)
    paths: dict[str, str] = field(default_factory=dict)
    """The path of each file by its name below the path that was given."""

    def add(self, found: Found) -> None:
        """Add what one file holds."""
        self.waits += found.waits
        self.passed_over += found.passed_over


def scan_paths(paths: Sequence[str], exclude: Sequence[str] = ()) -> Scan:
    """Return what the files below the paths hold. Raise `InvalidInput` for a wrong path."""
    _check_installed()
    sources = find_sources(paths, exclude)
    scan = Scan(problems=sources.problems)
    contents: dict[SourceFile, bytes] = {}
    for source in sources.files:
        try:
            contents[source] = source.read()
        except OSError as error:
            scan.problems.append(f"{source.name}: {error.strerror}; not read")
    scan.paths = {source.name: source.path.as_posix() for source in contents}
    for source, text in contents.items():
        directives, wrong = read_directives(source.name, text, source.language)
        scan.directives += directives
        scan.problems += wrong
    _scan_go(contents, scan)
    helpers = (*_declared(paths), *known_helpers())
    _scan_python(contents, helpers, scan)
    _scan_others(contents, scan)
    texts = {source.name: text for source, text in contents.items()}
    scan.waits = [replace(wait, literal=_literal(wait, texts[wait.file])) for wait in scan.waits]
    scan.waits.sort(key=lambda wait: (wait.file, wait.line))
    return scan


def _literal(wait: Wait, text: bytes) -> bool:
    """Return whether the values that end a wait are written where it begins."""
    here = b"\n".join(text.split(b"\n")[wait.line - 1 : wait.line - 1 + MOST_LINES])
    words = {word.upper() for word in re.findall(rb"[\w-]+", here)}
    return all(v.partition("/")[0].upper().encode() in words for v in wait.target if v != GONE)


def _scan_python(
    contents: Mapping[SourceFile, bytes], helpers: Sequence[Helper], scan: Scan
) -> None:
    """Scan the Python files; what one defines as a helper counts in the others as well."""
    texts = {source: text for source, text in contents.items() if source.language == PYTHON}
    modules = PythonModules({source.name: text for source, text in texts.items()})
    found: dict[SourceFile, Found] = {}
    defined: dict[str, Helper] = {}
    names = [helper.function.rpartition(".")[2] for helper in helpers]
    words = re.compile("|".join(map(re.escape, [*SLEEPS, *TIMERS, *names])).encode())
    for source, text in texts.items():
        if not (words.search(text) and PYTHON_SERVERS.search(text)):
            continue
        with _reading(source, scan):
            module = scan_python(source.name, text, helpers, modules)
            found[source] = module.result
            for name, helper in (module.shared | module.defined).items():
                if _WAITS.search(name) and (helper.target_from or name not in names):
                    # A method of the name of a known function is meant where it is called so.
                    function = f"self.{name}" if name in names else name
                    defined[name] = replace(helper, function=function, certain=False)
    if defined:
        every = (*defined.values(), *helpers)
        every = (*sorted(every, key=lambda h: not h.function.startswith("self.")),)
        listed = "|".join(map(re.escape, defined))
        calls = re.compile(rf"(?<!def )\b(?:{listed})\(".encode())
        for source, text in texts.items():
            if calls.search(text):
                with _reading(source, scan):
                    found[source] = scan_python(source.name, text, every, modules).result
    for result in found.values():
        scan.add(result)


def _scan_others(contents: Mapping[SourceFile, bytes], scan: Scan) -> None:
    readers = {SHELL: scan_shell, PLAYBOOK: scan_playbook}
    for source, text in contents.items():
        if source.language in readers and WORDS[source.language].search(text):
            with _reading(source, scan):
                scan.add(readers[source.language](source.name, text))


@contextmanager
def _reading(source: SourceFile, scan: Scan) -> Iterator[None]:
    try:
        yield
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        scan.problems.append(f"{source.name}: does not parse ({_reason(error)}); passed over")


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error).split("\n")[0]


def _scan_go(contents: Mapping[SourceFile, bytes], scan: Scan) -> None:
    folders: dict[str, dict[str, bytes]] = {}
    for source, text in contents.items():
        if source.language == GO:
            folders.setdefault(str(PurePosixPath(source.name).parent), {})[source.name] = text
    project = GoProject(folders)
    for folder, files in folders.items():
        if not any(POLLS.search(text) for text in files.values()):
            continue
        if not any(SERVERS.search(text) for text in files.values()):
            scan.passed_over += sum(len(WAIT.findall(text)) for text in files.values())
            continue
        try:
            scan.add(scan_go(project.package(folder)))
        except RecursionError:
            scan.problems.append(f"{folder}: nested too deeply; passed over")


def _declared(paths: Sequence[str]) -> tuple[Helper, ...]:
    """Return the helpers that are declared where the paths are, or in a folder above them."""
    folders: dict[Path, None] = {}
    for given in paths:
        path = Path(given).absolute()
        folders |= dict.fromkeys([path, *path.parents][:MOST_ABOVE])
    return tuple(helper for folder in folders for helper in declared_helpers(folder))


def _check_installed() -> None:
    try:
        import pathspec
        import tree_sitter
        import tree_sitter_bash
        import tree_sitter_go
        import yaml
    except ImportError as error:
        raise MissingExtra(f"scanning source needs {error.name}: {installing('scan')}") from None
    del pathspec, tree_sitter, tree_sitter_bash, tree_sitter_go, yaml
