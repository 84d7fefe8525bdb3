"""Go source that polls a server by itself: a `for` that sleeps, and a closure given to a poller.

Both are read alike: at which statuses they end, and whether well. A closure says so by what it
returns, a loop by `break` and `return`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.waiters.judge import GONE
from ecs_fsm.waiters.scan.go_package import SLEEP, GoFile, GoPackage
from ecs_fsm.waiters.scan.go_refresh import NOT_FOUND, attribute_of, other_service
from ecs_fsm.waiters.scan.go_syntax import (
    GoScope,
    arguments,
    called,
    names_of,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from tree_sitter import Node

SUCCESS, FAILURE, ON = "success", "failure", "on"
CONTAINS = re.compile(r"contains|inslice|in_slice|includes|equalfold|sliceany|^in$", re.IGNORECASE)
STATUS_NAME = re.compile(r"^(?!.*err).*(?:status|state)$", re.IGNORECASE)
ENDS = re.compile(r"^(?:t|tb|b|log|klog|os)\.(?:Fatal\w*|Exit|FailNow|Panic\w*)\(|^panic\(")
RETRIES = re.compile(r"Retry|retry")


class _StatusTest(NamedTuple):
    """A comparison of a status: true at `values`, or at every other one; None where unknown."""

    values: tuple[str, ...] | None
    negated: bool


ALWAYS, NEVER = _StatusTest((), True), _StatusTest((), False)
OPEN = ("\0",)
"""The values of a parameter, which the caller has."""


class GoPoll:
    """What a loop or a closure polls, and the statuses that end it.

    `parameters` are those to which it compares a status; `unknown` says that one of the values
    that end it is not known.
    """

    def __init__(
        self, body: Node, header: Node | None, scope: GoScope, package: GoPackage, file: GoFile,
    ) -> None:  # fmt: skip
        self._closure = body.parent is not None and body.parent.type == "func_literal"
        self._scope = GoScope(names_of(body), (), {}, scope)
        self._package, self._file = package, file
        self._verdicts: dict[str, str] = {}
        self._rest = ON
        self._rest_known = False
        self.attribute: str | None = None
        self.parameters: set[str] = set()
        self.unknown = False
        self.call = next((c for c in self._calls(body) if package.gives_server(file, c)), None)
        self.is_server = self.call is not None or any(map(self._asks, self._calls(body)))
        self.other = not self.is_server and other_service(body, file.imports)
        if header is not None:
            for test in self._tests(header):
                self._note(test, done=None, otherwise=SUCCESS)
        self._block(_statements(body), outer=True)

    @property
    def target(self) -> tuple[str, ...]:
        """The values at which it ends well."""
        return self._at(SUCCESS)

    @property
    def failure(self) -> tuple[str, ...]:
        """The values at which it ends badly; that a 404 is an error goes without saying."""
        return tuple(value for value in self._at(FAILURE) if value != GONE)

    @property
    def pending(self) -> tuple[str, ...] | None:
        """The values that keep it going, None where every value that is not listed does."""
        return self._at(ON) if self._rest in (SUCCESS, FAILURE) else None

    @property
    def ends_elsewhere(self) -> bool:
        """Whether it ends well at every value but those that it names."""
        return self._rest == SUCCESS

    def _at(self, verdict: str) -> tuple[str, ...]:
        return tuple(v for v, known in self._verdicts.items() if known == verdict and v not in OPEN)

    @staticmethod
    def _calls(body: Node) -> Iterator[Node]:
        return (node for node in walk(body) if node.type == "call_expression")

    def _asks(self, call: Node) -> bool:
        """Return whether a call is one of a local function that asks for a server itself."""
        helper = self._package.helper(self._file, call)
        return helper is not None and any(
            called(inner)[1] not in ("List",) and self._package.gives_server(helper.file, inner)
            for inner in self._calls(helper.body)
        )

    # Statements.

    def _block(self, statements: Sequence[Node], outer: bool = False) -> None:
        for place, node in enumerate(statements):
            following = statements[place + 1 :]
            if node.type == "if_statement":
                if self._if(node, following):
                    break  # what follows is never reached
            elif node.type in ("expression_switch_statement", "select_statement"):
                self._switch(node, following)
            elif node.type in ("block", "for_statement", "labeled_statement"):
                self._block(_statements(node))
            elif node.type == "return_statement" and self._closure:
                self._return(node, outer)

    def _if(self, node: Node, following: Sequence[Node]) -> bool:
        """Read an `if`, and return whether it always ends the round."""
        condition = node.child_by_field_name("condition")
        then = node.child_by_field_name("consequence")
        other = node.child_by_field_name("alternative")
        if condition is None or then is None:
            return False
        start = text_of(node.child_by_field_name("initializer"))
        done = self._ending(_statements(then))
        if other is None:
            otherwise = None if done is None else self._ending(following)
        else:
            otherwise = self._ending(_statements(other)) if other.type == "block" else None
        tests = self._tests(condition, start)
        if done is not None and ALWAYS in tests:
            return True
        if NEVER not in tests:
            for test in tests:
                self._note(test, done, otherwise)
            self._block(_statements(then))
        if other is not None:
            self._block(_statements(other) if other.type == "block" else [other])
        return False

    def _switch(self, node: Node, following: Sequence[Node]) -> None:
        subject = node.child_by_field_name("value")
        polled = subject is not None and self._is_status(subject)
        for case in node.named_children:
            if not case.type.endswith("_case"):
                continue
            statements = [n for n in _statements(case) if n != case.child_by_field_name("value")]
            done = self._ending(statements, inside=True)
            listed = case.child_by_field_name("value")
            if polled and listed is not None:
                parts = [(part, self._scope.strings(part)) for part in listed.named_children]
                for part, values in parts:
                    self._note(self._test(part, values, False), done, None)
            elif polled and case.type == "default_case" and done in (SUCCESS, FAILURE):
                self._rest = done
            elif listed is not None and subject is None:
                for test in self._tests(listed):
                    self._note(test, done, self._ending(following))
            self._block(statements)

    def _return(self, node: Node, outer: bool) -> None:
        """Read `return server.Status == wanted, nil`, and what the closure ends with otherwise."""
        returned = _returned(node)
        if returned and text_of(returned[0]) not in ("true", "false") and len(returned) < 3:
            for test in self._tests(returned[0]):
                self._note(test, SUCCESS, None)
        elif (
            outer and not self._rest_known and (found := self._ending([node])) in (SUCCESS, FAILURE)
        ):
            self._rest = found

    def _ending(self, statements: Iterable[Node], inside: bool = False) -> str | None:
        """Return how statements end the poll, `on` where it goes on, None where they say nothing.

        A `break` `inside` a switch leaves the switch alone.
        """
        for node in statements:
            text = text_of(node)
            if node.type == "return_statement":
                return self._returning([text_of(part) for part in _returned(node)])
            if node.type == "break_statement":
                return None if self._closure or (inside and text == "break") else SUCCESS
            if node.type == "continue_statement":
                return ON
            if node.type == "expression_statement" and ENDS.match(text):
                return FAILURE
        return None

    def _returning(self, returned: list[str]) -> str | None:
        last = returned[-1] if returned else "nil"
        if not self._closure:
            return FAILURE if last not in ("nil", "true") else SUCCESS
        if "NonRetryable" in last:
            return FAILURE
        if RETRIES.search(last) or returned in (["false", "nil"], ["false"]):
            return ON
        if len(returned) == 1 and last not in ("nil", "true"):
            return ON  # a closure that returns an error alone is called again
        if last == "nil" or returned == ["true"]:
            return SUCCESS if returned[0] in ("true", "nil") else None
        return FAILURE if len(returned) > 1 else None

    # Conditions.

    def _note(self, test: _StatusTest, done: str | None, otherwise: str | None) -> None:
        at, elsewhere = (otherwise, done) if test.negated else (done, otherwise)
        if test.values is None:
            self.unknown = self.unknown or at in (SUCCESS, FAILURE)
            return
        for value in test.values:
            if self._verdicts.get(value) not in (SUCCESS, FAILURE) and at is not None:
                self._verdicts[value] = at
        if test.negated and done is not None and test.values != (GONE,):
            self._rest_known = True
        if test.values != (GONE,) and elsewhere in (SUCCESS, FAILURE) and at in (ON, None):
            self._rest = elsewhere
            if at is None:
                self._verdicts |= {v: ON for v in test.values if v not in self._verdicts}

    def _tests(self, node: Node, start: str = "", negated: bool = False) -> list[_StatusTest]:
        """Return the comparisons of which a condition consists."""
        match node.type:
            case "parenthesized_expression" | "expression_list":
                parts = (self._tests(part, start, negated) for part in node.named_children)
                return [test for part in parts for test in part]
            case "unary_expression" if text_of(node).startswith("!"):
                return self._tests(node.named_children[0], start, not negated)
            case "binary_expression":
                return self._compared(node, start, negated)
            case "call_expression" if CONTAINS.search(called(node)[1]):
                given = arguments(node)
                polled = [part for part in given if self._is_status(part)]
                if len(given) == 2 and len(polled) == 1:
                    (listed,) = (part for part in given if part not in polled)
                    return [self._test(listed, self._scope.strings(listed), negated)]
                texts = [self._scope.strings(part) for part in given]
                if len(texts) == 2 and texts[0] is not None and texts[1]:
                    holds = {*texts[1]} <= {*texts[0]}
                    return [ALWAYS if holds != negated else NEVER]
        written = start + text_of(node)
        if any(word in written for word in NOT_FOUND):
            return [_StatusTest((GONE,), negated)]
        return []

    def _compared(self, node: Node, start: str, negated: bool) -> list[_StatusTest]:
        left, right = (node.child_by_field_name(side) for side in ("left", "right"))
        operator = text_of(node.child_by_field_name("operator"))
        if left is None or right is None:
            return []
        if operator in ("||", "&&"):
            tests = [*self._tests(left, start, negated), *self._tests(right, start, negated)]
            decided = NEVER if operator == "&&" else ALWAYS
            if decided in tests:
                return [decided]
            tests = [test for test in tests if test.values != ()]
            known = [test for test in tests if test.values != (GONE,)]
            # "there is a server, and its status is ..." says nothing about its absence
            return known if operator == "&&" and known else tests
        if operator not in ("==", "!="):
            return []
        differs = (operator == "!=") != negated
        if text_of(right) == "0" and called(left) == ("", "len"):
            listed = self._scope.strings(arguments(left)[0])
            return [] if listed is None else [ALWAYS if bool(listed) == differs else NEVER]
        for subject, other in ((left, right), (right, left)):
            if text_of(other) == "nil":
                return [_StatusTest((GONE,), differs)] if self._is_server(subject) else []
            if "StatusNotFound" in text_of(other):
                return [_StatusTest((GONE,), differs)]
            if self._is_status(subject):
                return [self._test(other, self._scope.strings(other), differs)]
        return []

    def _test(self, node: Node, values: tuple[str, ...] | None, negated: bool) -> _StatusTest:
        if values is None and (parameter := self._scope.parameter_of(node)):
            self.parameters.add(parameter)
            return _StatusTest(OPEN, negated)
        return _StatusTest(values, negated)

    def _is_server(self, node: Node) -> bool:
        is_name = node.type == "identifier" and text_of(node) != "err"
        found = self._scope.find(text_of(node), node) if is_name else None
        if found is None:
            return False
        calls = list(self._calls(found[0]))
        return any(self._package.gives_server(self._file, c) or self._asks(c) for c in calls)

    def _is_status(self, node: Node) -> bool:
        """Return whether an expression is the polled status, and note the attribute."""
        while node.type in ("unary_expression", "parenthesized_expression"):
            node = node.named_children[0]
        if node.type == "call_expression":
            given = arguments(node)
            if len(given) == 1 and self._is_status(given[0]):
                return True  # string(server.Status), strings.ToUpper(server.Status)
            return not given and STATUS_NAME.match(called(node)[1]) is not None
        if (read := attribute_of(node, self._scope)) is not None:
            self.attribute = self.attribute or read
            return True
        if node.type == "selector_expression":
            return text_of(node.child_by_field_name("field")) == "State"
        if node.type != "identifier" or STATUS_NAME.match(text_of(node)) is None:
            return False
        return not (self._scope.is_parameter(text_of(node)) or self._scope.strings(node))


def polling_body(loop: Node) -> tuple[Node, Node | None] | None:
    """Return body and condition of a loop that sleeps, and in which no other one does."""
    body = loop.child_by_field_name("body")
    if body is None or not SLEEP.search(body.text or b""):
        return None
    inner = (n for n in walk(body) if n.type == "for_statement")
    if any(SLEEP.search(n.text or b"") for n in inner):
        return None
    header = next((n for n in loop.named_children if n != body and n.type != "comment"), None)
    if header is not None and header.type == "for_clause":
        header = header.child_by_field_name("condition")
    return body, None if header is None or header.type == "range_clause" else header


def _statements(node: Node) -> list[Node]:
    """Return the statements of a block, a case, a loop or a closure."""
    found = []
    for child in node.named_children:
        if child.type in ("statement_list",):
            found += child.named_children
        elif child.type != "comment":
            found.append(child)
    return found


def _returned(node: Node) -> list[Node]:
    return [child for part in node.named_children for child in part.named_children]
