"""Waits in Python source: calls of known helpers, and loops that poll a server and sleep.

The source is parsed by the standard library and never imported. A function is read statement by
statement by a `PythonReader`; a function whose wait ends at the values of a parameter is a helper
itself: its calls are waits.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from ecs_fsm.waiters.scan.helpers import Helper
from ecs_fsm.waiters.scan.poll_loop import SLEEPS, TIMERS
from ecs_fsm.waiters.scan.python_calls import Calls
from ecs_fsm.waiters.scan.python_reader import Loop, PythonModule, PythonReader
from ecs_fsm.waiters.scan.python_values import (
    Arguments,
    Function,
    PythonModules,
    PythonScope,
    dotted,
    imported_names,
    key_of,
    last_name,
    module_scope,
)
from ecs_fsm.waiters.scan.wait import (
    Found,
    ServerRequests,
    lifecycle_of,
)

MOST_WRAPPED = 2
"""A function that requests more operations than this does not wrap one."""


def scan_python(
    file: str, text: bytes, helpers: Sequence[Helper], modules: PythonModules
) -> PythonFile:
    """Return a Python file read. Raise `SyntaxError` or `ValueError` if it does not parse."""
    module = PythonFile(file, text, tuple(helpers), modules)
    module.read()
    return module


class CallReader(PythonReader):
    """Reads a function for what is requested before it calls another one with a server."""

    wanted: str | None = None
    keyword: str = ""
    place: int = 0

    def __init__(self, module: PythonModule, function: Function | None, scope: PythonScope) -> None:
        super().__init__(module, function, scope)
        self.operations: list[str] = []

    def _known_wait(self, call: ast.Call, statement: ast.AST, requests: ServerRequests) -> None:
        receiver, _, name = dotted(call.func).rpartition(".")
        if name == self.wanted:
            place = self.place - (1 if receiver in ("self", "cls") else 0)
            server = key_of(Arguments(call, self._scope).get(self.keyword, place))
            self.operations += requests.of(server)

    def _loop(self, node: Loop, requests: ServerRequests, following: Sequence[ast.stmt]) -> None:
        self.block(node.body, requests)


class PythonFile:
    """A Python file: its waits, and the helpers that it defines, for itself and for others."""

    def __init__(
        self, file: str, text: bytes, helpers: tuple[Helper, ...], modules: PythonModules
    ) -> None:
        self.file = file
        self.helpers = helpers
        self.result = Found()
        self.defined: dict[str, Helper] = {}
        self.shared: dict[str, Helper] = {}
        self._modules = modules
        self._lines = text.split(b"\n")
        self._tree = ast.parse(text)
        self.scope = module_scope(self._tree)
        self.functions: dict[str, Function] = {}
        self._every: list[Function] = []
        self.called: set[str] = set()
        self._imported = imported_names(self._tree)
        self.scope.outside = self._outside
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                self.called.add(last_name(node.func))
            elif isinstance(node, Function):
                self._every.append(node)
                self.functions.setdefault(node.name, node)
        parts = (part for name in self._imported.values() for part in name.split("."))
        self.lifecycle = lifecycle_of(parts)
        self._wraps: dict[str, tuple[str, ...]] = {}
        self.waiting = {helper.function.rpartition(".")[2] for helper in helpers}

    def read(self) -> None:
        """Read every function; read them again if some of them turned out to be helpers."""
        for _ in range(3):
            known = len(self.defined)
            self.result = Found()
            waits = self._waits()
            PythonReader(self, None, self.scope).block(self._tree.body, ServerRequests())
            for node in self._every:
                if waits.search(self._text(node)):
                    scope = self.scope.inside(node)
                    PythonReader(self, node, scope).block(node.body, ServerRequests())
            if len(self.defined) == known:
                break
        self.result.waits.sort(key=lambda wait: wait.line)

    def _waits(self) -> re.Pattern[bytes]:
        """Return what the text of a function contains if it waits."""
        helpers = (helper.function.rpartition(".")[2] for helper in self.helpers)
        names = [*SLEEPS, *TIMERS, *self.defined, *helpers]
        return re.compile("|".join(map(re.escape, dict.fromkeys(names))).encode())

    def _outside(self, chain: str) -> tuple[str, ...] | None:
        first, dot, rest = chain.partition(".")
        module = self._imported.get(first)
        return None if module is None else self._modules.strings(f"{module}{dot}{rest}")

    def _text(self, node: Function) -> bytes:
        return b"\n".join(self._lines[node.lineno - 1 : node.end_lineno])

    def wraps(self, call: ast.Call) -> tuple[str, ...]:
        """Return the operations that a function of the file requests, if it does not wait."""
        receiver, _, name = dotted(call.func).rpartition(".")
        function = self.functions.get(name)
        if function is None or receiver not in ("", "self", "cls") or not call.args:
            return ()
        if name not in self._wraps:
            self._wraps[name] = ()  # of one that calls itself
            self._wraps[name] = self._wrapped(function)
        return self._wraps[name]

    def _wrapped(self, function: Function) -> tuple[str, ...]:
        if self._waits().search(self._text(function)):
            return ()
        calls = Calls(self.scope.inside(function))
        nodes = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        found = dict.fromkeys(name for node in nodes for name in calls.operations(node))
        return tuple(found) if len(found) <= MOST_WRAPPED else ()

    def requested_by_callers(self, wanted: str, server: str, scope: PythonScope) -> tuple[str, ...]:
        """Return what is requested before the calls of a function, for its server."""
        found: dict[str, None] = {}
        if wanted not in self.called:
            return ()
        place = scope.parameters.index(server)
        written = scope.written[place]
        for name, function in self.functions.items():
            if name == wanted:
                continue
            reader = CallReader(self, function, scope.outer().inside(function))
            reader.wanted, reader.place, reader.keyword = wanted, place, written
            reader.block(function.body, ServerRequests())
            found |= dict.fromkeys(reader.operations)
        return tuple(found)
