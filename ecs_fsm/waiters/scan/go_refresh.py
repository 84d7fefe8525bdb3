"""What a Go refresh function polls: a server or not, and what it makes of 404 and ERROR."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecs_fsm.waiters.judge import BOTH, STATUS, TASK_STATE, VM_STATE
from ecs_fsm.waiters.scan.go_syntax import (
    GoScope,
    arguments,
    called,
    parameters,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from tree_sitter import Node

    from ecs_fsm.waiters.scan.go_package import GoFile, GoFunction, GoPackage

FIELDS = {"Status": STATUS, "VmState": VM_STATE, "TaskState": TASK_STATE}
NOT_FOUND = ("404", "NotFound", "IsResourceNotFound")
ASKING = ("Get", "List", "Show")
POLLER = re.compile(r"^(?:Wait|Poll|Retry|ExponentialBackoff|Eventually)")


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
    own_words: set[str] = field(default_factory=set)


def read_refresh(node: Node | None, scope: GoScope, package: GoPackage, file: GoFile) -> Refresh:
    """Return what is known of the value of a field `Refresh`."""
    for _ in range(4):
        if node is None:
            return Refresh()
        if node.type == "func_literal":
            return read_body(node, scope, package, file)
        if node.type == "identifier":
            found = scope.find(text_of(node), node)
            if found is None:
                helper = package.function(text_of(node))
                return Refresh() if helper is None else _read(helper, package)
            node, scope = found
        elif node.type == "call_expression":
            helper = package.helper(file, node)
            if helper is None:
                return Refresh()
            refresh = _read(helper, package)
            refresh.server = _argument_key(node, helper, scope)
            return refresh
        else:
            return Refresh()
    return Refresh()


def _read(function: GoFunction, package: GoPackage) -> Refresh:
    return read_body(function.body, function.scope, package, function.file)


def attribute_of(node: Node, scope: GoScope) -> str | None:
    """Return the attribute that an expression reads, None for any other expression."""
    if node.type == "identifier":
        found = scope.find(text_of(node), node)
        return None if found is None or found[0] == node else attribute_of(*found)
    names = [
        FIELDS[name]
        for part in walk(node)
        if part.type == "selector_expression"
        and (name := text_of(part.child_by_field_name("field"))) in FIELDS
    ]
    if node.type == "binary_expression" and names == [STATUS, TASK_STATE]:
        return BOTH
    return names[0] if names and node.type == "selector_expression" else None


def read_body(body: Node, scope: GoScope, package: GoPackage, file: GoFile) -> Refresh:
    """Return what is known of the body of a function that asks for something."""
    refresh = Refresh(other=other_service(body, file.imports))
    for node in walk(body):
        if node.type == "call_expression":
            refresh.is_server = refresh.is_server or package.gives_server(file, node)
        elif node.type == "if_statement":
            _condition(node, scope, refresh)
        elif node.type == "return_statement":
            _return(node, scope, refresh)
    refresh.other = refresh.other and not refresh.is_server
    refresh.own_words -= refresh.gone
    return refresh


def other_service(body: Node, imports: Mapping[str, str]) -> bool:
    """Return whether a body asks a package for something other than a server."""
    calls = (called(node) for node in walk(body) if node.type == "call_expression")
    return any(name in ASKING and receiver in imports for receiver, name in calls)


def _condition(node: Node, scope: GoScope, refresh: Refresh) -> None:
    condition = node.child_by_field_name("condition")
    body = node.child_by_field_name("consequence")
    if condition is None or body is None:
        return
    text = text_of(condition) + text_of(node.child_by_field_name("initializer"))
    returned = _returned(body)
    if len(returned) not in (3, 4):
        return
    last = text_of(returned[-1])
    if any(word in text for word in NOT_FOUND) and last == "nil":
        refresh.gone |= {*(scope.strings(returned[1]) or (text_of(returned[1]),))}
    elif last not in ("nil", "err"):
        refresh.failure += [value for value in _compared(condition, scope) if value.isupper()]


def _return(node: Node, scope: GoScope, refresh: Refresh) -> None:
    returned = [child for part in node.named_children for child in part.named_children]
    if len(returned) not in (3, 4):
        return
    shown = returned[1]
    if read := attribute_of(shown, scope):
        refresh.attribute = read
    elif text_of(returned[-1]) == "nil":
        refresh.own_words |= {word for word in scope.strings(shown) or () if word}


def _returned(body: Node) -> list[Node]:
    """Return what the first return of a block returns."""
    for node in walk(body):
        if node.type == "return_statement":
            return [c for part in node.named_children for c in part.named_children]
    return []


def _compared(condition: Node, scope: GoScope) -> list[str]:
    """Return the texts to which a condition compares a status."""
    found: list[str] = []
    for node in walk(condition):
        if (
            node.type == "binary_expression"
            and text_of(node.child_by_field_name("operator")) == "=="
        ):
            sides = node.child_by_field_name("left"), node.child_by_field_name("right")
            if any(side is not None and "tatus" in text_of(side) for side in sides):
                for side in sides:
                    found += (scope.strings(side) or ()) if side is not None else ()
    return found


def _argument_key(call: Node, helper: GoFunction, scope: GoScope) -> str:
    """Return what names the server among the arguments of a refresh function's maker."""
    names, given = parameters(helper.node), arguments(call)
    for name, argument in zip(names, given, strict=False):
        if name.lower().endswith(("id", "uuid", "name", "server", "instance")):
            return _key(argument, scope)
    return ""


