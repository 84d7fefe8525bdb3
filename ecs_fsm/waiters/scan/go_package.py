"""The Go files of a folder as one package: its functions, its constants, and what its calls mean.

Files are parsed when something in them is needed: a provider for many services has thousands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecs_fsm.waiters.scan.go_syntax import (
    FUNCTIONS,
    GoScope,
    arguments,
    assigned,
    called,
    imports,
    literal,
    parameters,
    parse,
    text_of,
    walk,
)
from ecs_fsm.waiters.scan.wait import Wait, clients, lifecycle_of

if TYPE_CHECKING:
    from tree_sitter import Node

WAIT = re.compile(rb"\bStateChangeConf\s*\{|\b(?:WaitFor|Poll)\w*\(")
SLEEP = re.compile(rb"\btime\.(?:Sleep|After|Tick)\(")
"""What a loop of one's own calls between its polls."""
SERVERS = re.compile(rb'"[^"\n]*/(?:compute|ecs)/[^"\n]*/\w+"')
_FUNCTION = re.compile(rb"^func (?:\([^)]*\) )?(\w+)[\[(]", re.MULTILINE)
_VALUE = re.compile(rb"^\s*(?:const |var )?(\w+)(?: (?:string|\[\]string))?\s*=\s", re.MULTILINE)


@dataclass(slots=True)
class GoFile:
    """A parsed file with its imports by the names that it gives them."""

    name: str
    root: Node
    imports: dict[str, str]
    lifecycle: str | None


@dataclass(slots=True)
class GoFunction:
    """A function or method, with the waits that were found in it."""

    name: str
    node: Node
    body: Node
    file: GoFile
    scope: GoScope
    waits: list[Wait] = field(default_factory=list)


class PackageScope(GoScope):
    """The constants and variables of a package; the file of an unknown one is parsed for it."""

    def __init__(self, package: GoPackage) -> None:
        super().__init__()
        self._package = package

    def find(self, name: str) -> tuple[Node, GoScope] | None:
        """Return what a name was assigned and where that is to be read, None where unknown."""
        if name not in self.names:
            self._package.parse_with(self._package.values.get(name.encode()))
        return super().find(name)


class GoPackage:
    """The files of a folder, read as one package."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        others = "|".join(clients()["go"]["other_services"])
        other = re.compile(rf'"github[^"\n]*/(?:{others})/'.encode())
        self.passed_over = sum(len(WAIT.findall(t)) for t in files.values() if other.search(t))
        files = {name: text for name, text in files.items() if not other.search(text)}
        self._texts = files
        self.values = {n: f for f, text in files.items() for n in _VALUE.findall(text)}
        self._places = {n: f for f, text in files.items() for n in _FUNCTION.findall(text)}
        self.scope = PackageScope(self)
        self.files: dict[str, GoFile] = {}
        self.functions: list[GoFunction] = []
        self._named: dict[str, GoFunction] = {}
        self._wraps: dict[str, tuple[str, ...]] = {}
        waiting = [n for n, text in files.items() if WAIT.search(text) or SLEEP.search(text)]
        for name in waiting:
            self.parse_with(name)

    def parse_with(self, name: str | None) -> None:
        """Parse a file of the package, if it is not yet parsed."""
        if name is None or name in self.files:
            return
        root = parse(self._texts[name])
        known = imports(root)
        parts = (part for path in known.values() for part in path_parts(path))
        file = self.files[name] = GoFile(name, root, known, lifecycle_of(parts))
        for node in root.named_children:
            if node.type in ("var_declaration", "const_declaration"):
                self.scope.names |= dict(assigned(node))
            body = node.child_by_field_name("body")
            if node.type in FUNCTIONS and body is not None:
                called_so = text_of(node.child_by_field_name("name"))
                scope = GoScope(dict(assigned(body)), parameters(node), {}, self.scope)
                function = GoFunction(called_so, node, body, file, scope)
                self.functions.append(function)
                self._named.setdefault(called_so, function)

    def function(self, name: str) -> GoFunction | None:
        """Return the function of that name, None if the package has none."""
        if name and name not in self._named:
            self.parse_with(self._places.get(name.encode()))
        return self._named.get(name)

    def reading(self) -> Iterator[GoFunction]:
        """Yield the functions that wait, and those that call one that does."""
        waiting = [f for f in self.functions if WAIT.search(f.body.text or b"")]
        names = {f.name.encode() for f in waiting}
        if names:
            calls = re.compile(rb"\b(?:" + b"|".join(sorted(names)) + rb")\(")
            for file, text in self._texts.items():
                if calls.search(text):
                    self.parse_with(file)
            waiting += [
                f for f in self.functions if f not in waiting and calls.search(f.body.text or b"")
            ]
        yield from waiting
        known = {id(function) for function in waiting}
        for function in self.functions:
            if id(function) not in known and SLEEP.search(function.body.text or b""):
                yield function

    def operation(self, file: GoFile, call: Node) -> str | None:
        """Return the operation that a call requests, None for any other call."""
        receiver, name = called(call)
        known = clients()["go"]
        path = path_parts(file.imports.get(receiver, ""))
        if not path and receiver:
            return known["methods"].get(name)
        if not path or path[-1] not in known["packages"] or not {*path} & {*known["services"]}:
            return None
        operation = known["servers"].get(name)
        words = " ".join(text_of(argument) for argument in arguments(call))
        by_force = known["by_force"].get(operation or "")
        if by_force and "HardReboot" in words:
            return by_force
        if operation is None:
            texts = [literal(argument) or "" for argument in arguments(call)]
            operation = next((known["actions"][t] for t in texts if t in known["actions"]), None)
        return operation

    def wraps(self, name: str) -> tuple[str, ...]:
        """Return the operations that a function of the package requests, if it does not wait."""
        if name not in self._wraps:
            self._wraps[name] = self._wrapped(name)
        return self._wraps[name]

    def _wrapped(self, name: str) -> tuple[str, ...]:
        function = self.function(name)
        if function is None or WAIT.search(function.body.text or b""):
            return ()
        calls = (node for node in walk(function.body) if node.type == "call_expression")
        found = (self.operation(function.file, call) for call in calls)
        return tuple(dict.fromkeys(operation for operation in found if operation))


def path_parts(path: str) -> list[str]:
    """Return the parts of an import path."""
    return [part for part in path.replace(".", "/").split("/") if part]
