"""A Python loop that polls an attribute and sleeps: the values that end it, and how.

A value that leads to `break`, to the end of the condition or to a plain `return` is a target; one
that leads to an exception, to the end of the program or to `return False` is a failure. A handler
for "not found" that leaves the loop makes the 404 a target.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ecs_fsm.waiters.judge import BOTH, GONE, STATUS, TASK_STATE
from ecs_fsm.waiters.scan.python_values import PythonScope, dotted
from ecs_fsm.waiters.scan.wait import ATTRIBUTES

SUCCESS, FAILURE, ON = "success", "failure", "on"
SLEEPS = ("sleep", "_sleep", "sleep_between")
TIMERS = ("iterate_timeout", "iter_timeout")
"""Iterators that sleep between their items."""
GOING = frozenset({"exit", "fail", "_exit", "skipTest", "abort"})


class _Test(NamedTuple):
    """A comparison of a polled value: true at `values`, or at every other one."""

    attribute: str
    subject: ast.expr
    values: tuple[str, ...]
    negated: bool


class PollLoop:
    """What a loop polls and what it does at the values; `polls` is False where it polls nothing."""

    def __init__(
        self, loop: ast.While | ast.For | ast.AsyncFor, following: Sequence[ast.stmt],
        scope: PythonScope,
        gives_server: Callable[[ast.AST], bool],
    ) -> None:  # fmt: skip
        self._scope = scope
        self._loop = loop
        self._gives_server = gives_server
        self._assigned = dict(_assignments(loop))
        self.attribute = STATUS
        self.server: ast.AST | None = None
        self.reason: str | None = None
        self.unknown: ast.expr | None = None
        self.polls = False
        self._verdicts: dict[str, str] = {}
        self._rest: str | None = None
        self._read = False
        self._exits: list[str] = []
        # What follows the loop says how a `break` ends it.
        self._broken = FAILURE if _ending(following[:1]) == FAILURE else SUCCESS
        if isinstance(loop, ast.While):
            self._condition(loop.test)
        self._block(loop.body)
        self._after(following)

    @property
    def ends_elsewhere(self) -> bool:
        """Whether the loop ends with success at every value but those that it names."""
        return self._rest == SUCCESS and self.pending != (GONE,) and not self.target

    @property
    def target(self) -> tuple[str, ...]:
        """The values at which the loop ends with success."""
        return tuple(v for v, verdict in self._verdicts.items() if verdict == SUCCESS)

    @property
    def failure(self) -> tuple[str, ...]:
        """The values at which the loop ends with failure."""
        return tuple(v for v, verdict in self._verdicts.items() if verdict == FAILURE)

    @property
    def pending(self) -> tuple[str, ...] | None:
        """The values that are listed to keep the loop going, None where every other one does."""
        if self._rest not in (SUCCESS, FAILURE):
            return None
        return tuple(v for v, verdict in self._verdicts.items() if verdict == ON)

    @property
    def is_server(self) -> bool:
        """Whether the loop itself asks for a server."""
        return any(self._gives_server(call) for call in self._sources(self.server))

    def other_service(self, names: frozenset[str]) -> bool:
        """Return whether the loop asks a service with one of these names."""
        return any(names & {*dotted(call).split(".")} for call in self._sources(self.server))

    def _sources(self, node: ast.AST | None, depth: int = 0) -> Iterator[ast.AST]:
        """Yield the calls that an expression's value comes from."""
        if node is None or depth > 5:
            return
        if isinstance(node, ast.Call):
            yield node
            if not self._gives_server(node):
                for argument in node.args[:1]:
                    yield from self._sources(argument, depth + 1)
            return
        while isinstance(node, ast.Subscript | ast.Attribute | ast.Await):
            node = node.value
            if isinstance(node, ast.Call):
                yield from self._sources(node, depth + 1)
                return
        if isinstance(node, ast.Name):
            value = self._assigned.get(node.id) or self._scope.value_of(node.id)
            if value is not None and value is not node:
                yield from self._sources(value, depth + 1)

    # The polled value.

    def _subject(self, node: ast.AST, depth: int = 0) -> tuple[str, ast.expr] | None:
        """Return the attribute that an expression reads, and what it reads it of."""
        if depth > 5:
            return None
        match node:
            case ast.Attribute(attr=name) if name in ATTRIBUTES:
                return ATTRIBUTES[name], node.value
            case ast.Subscript(slice=ast.Constant(value=str(name))) if name in ATTRIBUTES:
                return ATTRIBUTES[name], node.value
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(name)), *_]):
                if name in ATTRIBUTES and isinstance(node.func, ast.Attribute):
                    return ATTRIBUTES[name], node.func.value
            case ast.Call(func=ast.Attribute(attr="lower" | "upper" | "strip")):
                if isinstance(node.func, ast.Attribute):
                    return self._subject(node.func.value, depth + 1)
            case ast.Call(
                func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name)), *_]
            ) if name in ATTRIBUTES:
                return ATTRIBUTES[name], owner
            case ast.BoolOp(op=ast.Or(), values=[first, ast.Constant()]):
                return self._subject(first, depth + 1)
            case ast.JoinedStr():
                return self._joined(node, depth)
            case ast.Name(id=name):
                value = self._assigned.get(name) or self._scope.value_of(name)
                if value is not None and value is not node:
                    return self._subject(value, depth + 1)
        return None

    def _joined(self, node: ast.JoinedStr, depth: int) -> tuple[str, ast.expr] | None:
        """Return status and task in one text: both of one server."""
        parts = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        read = [self._subject(part, depth + 1) for part in parts]
        match read:
            case [(name, owner), (other, _)] if (name, other) == (STATUS, TASK_STATE):
                return BOTH, owner
        return None

    def _tests(self, node: ast.expr, negated: bool = False) -> list[_Test] | None:
        """Return the comparisons whose disjunction an expression is, or None."""
        match node:
            case ast.UnaryOp(op=ast.Not()):
                return self._tests(node.operand, not negated)
            case ast.BoolOp():
                joined: list[_Test] = []
                for part in node.values:
                    joined += self._tests(part, negated) or []
                return joined or None
            case ast.Compare(ops=[operator], comparators=[other]):
                return self._comparison(node.left, operator, other, negated)
            case ast.Name() | ast.Call() | ast.Await() if self._gives_server_of(node):
                return [_Test(STATUS, node, (GONE,), not negated)]
        return None

    def _gives_server_of(self, node: ast.AST) -> bool:
        return any(self._gives_server(call) for call in self._sources(node))

    def _comparison(
        self, left: ast.expr, operator: ast.cmpop, other: ast.expr, negated: bool
    ) -> list[_Test] | None:
        if isinstance(operator, ast.Is | ast.IsNot) or (
            isinstance(other, ast.Constant) and other.value is None
        ):
            read = self._subject(left)
            differs = isinstance(operator, ast.IsNot | ast.NotEq) != negated
            if read is not None and read[0] != STATUS:
                return [_Test(read[0], read[1], ("-",), differs)]
            if read is None and self._gives_server_of(left):
                return [_Test(STATUS, left, (GONE,), differs)]
            return None
        for subject, value in ((left, other), (other, left)):
            read = self._subject(subject)
            values = self._scope.strings(value)
            if read is None:
                continue
            if values is None and self._subject(value) is not None:
                return None  # two looks at the server are compared
            if values is None:
                self.polls = True
                self.server = self.server or read[1]
                self.reason = f"the value {ast.unparse(value)} is not known"
                self.unknown, self.attribute = value, read[0]
                return None
            differs = isinstance(operator, ast.NotEq | ast.NotIn)
            return [_Test(read[0], read[1], values, differs != negated)]
        return None

    def _condition(self, test: ast.expr) -> None:
        """Read the condition of a `while`: the loop ends where it is false."""
        for found in self._tests(test) or []:
            self._note(found)
            if found.negated:
                self._set(found.values, SUCCESS)
                self._exits += found.values
            else:
                self._set(found.values, ON)
                self._rest = SUCCESS

    # What the body does.

    def _block(self, body: Sequence[ast.stmt]) -> None:
        for place, statement in enumerate(body):
            if isinstance(statement, ast.If):
                self._branch(statement, body[place + 1 :])
            elif isinstance(statement, ast.Try):
                self._block(statement.body)
                self._block(statement.orelse)
                self._handlers(statement)
                self._block(statement.finalbody)
            elif isinstance(statement, ast.With | ast.AsyncWith):
                self._block(statement.body)

    def _branch(self, node: ast.If, following: Sequence[ast.stmt]) -> None:
        tests = self._tests(node.test)
        if isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.And):
            # "there is a server, and its status is …" says nothing about its absence
            tests = [test for test in tests or [] if not test.negated] or tests
        if tests is None:
            self._block(node.body)
            self._block(node.orelse)
            return
        done = _ending(node.body, self._broken)
        otherwise = _ending(node.orelse, self._broken) or ON
        if otherwise == ON and not node.orelse and done in (ON, None):
            otherwise = _ending(following, self._broken) or ON
        for test in tests:
            self._note(test)
            at, elsewhere = (otherwise, done) if test.negated else (done, otherwise)
            self._set(test.values, at or ON)
            if test.negated and elsewhere in (SUCCESS, FAILURE):
                self._rest = elsewhere
            elif not test.negated and otherwise in (SUCCESS, FAILURE) and done in (ON, None):
                self._rest = otherwise
        self._block(node.body)
        self._block(node.orelse)

    def _handlers(self, node: ast.Try) -> None:
        for handler in node.handlers:
            name = dotted(handler.type).rpartition(".")[2] if handler.type else ""
            if ("NotFound" in name or name == "ResourceNotFound") and _ending(handler.body) == (
                SUCCESS
            ):
                self.polls = True
                for call in (n for s in node.body for n in ast.walk(s)):
                    if isinstance(call, ast.Call) and self._gives_server(call):
                        self.server = self.server or call
                self._verdicts[GONE] = SUCCESS

    def _after(self, following: Sequence[ast.stmt]) -> None:
        """Read what follows the loop: an exit at a value that is refused there is a failure."""
        for statement in following[:4]:
            if not isinstance(statement, ast.If):
                continue
            tests = self._tests(statement.test)
            if tests is not None and _ending(statement.orelse) == FAILURE:
                self._only(tests)
            if tests is None or _ending(statement.body) != FAILURE:
                continue
            for test in (test for test in tests if test.attribute == self.attribute):
                for value in (*test.values,) if not test.negated else self._exits:
                    if not test.negated or value not in test.values:
                        self._verdicts[value.lower() if value != GONE else GONE] = FAILURE

    def _only(self, tests: Sequence[_Test]) -> None:
        """Count the exits at other values than these as failures."""
        named = [t for t in tests if t.attribute == self.attribute and not t.negated]
        right = {value.lower() for test in named for value in test.values}
        for value in self._exits if named else ():
            if value.lower() not in right:
                self._verdicts[value.lower()] = FAILURE

    def _note(self, test: _Test) -> None:
        self.polls = True
        if not self._read and test.values != (GONE,):
            self.attribute, self._read = test.attribute, True
        self.server = self.server or test.subject

    def _set(self, values: Sequence[str], verdict: str) -> None:
        for value in values:
            key = value if value == GONE else value.lower()
            if self._verdicts.get(key) not in (SUCCESS, FAILURE):
                self._verdicts[key] = verdict


