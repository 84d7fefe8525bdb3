"""The statements of a Python function read in their order: requests, and the waits after them.

The last request for the same server before a wait is its operation, and branches beside each other
give several. A function whose wait ends at the values of a parameter is a helper itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from ecs_fsm.waiters.judge import BOTH, GONE, STATUS
from ecs_fsm.waiters.scan.helpers import Helper
from ecs_fsm.waiters.scan.poll_loop import PollLoop, loop_inside, sleeps
from ecs_fsm.waiters.scan.python_calls import (
    Calls,
    about_servers,
    aliases,
    argument_is,
    lambda_servers,
    named_after,
    other_services,
    reached,
    server_of,
)
from ecs_fsm.waiters.scan.python_values import (
    Arguments,
    Function,
    PythonScope,
    dotted,
    key_of,
    last_name,
)
from ecs_fsm.waiters.scan.wait import (
    ATTRIBUTES,
    ELSEWHERE,
    NO_REQUEST,
    Found,
    ServerRequests,
    Wait,
    clients,
    spelled,
)

Loop = ast.While | ast.For | ast.AsyncFor
_SERVER = ast.parse("get_server()", mode="eval").body
UNKNOWN = "the status it waits for is not known"


class PythonModule(Protocol):
    """What a reader knows of the file that it reads, and what it finds there."""

    file: str
    helpers: tuple[Helper, ...]
    defined: dict[str, Helper]
    shared: dict[str, Helper]
    waiting: set[str]
    called: set[str]
    lifecycle: str | None
    result: Found

    def wraps(self, call: ast.Call) -> tuple[str, ...]:
        """Return the operations that a function of the file requests, if it does not wait."""
        ...

    def requested_by_callers(self, wanted: str, server: str, scope: PythonScope) -> tuple[str, ...]:
        """Return what is requested before the calls of a function, for its server."""
        ...


class PythonReader:
    """Reads the statements of one function in their order."""

    def __init__(self, module: PythonModule, function: Function | None, scope: PythonScope) -> None:
        self._module = module
        self._node = function
        self._function = None if function is None else function.name
        self._scope = scope
        self._understood = Calls(scope)

    def block(self, body: Sequence[ast.stmt], requests: ServerRequests) -> None:
        """Read statements one after the other."""
        for place, statement in enumerate(body):
            self._statement(statement, requests, body[place + 1 :])

    def _statement(
        self, node: ast.stmt, requests: ServerRequests, following: Sequence[ast.stmt]
    ) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return
            case ast.ClassDef():
                self.block(node.body, ServerRequests())
            case ast.If():
                self._calls(node.test, requests)
                self._branches([node.body, node.orelse], requests, node.test)
            case ast.Try():
                self.block(node.body, requests)
                handlers = [handler.body for handler in node.handlers]
                self._branches([node.orelse, *handlers], requests)
                self.block(node.finalbody, requests)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._calls(item.context_expr, requests)
                self.block(node.body, requests)
            case ast.While() | ast.For() | ast.AsyncFor():
                if sleeps(node) and not loop_inside(node):
                    self._loop(node, requests, following)
                else:
                    self.block(node.body, requests)
                    self.block(node.orelse, requests)
            case ast.Match():
                self._branches([case.body for case in node.cases], requests)
            case _:
                self._calls(node, requests)
                for name, server in aliases(node, self._understood):
                    requests.same(name, server)

    def _branches(
        self, bodies: Iterable[Sequence[ast.stmt]], requests: ServerRequests,
        test: ast.expr | None = None,
    ) -> None:  # fmt: skip
        after = []
        for place, body in enumerate(bodies):
            branch = requests.copy()
            with self._scope.where(test if place == 0 else None):
                self.block(body, branch)
            if not (body and isinstance(body[-1], ast.Return | ast.Raise | ast.Continue)):
                after.append(branch)
        if after:
            requests.join(after)

    def _calls(self, node: ast.AST, requests: ServerRequests) -> None:
        """Note the requests and waits in a statement or expression."""
        calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
        for name in lambda_servers(node):
            self._scope.every[name] = [_SERVER]
        for call in sorted(calls, key=lambda n: (n.lineno, n.col_offset), reverse=True):
            operations = self._understood.operations(call)
            method = last_name(call.func)
            if not operations and (operations := self._module.wraps(call)):
                requests.add(key_of(call.args[0]), *operations)
            elif operations:
                server = key_of(server_of(call, node, method))
                if method in clients()["python"]["makers"]:
                    requests.new(server)
                requests.add(server, *operations)
            self._known_wait(call, node, requests)

    # Waits.

    def _known_wait(self, call: ast.Call, statement: ast.AST, requests: ServerRequests) -> None:
        """Note a call of a helper that is known to wait."""
        chain = dotted(call.func)
        name = chain.rpartition(".")[2]
        if name not in self._module.waiting and name not in self._module.defined:
            return
        arguments = Arguments(call, self._scope)
        own = self._module.defined.get(chain.rpartition(".")[2])
        if own is not None and own.function != self._function:
            self._wait_of(own, call, arguments, statement, requests)
            return
        for helper in self._module.helpers:
            if helper.fits(chain) and (not helper.needs or arguments.get(helper.needs, 1_000)):
                self._wait_of(helper, call, arguments, statement, requests)
                return

    def _wait_of(
        self, helper: Helper, call: ast.Call, arguments: Arguments, statement: ast.AST,
        requests: ServerRequests,
    ) -> None:  # fmt: skip
        def given(name: str) -> ast.expr | None:
            return arguments.get(name, helper.place(name)) if name else None

        server: ast.AST | None = given(helper.server)
        if helper.needs and not helper.parameters:  # it makes the server that it waits for
            server = server_of(call, statement, helper.function)
        about = about_servers(helper, given(helper.manager), call)
        if not helper.certain and about is False:
            self._module.result.passed_over += 1
            return
        certain = helper.certain or about is True or bool(requests.of(key_of(server)))
        if not certain:
            self._module.result.passed_over += helper.manager != "" or about is None
            return
        attribute = self._attribute(helper, given(helper.attribute_from))
        failure = self._failure(helper, given(helper.failure_from), arguments)
        listed = given(helper.target_from)
        if isinstance(listed, ast.Constant) and listed.value is None and attribute == STATUS:
            if helper.needs:
                return
            listed = None
        choices = [helper.target] if listed is None else self._scope.choices(listed)
        if attribute is None or failure is None or not choices or not any(choices):
            own = requests.of(key_of(server))
            if listed is not None and self._becomes(
                helper, listed, server, attribute, failure, own
            ):
                return
            self._wait(call, requests, server, attribute or STATUS, (), failure or (), UNKNOWN)
            return
        settled = helper.settled and not argument_is(arguments, helper, helper.settled, "False")
        gone = (
            (GONE,) if helper.gone and argument_is(arguments, helper, helper.gone, "True") else ()
        )
        key = key_of(server)
        if helper.operations:
            requests.add(key, *helper.operations)
        known = (requests.of(key) or requests.only(), requests.began(key))
        for target in choices:
            words = tuple(reached(word, attribute) for word in target)
            attribute_here = BOTH if settled and attribute == STATUS else attribute
            if attribute_here != attribute:
                words = tuple(f"{word.upper()}/-" for word in spelled(STATUS, words))
            ends = tuple(value for value in failure if value not in words)
            self._wait(call, requests, server, attribute_here, (*words, *gone), ends, known=known)

    def _attribute(self, helper: Helper, named: ast.expr | None) -> str | None:
        if named is None:
            return helper.attribute
        texts = self._scope.strings(named)
        return ATTRIBUTES.get(texts[0]) if texts else None

    def _failure(
        self, helper: Helper, listed: ast.expr | None, arguments: Arguments
    ) -> tuple[str, ...] | None:
        switch, _, value = helper.quiet.partition("=")
        if switch and argument_is(arguments, helper, switch, value):
            return ()
        if listed is None or (isinstance(listed, ast.Constant) and listed.value is None):
            return helper.failure
        return self._scope.strings(listed)

    def _becomes(
        self, helper: Helper, listed: ast.expr, server: ast.AST | None, attribute: str | None,
        failure: tuple[str, ...] | None, operations: tuple[str, ...],
    ) -> bool:  # fmt: skip
        """Note that this function is a helper, if the values are those of a parameter."""
        parameter = self._scope.parameter(listed)
        if parameter is None or attribute is None or self._function is None:
            return False
        found = self._itself(server, attribute, (), failure or ())
        default = self._scope.strings(self._scope.values.get(parameter)) or ()
        self._module.defined.setdefault(
            self._function,
            replace(
                found,
                target=default,
                target_from=parameter,
                settled=helper.settled,
                operations=operations,
            ),
        )
        return self._function in self._module.called

    def _itself(
        self, server: ast.AST | None, attribute: str, target: Iterable[str],
        failure: Iterable[str],
    ) -> Helper:  # fmt: skip
        """Return this function as a helper, whose calls are waits."""
        names = self._scope.written
        return Helper(
            function=self._function or "",
            server=self._parameter_of(server),
            parameters=names[1:] if names[:1] in (("self",), ("cls",)) else names,
            target=tuple(target),
            failure=tuple(failure),
            attribute=attribute,
            certain=True,
        )

    def _parameter_of(self, server: ast.AST | None) -> str:
        key = key_of(server)
        names = zip(self._scope.parameters, self._scope.written, strict=True)
        return next((written for short, written in names if short == key), "")

    def _loop(self, node: Loop, requests: ServerRequests, following: Sequence[ast.stmt]) -> None:
        loop = PollLoop(node, following, self._scope, self._understood.gives_server)
        if not loop.polls:
            self.block(node.body, requests)
            return
        server = key_of(loop.server)
        proven = loop.is_server or bool(requests.of(server))
        nothing = loop.ends_elsewhere and not loop.pending and loop.reason is None
        if loop.other_service(other_services()) or not proven or nothing:
            self._module.result.passed_over += 1
            return
        reason = loop.reason or (ELSEWHERE if loop.ends_elsewhere else None)
        if reason is not None and loop.unknown is not None:
            parameter = self._scope.parameter(loop.unknown)
            if parameter is not None and self._function is not None:
                found = self._itself(loop.server, loop.attribute, (), loop.failure)
                default = self._scope.strings(self._scope.values.get(parameter)) or ()
                self._module.defined.setdefault(
                    self._function,
                    replace(
                        found, target=default, target_from=parameter, operations=requests.of(server)
                    ),
                )
                if self._function in self._module.called:
                    return
        self._wait(node, requests, loop.server, loop.attribute, loop.target, loop.failure,
                   reason, loop.pending)  # fmt: skip

    def _wait(
        self, node: ast.stmt | ast.expr, requests: ServerRequests, server: ast.AST | None,
        attribute: str, target: Iterable[str], failure: Iterable[str], reason: str | None = None,
        pending: tuple[str, ...] | None = None,
        known: tuple[tuple[str, ...], tuple[str, ...] | None] | None = None,
    ) -> None:  # fmt: skip
        key = key_of(server)
        target, failure = spelled(attribute, target), tuple(failure)
        operations, starts = known or (
            requests.of(key) or requests.only(),
            requests.began(key),
        )
        guess = False
        if not operations and key and key in self._scope.parameters:
            found = self._itself(server, attribute, target, failure)
            self._module.shared.setdefault(found.function, found)
            operations = self._module.requested_by_callers(self._function or "", key, self._scope)
            starts = None
        if not reason and not target:
            reason = UNKNOWN
        if not reason and pending == (GONE,):
            reason = "it waits until the server is there"
        if not reason and not operations:
            operations = named_after(self._function)
            guess = bool(operations)
            reason = None if guess else NO_REQUEST
        self._module.result.waits.append(
            Wait(
                file=self._module.file,
                line=node.lineno,
                function=self._function,
                operations=operations,
                attribute=attribute,
                pending=None if pending is None else spelled(attribute, pending),
                target=target,
                failure=spelled(attribute, failure),
                starts=starts,
                lifecycle=self._module.lifecycle,
                reason=reason,
                guess=guess,
            )
        )
        requests.waited(key, tuple(value.removesuffix("/-") for value in target))
