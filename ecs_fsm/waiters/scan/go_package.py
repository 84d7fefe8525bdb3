"""The Go files of a folder as one package: its functions, its constants, and what its calls mean.

Files are parsed when something in them is needed: a provider for many services has thousands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ecs_fsm.waiters.scan.go_syntax import (
    FUNCTIONS,
    GoScope,
    arguments,
    called,
    imports,
    names_of,
    parameters,
    parse,
    text_of,
    walk,
)
from ecs_fsm.waiters.scan.wait import NO_REQUEST, Wait, clients, lifecycle_of

if TYPE_CHECKING:
    from tree_sitter import Node

WAIT = re.compile(
    rb"\bStateChangeConf\s*\{|\b(?:WaitFor(?!Job)|Poll|Retry|ExponentialBackoff|Eventually)\w*\("
)
SLEEP = re.compile(rb"\btime\.(?:Sleep|After|Tick|NewTicker)\(")
"""What a loop of one's own calls between its polls."""
WAITING = re.compile(rb"\bStateChangeConf\s*\{|\b(?:WaitFor(?!Job)|Poll)\w*\(|\btime\.Sleep\(")
"""What is in a function that does more than to request an operation."""
MOST_WRAPPED = 3
"""A function that requests more operations than this does not wrap one."""
POLLS = re.compile(WAIT.pattern + b"|" + SLEEP.pattern)
SERVERS = re.compile(rb'"[^"\n]*/(?:(?:compute|ecs)/[^"\n]*/\w+|services/ecs/v\d)"')
_FUNCTION = re.compile(rb"^func (?:\([^)]*\) )?(\w+)[\[(]", re.MULTILINE)
_VALUE = re.compile(rb"^\s*(?:const |var )?(\w+)(?: (?:string|\[\]string))?\s*=\s", re.MULTILINE)


@dataclass(slots=True)
class GoFile:
    """A parsed file with its imports by the names that it gives them."""

    name: str
    root: Node
    imports: dict[str, str]
    lifecycle: str | None
    other: bool
    """Whether it is about servers of another service, such as bare metal."""


@dataclass(slots=True)
class GoFunction:
    """A function or method, with the waits that were found in it."""

    name: str
    node: Node
    body: Node
    file: GoFile
    scope: GoScope
    waits: list[Wait] = field(default_factory=list)

    def join(self, operations: tuple[str, ...], at: Node | None = None) -> None:
        """Add what a caller requested to the wait at a place, or to calls that wait."""
        line = None if at is None else at.start_point.row + 1
        for place, wait in enumerate(self.waits if operations else ()):
            if wait.reason not in (None, NO_REQUEST):
                continue
            if wait.line == line or (line is None and not wait.operations and wait.target):
                joined = tuple(dict.fromkeys((*wait.operations, *operations)))
                self.waits[place] = replace(wait, operations=joined, reason=None)


class PackageScope(GoScope):
    """The constants and variables of a package; the file of an unknown one is parsed for it."""

    def __init__(self, package: GoPackage) -> None:
        super().__init__()
        self._package = package

    def find(self, name: str, at: Node | None = None) -> tuple[Node, GoScope] | None:
        """Return what a name was assigned and where that is to be read, None where unknown."""
        if name not in self.names:
            self._package.parse_with(self._package.values.get(name.encode()))
        return super().find(name)


class GoProject:
    """The packages of a project by the folders that hold them; one is read when it is needed."""

    def __init__(self, folders: Mapping[str, Mapping[str, bytes]]) -> None:
        self._folders = folders
        self._packages: dict[str, GoPackage] = {}

    def package(self, folder: str) -> GoPackage:
        """Return the package in a folder."""
        if folder not in self._packages:
            self._packages[folder] = GoPackage(self._folders[folder], self)
        return self._packages[folder]

    def imported(self, path: str) -> GoPackage | None:
        """Return the package of the project that an import path names, None for any other."""
        parts = path.split("/")
        for start in range(1, len(parts)):
            if (folder := "/".join(parts[start:])) in self._folders:
                return self.package(folder)
        return None