def _assignments(loop: ast.While | ast.For | ast.AsyncFor) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(loop):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield dotted(node.targets[0]), node.value


def _ending(body: Sequence[ast.stmt], broken: str = SUCCESS) -> str | None:
    """Return how a block leaves the loop, `on` where it goes on, None where it says nothing.

    `broken` is how a `break` ends it.
    """
    for statement in body:
        match statement:
            case ast.Raise():
                return FAILURE
            case ast.Break():
                return broken
            case ast.Continue():
                return ON
            case ast.Return(value=ast.Constant(value=False)):
                return FAILURE
            case ast.Return():
                return SUCCESS
            case ast.Expr(value=ast.Call(func=func)) if dotted(func).rpartition(".")[2] in GOING:
                return FAILURE
            case ast.With() | ast.AsyncWith():
                if found := _ending(statement.body, broken):
                    return found
    return None


def sleeps(loop: ast.While | ast.For | ast.AsyncFor) -> bool:
    """Return whether a loop sleeps between its rounds."""
    if (
        not isinstance(loop, ast.While)
        and dotted(loop.iter).rpartition(".")[2].strip("_") in TIMERS
    ):
        return True
    return any(
        isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in SLEEPS
        for statement in loop.body
        for node in ast.walk(statement)
    )


def loop_inside(loop: ast.While | ast.For | ast.AsyncFor) -> bool:
    """Return whether a loop further inside does the sleeping."""
    return any(
        isinstance(node, ast.While | ast.For | ast.AsyncFor) and sleeps(node)
        for statement in loop.body
        for node in ast.walk(statement)
    )