def _key(argument: Node, scope: GoScope) -> str:
    """Return the key of the server that an argument names, in the caller's words."""
    bound = scope.bound.get(text_of(argument))
    return bare(text_of(argument)) if bound is None else _key(*bound)


def server_key(given: Iterable[Node], scope: GoScope) -> str:
    """Return the key of the argument that names a server, after context and client.

    A variable that holds the options of a request stands for the server that these name.
    """
    for argument in given:
        text = text_of(argument)
        small = text.lower()
        if small in ("ctx", "c", "client") or "client" in small or "context" in small:
            continue
        if argument.type in ("identifier", "selector_expression", "call_expression"):
            return _named_in(argument, scope) or _key(argument, scope)
    return ""


def refresh_key(node: Node | None, scope: GoScope) -> str:
    """Return the key of the server among the arguments that a refresh function is made of."""
    if node is None:
        return ""
    if node.type == "identifier":
        found = scope.find(text_of(node), node)
        return "" if found is None else refresh_key(*found)
    return server_key(arguments(node), scope) if node.type == "call_expression" else ""


def _named_in(node: Node, scope: GoScope, depth: int = 0) -> str:
    """Return the key of the server that the fields of an options literal name, "" for none."""
    if node.type == "identifier" and depth < 4:
        value = scope.find(text_of(node), node)
        return "" if value is None or value[0] == node else _named_in(*value, depth + 1)
    if called(node) == ("", "append"):
        names = [_named_in(part, scope, depth + 1) for part in arguments(node)]
        return next((name for name in names if name), "")
    if depth == 0 or "composite_literal" not in (node.type, *(c.type for c in node.children)):
        return ""
    for element in (inner for inner in walk(node) if inner.type == "keyed_element"):
        key, field_value = element.named_children
        by_id = text_of(key).lower() in ("id", "serverid", "server_id", "instanceid")
        inside = field_value.type == "literal_element"
        for part in field_value.named_children if inside else [field_value]:
            name = bare(text_of(part)) if by_id else _named_in(part, scope, depth + 1)
            if name and (by_id or part.type == "identifier"):
                return name
    return ""


def bare(name: str) -> str:
    """Return the name of a server from that of its identifier."""
    for ending in (".ID", ".Id()", ".Id", "ID", "Id"):
        if name.endswith(ending) and len(name) > len(ending):
            return name.removesuffix(ending)
    return name


def is_conf(node: Node) -> bool:
    """Return whether a node is a `StateChangeConf` literal."""
    if node.type != "composite_literal":
        return False
    return text_of(node.child_by_field_name("type")).rpartition(".")[2] == "StateChangeConf"


def is_poll(node: Node, scope: GoScope) -> bool:
    """Return whether a node is a call of a function that polls by a closure."""
    if node.type != "call_expression" or POLLER.match(called(node)[1]) is None:
        return False
    return closure_of(node, scope) is not None


def closure_of(call: Node, scope: GoScope) -> Node | None:
    """Return the body of the closure that a poller is given, itself or by its name."""
    bodies = []
    for argument in arguments(call):
        is_name = argument.type == "identifier"
        found = scope.find(text_of(argument), argument) if is_name else None
        value = argument if found is None else found[0]
        if value.type == "func_literal":
            bodies.append(value.child_by_field_name("body"))
    return bodies[0] if len(bodies) == 1 else None
