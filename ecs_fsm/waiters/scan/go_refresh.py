"""What a Go refresh function polls: a server or not, and what it makes of 404 and ERROR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecs_fsm.waiters.judge import BOTH, GONE, STATUS, TASK_STATE, VM_STATE
from ecs_fsm.waiters.scan.go_syntax import (
    GoScope,
    arguments,
    called,
    literal,
    parameters,
    text_of,
    walk,
)
from ecs_fsm.waiters.scan.wait import clients

if TYPE_CHECKING:
    from tree_sitter import Node

    from ecs_fsm.waiters.scan.go_package import GoFunction, GoPackage

FIELDS = {"Status": STATUS, "VmState": VM_STATE, "TaskState": TASK_STATE}
NOT_FOUND = ("404", "NotFound", "IsResourceNotFound")


@dataclass(slots=True)
class Refresh:
    """What a refresh function does.

    `gone` are the words that it returns for a 404, `failure` the statuses at which it returns an
    error, `own_words` the texts that it returns in place of a status.
    """

    is_server: bool = False
    other: bool = False
    attribute: str | None = None
    server: str = ""
    gone: set[str] = field(default_factory=set)
    failure: list[str] = field(default_factory=list)
    target: list[str] = field(default_factory=list)
    own_words: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)


def read_refresh(
    node: Node | None, scope: GoScope, package: GoPackage, imports: Mapping[str, str]
) -> Refresh:
    """Return what is known of the value of a field `Refresh`."""
    for _ in range(4):
        if node is None:
            return Refresh()
        if node.type == "func_literal":
            return read_body(node, imports)
        if node.type == "identifier":
            found = scope.find(text_of(node))
            if found is None:
                helper = package.function(text_of(node))
                return Refresh() if helper is None else read_body(helper.body, helper.file.imports)
            node, scope = found
        elif node.type == "call_expression":
            helper = package.function(called(node)[1])
            if helper is None:
                return Refresh()
            refresh = read_body(helper.body, helper.file.imports)
            refresh.server = _argument_key(node, helper)
            return refresh
        else:
            return Refresh()
    return Refresh()


def read_closure(
    closure: Node, scope: GoScope, package: GoPackage, imports: Mapping[str, str]
) -> Refresh:
    """Return what is known of a closure that returns whether a wait is over, and an error."""
    refresh = read_body(closure, imports)
    refresh.gone.clear()
    refresh.failure.clear()
    for call in (node for node in walk(closure) if node.type == "call_expression"):
        receiver, name = called(call)
        helper = None if receiver in imports else package.function(name)
        if helper is not None and not refresh.is_server:
            refresh.is_server = read_body(helper.body, helper.file.imports).is_server
            refresh.other = refresh.other and not refresh.is_server
    last = _last_return(closure)
    _switches(closure, scope, refresh)
    for node in (n for n in walk(closure) if n.type == "if_statement"):
        condition = node.child_by_field_name("condition")
        body = node.child_by_field_name("consequence")
        if condition is None or body is None:
            continue
        returned = _returned(body)
        values = compared(condition, scope)
        written = text_of(condition)
        if returned[:1] == ["true"] and returned[-1] == "nil":
            refresh.target += values
            refresh.parameters |= open_parameters(condition, scope)
            if any(word in written for word in NOT_FOUND) or written.endswith("== nil"):
                refresh.gone.add(GONE)
        elif len(returned) > 1 and returned[-1] not in ("nil", "err"):
            refresh.failure += values
        elif (
            returned == ["false", "nil"]
            and last == ["true", "nil"]
            and written.endswith("!= nil")
            and "err" not in written
        ):
            refresh.gone.add(GONE)
    refresh.failure = [value for value in refresh.failure if value not in refresh.target]
    return refresh


def _switches(closure: Node, scope: GoScope, refresh: Refresh) -> None:
    """Note the values at which a `switch` on what is polled ends the wait."""
    for node in (n for n in walk(closure) if n.type == "expression_switch_statement"):
        subject = node.child_by_field_name("value")
        read = None if subject is None else attribute_of(subject, scope)
        if read is None:
            continue
        refresh.attribute = read
        for case in (c for c in node.named_children if c.type == "expression_case"):
            listed = case.child_by_field_name("value")
            values = [] if listed is None else [*(scope.strings(listed) or ())]
            returned = _returned(case)
            if returned[:1] == ["true"] and returned[-1] == "nil":
                refresh.target += values
            elif len(returned) > 1 and returned[-1] not in ("nil", "err"):
                refresh.failure += values


def attribute_of(node: Node, scope: GoScope) -> str | None:
    """Return the attribute that an expression reads, None for any other expression."""
    if node.type == "identifier":
        found = scope.find(text_of(node))
        return None if found is None or found[0] is node else attribute_of(*found)
    names = [
        FIELDS[name]
        for part in walk(node)
        if part.type == "selector_expression"
        and (name := text_of(part.child_by_field_name("field"))) in FIELDS
    ]
    if node.type == "binary_expression" and names == [STATUS, TASK_STATE]:
        return BOTH
    return names[0] if names and node.type == "selector_expression" else None


def _last_return(closure: Node) -> list[str]:
    found: list[str] = []
    for node in walk(closure):
        if node.type == "return_statement":
            found = [text_of(c) for part in node.named_children for c in part.named_children]
    return found


def open_parameters(condition: Node, scope: GoScope) -> set[str]:
    """Return the parameters to which a condition compares a status."""
    found = set()
    for node in walk(condition):
        if node.type == "binary_expression" and "tatus" in text_of(node):
            for side in node.named_children:
                if side.type == "identifier" and (name := scope.parameter_of(side)):
                    found.add(name)
    return found


def read_body(body: Node, imports: Mapping[str, str]) -> Refresh:
    """Return what is known of the body of a function that asks for something."""
    refresh = Refresh()
    known = clients()["go"]
    for node in walk(body):
        if node.type == "call_expression":
            receiver, name = called(node)
            path = [p for p in imports.get(receiver, "").replace(".", "/").split("/") if p]
            if name in known["getters"]:
                refresh.is_server = True
            elif path and name in ("Get", "List", "Show"):
                compute = path[-1] in known["packages"] and {*path} & {*known["services"]}
                refresh.is_server = refresh.is_server or bool(compute)
                refresh.other = refresh.other or not compute
        elif node.type == "if_statement":
            _condition(node, refresh)
        elif node.type == "return_statement":
            _return(node, refresh)
    refresh.other = refresh.other and not refresh.is_server
    refresh.own_words -= refresh.gone
    return refresh


def _condition(node: Node, refresh: Refresh) -> None:
    condition = node.child_by_field_name("condition")
    body = node.child_by_field_name("consequence")
    if condition is None or body is None:
        return
    text = text_of(condition) + text_of(node.child_by_field_name("initializer"))
    returned = _returned(body)
    if (
        any(word in text for word in NOT_FOUND)
        and len(returned) in (3, 4)
        and returned[-1] == "nil"
    ):
        refresh.gone.add(returned[1].strip('"'))
    elif len(returned) in (3, 4) and returned[-1] not in ("nil", "err"):
        refresh.failure += [value for value in compared(condition, GoScope()) if value.isupper()]


def _return(node: Node, refresh: Refresh) -> None:
    returned = [child for part in node.named_children for child in part.named_children]
    if len(returned) not in (3, 4):
        return
    shown = returned[1]
    if shown.type in ("selector_expression", "binary_expression"):
        refresh.attribute = attribute_of(shown, GoScope()) or refresh.attribute
    elif (word := literal(shown)) and text_of(returned[-1]) == "nil":
        refresh.own_words.add(word)


def _returned(body: Node) -> list[str]:
    """Return the texts of what the first return of a block returns."""
    for node in walk(body):
        if node.type == "return_statement":
            return [text_of(c) for part in node.named_children for c in part.named_children]
    return []


def compared(condition: Node, scope: GoScope, sign: str = "==") -> list[str]:
    """Return the texts to which a condition compares a status by `==`, or another sign."""
    found: list[str] = []
    for node in walk(condition):
        if (
            node.type == "binary_expression"
            and text_of(node.child_by_field_name("operator")) == sign
        ):
            sides = node.child_by_field_name("left"), node.child_by_field_name("right")
            if any(side is not None and "tatus" in text_of(side) for side in sides):
                for side in sides:
                    found += (scope.strings(side) or ()) if side is not None else ()
    return found


def _argument_key(call: Node, helper: GoFunction) -> str:
    """Return what names the server among the arguments of a refresh function's maker."""
    names, given = parameters(helper.node), arguments(call)
    for name, argument in zip(names, given, strict=False):
        if name.lower().endswith(("id", "uuid", "name", "server", "instance")):
            text = text_of(argument)
            for ending in (".ID", ".Id()", ".Id", "ID", "Id"):
                if text.endswith(ending) and len(text) > len(ending):
                    return text.removesuffix(ending)
            return text
    return ""
