"""Waits in Go source: `StateChangeConf` literals of all SDK generations, and gophercloud's helpers.

The files of one folder are one package: constants, refresh functions and helpers are found in all
of them. Where the values of a wait are parameters of a helper, each call of the helper is a wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ecs_fsm.waiters.judge import GONE, STATUS
from ecs_fsm.waiters.scan.go_loop import polling_body, read_loop, server_call
from ecs_fsm.waiters.scan.go_package import WAIT, GoFunction, GoPackage, path_parts
from ecs_fsm.waiters.scan.go_refresh import Refresh, read_closure, read_refresh
from ecs_fsm.waiters.scan.go_syntax import (
    GoScope,
    arguments,
    assigned,
    called,
    fields_of,
    leaves,
    parameters,
    text_of,
    walk,
)
from ecs_fsm.waiters.scan.wait import (
    NO_REQUEST,
    Found,
    ServerRequests,
    Wait,
    clients,
    is_known,
    is_servers,
    spelled,
)

if TYPE_CHECKING:
    from tree_sitter import Node

CONF = "StateChangeConf"
BRANCHES = (
    "if_statement",
    "expression_switch_statement",
    "type_switch_statement",
    "select_statement",
)


def scan_go(files: Mapping[str, bytes]) -> Found:
    """Return the waits of the Go files of one folder."""
    package = GoPackage(files)
    result = Found(passed_over=package.passed_over)
    readers = [_GoReader(package, function, result) for function in package.reading()]
    for reader in readers:
        reader.block(reader.function.body, ServerRequests())
    for reader in readers:
        result.waits += reader.function.waits
    result.waits.sort(key=lambda wait: (wait.file, wait.line))
    return result


class _GoReader:
    """Reads the statements of one function in their order."""

    def __init__(self, package: GoPackage, function: GoFunction, result: Found) -> None:
        self._package = package
        self._result = result
        self.function = self._function = function
        self._scope = function.scope

    def block(self, node: Node, requests: ServerRequests) -> None:
        for child in node.named_children:
            if child.type == "defer_statement":
                self.block(child, ServerRequests())  # it happens at the end
            elif child.type in BRANCHES:
                self._branches(child, requests)
            elif child.type == "for_statement" and self._loop(child, requests):
                continue
            elif child.type in (
                "block", "for_statement", "labeled_statement", "statement_list",
                "go_statement",
            ):  # fmt: skip
                self.block(child, requests)
            else:
                self._statement(child, requests)

    def _branches(self, node: Node, requests: ServerRequests) -> None:
        branches = []
        complete = False
        for child in node.named_children:
            if child.type in ("block", "expression_case", "default_case", "communication_case",
                              "type_case", "if_statement"):  # fmt: skip
                branch = requests.copy()
                read = self._branches if child.type == "if_statement" else self.block
                read(child, branch)
                complete = (
                    complete
                    or child.type == "default_case"
                    or (node.child_by_field_name("alternative") is not None)
                )
                if not leaves(child):
                    branches.append(branch)
            else:
                self._statement(child, requests)
                # A request in the condition counts in every branch.
                for branch in branches:
                    branch.join([branch, requests])
        if not complete:
            branches.append(requests.copy())
        if branches:
            requests.join(branches)

    def _statement(self, node: Node, requests: ServerRequests) -> None:
        for inner in walk(node):
            if inner.type == "call_expression":
                self._call(inner, node, requests)
            elif _is_conf(inner):
                self._conf(inner, requests)

    def _call(self, call: Node, statement: Node, requests: ServerRequests) -> None:
        receiver, name = called(call)
        operation = self._package.operation(self._function.file, call)
        if operation == "":  # it starts nothing to wait for
            requests.forget(self._server_key(arguments(call)))
            return
        if operation:
            server = self._key_of_call(call, statement, operation)
            requests.add(server, operation)
            for other, value in assigned(statement):
                if _bare(other) not in (server, "err", "_") and any(n == call for n in walk(value)):
                    requests.same(_bare(other), server)
            return
        if name == "WaitForStatus" and self._function.file.imports.get(receiver):
            self._wait_for_status(call, receiver, requests)
        elif _is_poll(call):
            self._wait_for(call, requests)
        elif name != self._function.name:
            self._local_call(call, name, statement, requests)

    def _local_call(self, call: Node, name: str, statement: Node, requests: ServerRequests) -> None:
        helper = self._package.function(name)
        if helper is None:
            return
        operations = self._package.wraps(name)
        if operations:
            server = self._key_of_call(call, statement, operations[-1])
            requests.add(server, *operations)
            return
        names, given = parameters(helper.node), arguments(call)
        if len(names) != len(given) or not WAIT.search(helper.body.text or b""):
            return
        bound = {n: (value, self._scope) for n, value in zip(names, given, strict=True)}
        scope = GoScope(helper.scope.names, helper.scope.parameters, bound, self._package.scope)
        for node in walk(helper.body):
            if _is_conf(node):
                if self._depends(helper, node):
                    self._conf(node, requests, at=call, scope=scope, helper=helper)
                else:
                    self._join_callers(helper, node, requests, self._server_key(given))
            elif _is_poll(node):
                self._wait_for(node, requests, at=call, scope=scope, helper=helper)

    def _join_callers(
        self, helper: GoFunction, node: Node, requests: ServerRequests, server: str
    ) -> None:
        """Add what this caller requested to a wait whose values stand in the helper itself."""
        operations = _operations(requests, server)
        line = node.start_point.row + 1
        for place, wait in enumerate(helper.waits):
            if wait.line == line and operations:
                joined = tuple(dict.fromkeys((*wait.operations, *operations)))
                helper.waits[place] = replace(wait, operations=joined, reason=None)

    @staticmethod
    def _depends(helper: GoFunction, conf: Node) -> bool:
        fields = fields_of(conf)
        listed = (fields[name] for name in ("Pending", "Target") if name in fields)
        return any(helper.scope.parameter_of(value) for value in listed)

    # Waits.

    def _conf(
        self, conf: Node, requests: ServerRequests, at: Node | None = None,
        scope: GoScope | None = None,
        helper: GoFunction | None = None,
    ) -> None:  # fmt: skip
        if at is None and self._depends(self._function, conf):
            return  # each call of this function is a wait
        scope = scope or self._scope
        fields = fields_of(conf)
        refresh = read_refresh(fields.get("Refresh"), scope, self._package,
                               (helper or self._function).file.imports)  # fmt: skip
        if refresh.other:
            self._result.passed_over += 1
            return
        pending = scope.strings(fields["Pending"]) if "Pending" in fields else ()
        open_ended = pending == ()  # then every value that is not listed keeps it going
        target = scope.strings(fields["Target"]) if "Target" in fields else ()
        server = refresh.server or self._refresh_key(fields.get("Refresh"), scope)
        self._wait(at or conf, requests, server, refresh, pending, target, open_ended)

    def _wait_for_status(self, call: Node, receiver: str, requests: ServerRequests) -> None:
        path = path_parts(self._function.file.imports.get(receiver, ""))
        if path[-1:] != ["servers"]:
            if path:
                self._result.passed_over += 1
            return
        given = arguments(call)
        texts = [self._scope.strings(argument) for argument in given]
        target = next((t for t in texts if t), None)
        refresh = Refresh(is_server=True)
        self._wait(call, requests, self._server_key(given), refresh, None, target, open_ended=True)

    def _wait_for(
        self, call: Node, requests: ServerRequests, at: Node | None = None,
        scope: GoScope | None = None,
        helper: GoFunction | None = None,
    ) -> None:  # fmt: skip
        function = helper or self._function
        closure = next(a for a in arguments(call) if a.type == "func_literal")
        scope = GoScope(dict(assigned(closure)), (), {}, scope or self._scope)
        read = read_closure(closure, scope, self._package, function.file.imports)
        polls = read.target or read.gone or read.failure or read.parameters
        if read.other or not read.is_server or not polls:
            self._result.passed_over += at is None and (read.other or read.is_server)
            return
        depends = bool(read_closure(
            closure, GoScope(dict(assigned(closure)), (), {}, function.scope), self._package,
            function.file.imports).parameters)  # fmt: skip
        if at is None and depends:
            return  # each call of this function is a wait
        if at is not None and not depends:
            self._join_callers(function, call, requests, self._server_key(arguments(at)))
            return
        target = tuple(read.target) if read.target or read.gone else None
        server = read.server or (self._server_key(arguments(at)) if at is not None else "")
        self._wait(at or call, requests, server, read, None, target, open_ended=True)

    def _loop(self, node: Node, requests: ServerRequests) -> bool:
        """Note a loop that polls a server and sleeps; return whether it is one."""
        body = polling_body(node)
        if body is None:
            return False
        read = read_loop(node, body, self._scope, self._function.file.imports)
        ends = read.target or read.gone or read.parameters
        if not read.is_server or not ends:
            return False
        call = server_call(body)
        server = "" if call is None else self._server_key(arguments(call))
        target = tuple(read.target) if read.target or read.gone else None
        self._wait(node, requests, server, read, None, target, open_ended=True)
        return True

    def _wait(
        self, node: Node, requests: ServerRequests, server: str, refresh: Refresh,
        pending: tuple[str, ...] | None, target: tuple[str, ...] | None, open_ended: bool = False,
    ) -> None:  # fmt: skip
        operations = _operations(requests, server)
        values = (*(pending or ()), *(target or ()))
        known = target is not None and (pending is not None or open_ended)
        if not refresh.is_server and not (operations and known and values and is_servers(values)):
            self._result.passed_over += 1
            return
        reason = None
        if not known:
            reason = "its values are not known"
        elif not operations:
            reason = NO_REQUEST
        elif refresh.own_words & {*values}:
            reason = "its refresh function returns words of its own"
        meant = {*(target or ())} & refresh.gone  # words of its own for a 404
        is_gone = meant or GONE in refresh.gone or (refresh.gone and not target)
        gone = (GONE,) if is_gone else ()
        attribute = refresh.attribute or STATUS
        target = tuple(v for v in target or () if v not in meant or is_known(attribute, v))
        failure = tuple(value for value in refresh.failure if value not in target)
        self._function.waits.append(
            Wait(
                file=self._function.file.name,
                line=node.start_point.row + 1,
                function=self._function.name,
                operations=operations,
                attribute=attribute,
                pending=None if open_ended else spelled(attribute, pending or ()),
                target=spelled(attribute, (*target, *gone)),
                failure=spelled(attribute, failure),
                starts=requests.began(server),
                lifecycle=self._function.file.lifecycle,
                reason=reason,
            )
        )
        requests.waited(server, target)

    # Servers.

    def _key_of_call(self, call: Node, statement: Node, operation: str) -> str:
        if operation in clients()["go"]["making"]:
            for name, value in assigned(statement):
                if any(inner == call for inner in walk(value)):
                    return _bare(name)
        return self._server_key(arguments(call))

    def _server_key(self, given: Iterable[Node]) -> str:
        """Return the key of the argument that names a server, after context and client."""
        for argument in given:
            text = text_of(argument)
            small = text.lower()
            if small in ("ctx", "c", "client") or "client" in small or "context" in small:
                continue
            if argument.type in ("identifier", "selector_expression", "call_expression"):
                return _bare(text)
        return ""

    def _refresh_key(self, node: Node | None, scope: GoScope) -> str:
        if node is None:
            return ""
        if node.type == "identifier":
            found = scope.find(text_of(node))
            return "" if found is None else self._refresh_key(found[0], found[1])
        return self._server_key(arguments(node)) if node.type == "call_expression" else ""


def _operations(requests: ServerRequests, server: str) -> tuple[str, ...]:
    """Return the last requests for a server; of the only one there is where the names differ."""
    found = requests.of(server) or requests.only()
    if not found and not requests.last and len(requests.over) == 1:
        return next(iter(requests.over.values()))
    return found


def _bare(name: str) -> str:
    for ending in (".ID", ".Id()", ".Id", "ID", "Id"):
        if name.endswith(ending) and len(name) > len(ending):
            return name.removesuffix(ending)
    return name


def _is_poll(node: Node) -> bool:
    """Return whether a node is a call that polls by a closure."""
    if node.type != "call_expression" or not called(node)[1].startswith(("WaitFor", "Poll")):
        return False
    return sum(argument.type == "func_literal" for argument in arguments(node)) == 1


def _is_conf(node: Node) -> bool:
    if node.type != "composite_literal":
        return False
    return text_of(node.child_by_field_name("type")).rpartition(".")[2] == CONF