class GoPackage:
    """The files of a folder, read as one package."""

    def __init__(self, files: Mapping[str, bytes], project: GoProject) -> None:
        self._project = project
        self._texts = files
        self.values = {n: f for f, text in files.items() for n in _VALUE.findall(text)}
        self._places = {n: f for f, text in files.items() for n in _FUNCTION.findall(text)}
        self.scope = PackageScope(self)
        self.files: dict[str, GoFile] = {}
        self.functions: list[GoFunction] = []
        self._named: dict[str, GoFunction] = {}
        self._wraps: dict[int, tuple[str, ...]] = {}

    def parse_with(self, name: str | None) -> None:
        """Parse a file of the package, if it is not yet parsed."""
        if name is None or name in self.files:
            return
        root = parse(self._texts[name])
        known = imports(root)
        parts = [part for path in known.values() for part in path_parts(path)]
        other = bool({*parts} & {*clients()["go"]["other_services"]})
        file = self.files[name] = GoFile(name, root, known, lifecycle_of(parts), other)
        for node in root.named_children:
            if node.type in ("var_declaration", "const_declaration"):
                self.scope.names |= names_of(node)
            body = node.child_by_field_name("body")
            if node.type in FUNCTIONS and body is not None:
                called_so = text_of(node.child_by_field_name("name"))
                constant = partial(self._constant, file)
                scope = GoScope(names_of(body), parameters(node), {}, self.scope, constant)
                function = GoFunction(called_so, node, body, file, scope)
                self.functions.append(function)
                self._named.setdefault(called_so, function)

    def function(self, name: str) -> GoFunction | None:
        """Return the function of that name, None if the package has none."""
        if name and name not in self._named:
            self.parse_with(self._places.get(name.encode()))
        return self._named.get(name)

    def _constant(self, file: GoFile, alias: str, name: str) -> tuple[str, ...] | None:
        package = self._project.imported(file.imports.get(alias, ""))
        found = None if package is None else package.scope.find(name)
        return None if found is None else found[1].strings(found[0])

    def helper(self, file: GoFile, call: Node) -> GoFunction | None:
        """Return the function that a call calls, of this package or one that the file imports."""
        receiver, name = called(call)
        if receiver in file.imports:
            package = self._project.imported(file.imports[receiver])
            return None if package is None else package.function(name)
        return self.function(name)

    def reading(self) -> list[GoFunction]:
        """Return the functions that wait, and those that call one that does, at most two deep."""
        for name in [n for n, text in self._texts.items() if POLLS.search(text)]:
            self.parse_with(name)
        waiting = [f for f in self.functions if POLLS.search(f.body.text or b"")]
        for _ in range(2):
            known = {id(function) for function in waiting}
            names = {f.name.encode() for f in waiting}
            if not names:
                break
            calls = re.compile(rb"\b(?:" + b"|".join(sorted(names)) + rb")\(")
            for file, text in self._texts.items():
                if calls.search(text):
                    self.parse_with(file)
            waiting += [
                f for f in self.functions if id(f) not in known and calls.search(f.body.text or b"")
            ]
        return waiting

    def gives_server(self, file: GoFile, call: Node) -> bool:
        """Return whether a call answers with a server."""
        receiver, name = called(call)
        if receiver in file.imports and is_compute(file.imports[receiver]):
            return name in ("Get", "List", "Show")
        if receiver not in file.imports and name in clients()["go"]["getters"]:
            return True
        helper = self.helper(file, call)
        if helper is None:
            return False
        answer = text_of(helper.node.child_by_field_name("result"))
        types = re.findall(r"(\w+)\.\w+", answer)
        return any(is_compute(helper.file.imports.get(alias, "")) for alias in types)

    def operations(self, file: GoFile, call: Node, scope: GoScope) -> tuple[str, ...]:
        """Return the operations that a call may request, an empty text for none to wait for."""
        receiver, name = called(call)
        known = clients()["go"]
        # A parameter can have the name of an import.
        path = "" if scope.declares(receiver) else file.imports.get(receiver, "")
        if not path and receiver:
            return _some(known["methods"].get(name))
        if not is_compute(path):
            return ()
        operation = known["servers"].get(name)
        words = " ".join(text_of(self._value(a, scope)) for a in arguments(call))
        by_force = known["by_force"].get(operation or "")
        if by_force and "HardReboot" in words:
            return (by_force,)
        if operation is not None:
            return (operation,)
        texts = [text for a in arguments(call) for text in self._actions(a, scope)]
        return tuple(dict.fromkeys(known["actions"][t] for t in texts if t in known["actions"]))

    def _actions(self, argument: Node, scope: GoScope) -> list[str]:
        """Return the texts that an argument can be, also what a table of them says of its keys."""
        value = self._value(argument, scope)
        if value.type != "index_expression":
            return [*(scope.strings(argument) or ())]
        operand, index = (value.child_by_field_name(part) for part in ("operand", "index"))
        table = scope.find(text_of(operand))
        if table is None or index is None:
            return []
        keys = [text for choice in scope.choices(index) for text in choice]
        found: list[str] = []
        for element in (n for n in walk(table[0]) if n.type == "keyed_element"):
            key, text = (table[1].strings(part) or () for part in element.named_children)
            found += text if not keys or {*key} & {*keys} else ()
        return found

    @staticmethod
    def _value(argument: Node, scope: GoScope) -> Node:
        """Return what an argument was assigned, itself unless it names a variable."""
        found = scope.find(text_of(argument), argument) if argument.type == "identifier" else None
        return argument if found is None else found[0]

    def wraps(
        self, function: GoFunction, scope: GoScope | None = None, deep: bool = True
    ) -> tuple[str, ...]:
        """Return the operations that a function requests for its arguments, if it does not wait.

        A `deep` one may leave the request to another function.
        """
        known = self._wraps.get(id(function)) if scope is None and deep else None
        if known is not None:
            return known
        if WAITING.search(function.body.text or b""):
            return ()
        scope = scope or function.scope
        calls = [node for node in walk(function.body) if node.type == "call_expression"]
        found = [o for call in calls for o in self.operations(function.file, call, scope) if o]
        if deep and not found:
            helpers = [self.helper(function.file, call) for call in calls]
            found = [o for h in helpers if h is not None for o in self.wraps(h, deep=False)]
        different = tuple(dict.fromkeys(found))
        answer = different if len(different) <= MOST_WRAPPED else ()
        if scope is function.scope and deep:
            self._wraps[id(function)] = answer
        return answer


def _some(operation: str | None) -> tuple[str, ...]:
    return () if operation is None else (operation,)


def is_compute(path: str) -> bool:
    """Return whether an import path is one of a package whose functions act on servers."""
    parts, known = path_parts(path), clients()["go"]
    return bool(parts) and parts[-1] in known["packages"] and bool({*parts} & {*known["services"]})


def path_parts(path: str) -> list[str]:
    """Return the parts of an import path."""
    return [part for part in path.replace(".", "/").split("/") if part]
