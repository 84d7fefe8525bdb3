"""What a Python file requests for a server before it calls one of its functions with it."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ecs_fsm.waiters.scan.python_reader import Loop, PythonModule, PythonReader
from ecs_fsm.waiters.scan.python_values import Arguments, Function, PythonScope, dotted, key_of
from ecs_fsm.waiters.scan.wait import ServerRequests


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
