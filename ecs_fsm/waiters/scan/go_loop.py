"""A Go `for` that polls a server and sleeps: the values that end it, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_fsm.waiters.judge import GONE, STATUS
from ecs_fsm.waiters.scan.go_package import SLEEP
from ecs_fsm.waiters.scan.go_refresh import (
    NOT_FOUND,
    Refresh,
    attribute_of,
    compared,
    open_parameters,
    read_body,
)
from ecs_fsm.waiters.scan.go_syntax import GoScope, assigned, called, text_of, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node


def polling_body(loop: Node) -> Node | None:
    """Return the body of a loop that sleeps, and in which no other one does."""
    body = loop.child_by_field_name("body")
    if body is None or not SLEEP.search(body.text or b""):
        return None
    inner = (n for n in walk(body) if n.type == "for_statement")
    return None if any(SLEEP.search(n.text or b"") for n in inner) else body


def read_loop(loop: Node, body: Node, scope: GoScope, imports: Mapping[str, str]) -> Refresh:
    """Return what a loop polls and the values that end it."""
    inside = GoScope(dict(assigned(body)), (), {}, scope)
    refresh = read_body(body, imports)
    refresh.gone.clear()
    refresh.failure.clear()
    refresh.own_words.clear()
    header = next((n for n in loop.named_children if n != body and n.type != "comment"), None)
    if header is not None:
        refresh.target += compared(header, inside, "!=")
        refresh.parameters |= open_parameters(header, inside)
        _attribute(header, inside, refresh)
    for node in (n for n in walk(body) if n.type == "if_statement"):
        condition = node.child_by_field_name("condition")
        consequence = node.child_by_field_name("consequence")
        if condition is None or consequence is None:
            continue
        _attribute(condition, inside, refresh)
        good = _ends_well(consequence)
        if good is None:
            continue
        written = text_of(condition) + text_of(node.child_by_field_name("initializer"))
        values = compared(condition, inside)
        (refresh.target if good else refresh.failure).extend(values)
        refresh.parameters |= open_parameters(condition, inside) if good else set()
        if good and any(word in written for word in NOT_FOUND):
            refresh.gone.add(GONE)
    refresh.failure = [value for value in refresh.failure if value not in refresh.target]
    return refresh


def server_call(body: Node) -> Node | None:
    """Return the call that asks for the server, None if there is none."""
    calls = (n for n in walk(body) if n.type == "call_expression")
    return next((c for c in calls if called(c)[1] in ("Get", "Show", "GetServer")), None)


def _attribute(condition: Node, scope: GoScope, refresh: Refresh) -> None:
    for node in walk(condition):
        if node.type == "selector_expression" and (read := attribute_of(node, scope)):
            refresh.attribute = refresh.attribute or read
    refresh.attribute = refresh.attribute or (STATUS if "tatus" in text_of(condition) else None)


def _ends_well(block: Node) -> bool | None:
    """Return whether a block leaves the loop with success, None if it does not leave."""
    for node in walk(block):
        if node.type == "break_statement":
            return True
        if node.type == "return_statement":
            returned = [text_of(c) for part in node.named_children for c in part.named_children]
            return not returned or returned[-1] in ("nil", "true")
    return None
