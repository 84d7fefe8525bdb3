"""Waits in Go source: `StateChangeConf` literals of all SDK generations, and gophercloud's helpers.

The files of one folder are one package: constants, refresh functions and helpers are found in all
of them. Where the values of a wait are parameters of a helper, each call of the helper is a wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ecs_fsm.waiters.judge import GONE, STATUS
from ecs_fsm.waiters.scan.go_loop import GoPoll, polling_body
from ecs_fsm.waiters.scan.go_package import POLLS, GoFunction, GoPackage, path_parts
from ecs_fsm.waiters.scan.go_refresh import (
    Refresh,
    bare,
    closure_of,
    is_conf,
    is_poll,
    read_refresh,
    refresh_key,
    server_key,
)
from ecs_fsm.waiters.scan.go_syntax import (
    GoScope,
    arguments,
    asks_for_error,
    assigned,
    called,
    fields_of,
    leaves,
    parameters,
    walk,
)
from ecs_fsm.waiters.scan.wait import (
    ELSEWHERE,
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

BRANCHES = (
    "if_statement",
    "expression_switch_statement",
    "type_switch_statement",
    "select_statement",
)


def scan_go(package: GoPackage) -> Found:
    """Return the waits of the Go files of one folder."""
    result = Found()
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
                if child == node.child_by_field_name("consequence") and asks_for_error(node):
                    branch.fail()
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
            elif is_conf(inner):
                self._conf(inner, requests)

    def _call(self, call: Node, statement: Node, requests: ServerRequests) -> None:
        receiver, name = called(call)
        operations = self._package.operations(self._function.file, call, self._scope)
        if operations == ("",):  # it starts nothing to wait for
            requests.forget(self._key(arguments(call)))
            return
        if operations:
            server = self._key_of_call(call, statement, operations[-1])
            requests.add(server, *operations)
            for other, value in assigned(statement):
                if bare(other) not in (server, "err", "_") and any(n == call for n in walk(value)):
                    requests.same(bare(other), server)
            return
        if name == "WaitForStatus" and self._function.file.imports.get(receiver):
            self._wait_for_status(call, receiver, requests)
        elif is_poll(call, self._scope):
            self._wait_for(call, requests)
        elif name != self._function.name:
            self._local_call(call, statement, requests)

    def _local_call(self, call: Node, statement: Node, requests: ServerRequests) -> None:
        helper = self._package.helper(self._function.file, call)
        if helper is None:
            return
        names, given = parameters(helper.node), arguments(call)
        bound = {n: (value, self._scope) for n, value in zip(names, given, strict=False)}
        scope = GoScope(
            helper.scope.names, helper.scope.parameters, bound, helper.scope.parent,
            helper.scope.constant,
        )  # fmt: skip
        operations = self._package.wraps(helper, scope if len(names) == len(given) else None)
        if operations:
            server = self._key_of_call(call, statement, operations[-1])
            requests.add(server, *operations)
            return
        if not POLLS.search(helper.body.text or b""):
            return
        inside, known = requests.copy(), len(self._function.waits)
        for node in walk(helper.body):
            if is_conf(node):
                if self._depends(helper, node):
                    self._conf(node, inside, at=call, scope=scope, helper=helper)
                else:
                    helper.join(requests.likely(self._key(given)), node)
            elif is_poll(node, helper.scope):
                self._wait_for(node, inside, at=call, scope=scope, helper=helper)
            elif node.type == "for_statement":
                self._loop(node, inside, at=call, scope=scope, helper=helper)
            elif node.type == "call_expression":
                own = self._package.operations(helper.file, node, scope)
                if any(own):
                    inside.add(self._key(given), *own)
        if len(self._function.waits) > known:
            requests.join([inside])
        helper.join(requests.likely(self._key(given)))

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
        file = (helper or self._function).file
        refresh = read_refresh(fields.get("Refresh"), scope, self._package, file)
        if refresh.other:
            self._result.passed_over += 1
            return
        pending = scope.strings(fields["Pending"]) if "Pending" in fields else ()
        open_ended = pending == ()  # then every value that is not listed keeps it going
        targets = scope.choices(fields["Target"]) if "Target" in fields else [()]
        server = refresh.server or refresh_key(fields.get("Refresh"), scope)
        known = requests.copy()
        for target in targets or [None]:
            self._wait(at or conf, known.copy(), server, refresh, pending, target, open_ended)
        requests.waited(server, [value for target in targets for value in target])

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
        self._wait(call, requests, self._key(given), refresh, None, target, open_ended=True)

    def _wait_for(
        self, call: Node, requests: ServerRequests, at: Node | None = None,
        scope: GoScope | None = None,
        helper: GoFunction | None = None,
    ) -> None:  # fmt: skip
        body = closure_of(call, (helper or self._function).scope)
        if body is not None:
            self._poll(call, body, None, requests, at, scope, helper)

    def _loop(
        self, node: Node, requests: ServerRequests, at: Node | None = None,
        scope: GoScope | None = None,
        helper: GoFunction | None = None,
    ) -> bool:  # fmt: skip
        """Note a loop that polls a server and sleeps; return whether it is one."""
        found = polling_body(node)
        return found is not None and self._poll(node, *found, requests, at, scope, helper)

    def _poll(
        self, node: Node, body: Node, header: Node | None, requests: ServerRequests,
        at: Node | None, scope: GoScope | None, helper: GoFunction | None,
    ) -> bool:  # fmt: skip
        """Note a closure or a loop that polls a server; `at` is the call of a helper with it."""
        function = helper or self._function
        calls = (inner for inner in walk(body) if inner.type == "call_expression")
        if any(self._package.operations(function.file, inner, function.scope) for inner in calls):
            return False  # it tries a request again
        own = GoPoll(body, header, function.scope, self._package, function.file)
        if at is None and own.parameters:
            return True  # each call of this function is a wait
        if at is not None and not own.parameters:
            function.join(requests.likely(self._key(arguments(at))), node)
            return True
        poll = GoPoll(body, header, scope, self._package, function.file) if scope else own
        ends = poll.target or poll.failure or poll.unknown or poll.pending
        if poll.other or not poll.is_server or not ends:
            self._result.passed_over += at is None and (poll.other or poll.is_server)
            return False
        if at is not None:
            server = self._key(arguments(at))
        else:
            server = "" if poll.call is None else self._key(arguments(poll.call))
        target = poll.target if poll.target and not poll.unknown else None
        gone = {GONE} & {*poll.target}
        read = Refresh(True, attribute=poll.attribute, gone=gone, failure=[*poll.failure])
        reason = ELSEWHERE if poll.ends_elsewhere and not poll.target else None
        self._wait(
            at or node, requests, server, read, poll.pending,
            None if target is None else tuple(v for v in target if v != GONE),
            open_ended=poll.pending is None, reason=reason,
        )  # fmt: skip
        return True

    def _wait(
        self, node: Node, requests: ServerRequests, server: str, refresh: Refresh,
        pending: tuple[str, ...] | None, target: tuple[str, ...] | None, open_ended: bool = False,
        reason: str | None = None,
    ) -> None:  # fmt: skip
        operations = requests.likely(server)
        if self._function.file.other:
            self._result.passed_over += 1
            return
        values = (*(pending or ()), *(target or ()))
        known = target is not None and (pending is not None or open_ended)
        strange = values and not any(is_known(refresh.attribute or STATUS, v) for v in values)
        proven = refresh.is_server and not (strange and refresh.own_words & {*values})
        if not proven and not (operations and known and values and is_servers(values)):
            self._result.passed_over += 1
            return
        if not known:
            reason = reason or "its values are not known"
        elif not operations:
            reason = reason or NO_REQUEST
        elif refresh.own_words & {*values}:
            reason = reason or "its refresh function returns words of its own"
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
                    return bare(name)
        return self._key(arguments(call))

    def _key(self, given: Iterable[Node]) -> str:
        return server_key(given, self._scope)
