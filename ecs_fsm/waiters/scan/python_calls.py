"""What calls in Python source mean: which operation one requests, whether one gives a server."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import cast

from ecs_fsm.waiters.judge import STATUS
from ecs_fsm.waiters.scan.helpers import Helper
from ecs_fsm.waiters.scan.python_values import Arguments, PythonScope, dotted, key_of
from ecs_fsm.waiters.scan.shell_source import command_of
from ecs_fsm.waiters.scan.wait import clients

LIKE_A_SERVER = re.compile(r"(?:^|_)(?:server|instance|vm|guest|nova_server)(?:_obj|_ref)?\d*$")
A_CLIENT = re.compile(r"(?:client|clients|manager|conn|connection|context|ctx)$")
GIVES_SERVER = re.compile(
    r"^_*(?:get|find|show|create|boot|update)_(?:test_|nova_|the_)?(?:server|instance)"
    r"(?:_by_id|_by_name|_detail)?$|^server_(?:get|find|show|details)$"
)


SHOWS = re.compile(r"^(?:server )?show\b")


def python_words(kind: str) -> Mapping[str, str]:
    """Return one of the tables of words for Python."""
    return clients()["python"][kind]


def other_services() -> frozenset[str]:
    """Return the parts of a chain of attributes that name another service than compute."""
    return frozenset(cast(dict[str, list[str]], clients()["services"])["others"])


class Calls:
    """The calls of a function, read with the names that it sees."""

    def __init__(self, scope: PythonScope) -> None:
        self._scope = scope

    def operations(self, call: ast.Call) -> tuple[str, ...]:
        """Return the operations that a call may request, none for any other call."""
        receiver, _, method = dotted(call.func).rpartition(".")
        parts = receiver.split(".")
        if other_services() & {*parts}:
            return ()
        if method in python_words("commands"):
            name, _ = command_in(call)
            return (name,) if name else ()
        if (raw := action_in(call)) is not None:
            return (raw[0],)
        name = python_words("methods").get(method)
        of_servers = name is None and method in python_words("servers")
        if of_servers and (parts[-1] == "servers" or self._is_server(receiver)):
            name = python_words("servers")[method]
        if not name:
            return ()
        by_force = python_words("by_force").get(name)
        if by_force is None:
            return (name,)
        hard = self._hard(call)
        return (name, by_force) if hard is None else (by_force,) if hard else (name,)

    def _hard(self, call: ast.Call) -> bool | None:
        """Return whether a reboot is one by force, None where an argument decides that."""
        known = ("reboot_type", "type")
        values = [k.value for k in call.keywords if k.arg in known]
        if not values and not any(key.arg is None for key in call.keywords):
            values = call.args[-1:]
        if not values:
            return False
        kinds = {text.upper() for texts in self._scope.choices(values[0]) or () for text in texts}
        if kinds:
            return None if len(kinds) > 1 else kinds == {"HARD"}
        written = dotted(values[0]).upper()
        if written.endswith(("_HARD", "_SOFT")):
            return written.endswith("_HARD")
        return None if "TYPE" in written else False

    def _is_server(self, name: str) -> bool:
        if not name or "." in name.replace("self.", ""):
            return False
        value = self._scope.value_of(name)
        every = self._scope.every.get(name, [] if value is None else [value])
        if every and not name.startswith("self."):
            return any(self.gives_server(value) for value in every) or any(
                isinstance(value, ast.Name) and value.id != name and self._is_server(value.id)
                for value in every
            )
        return LIKE_A_SERVER.search(name.rpartition(".")[2]) is not None

    def gives_server(self, node: ast.AST) -> bool:
        """Return whether an expression is a call that answers with a server."""
        while isinstance(node, ast.Subscript | ast.Attribute | ast.Await):
            node = node.value
        if not isinstance(node, ast.Call):
            return False
        receiver, _, method = dotted(node.func).rpartition(".")
        parts = receiver.split(".")
        if other_services() & {*parts}:
            return False
        if method in python_words("commands"):
            return SHOWS.match(" ".join(words_of(node)[0])) is not None
        if parts[-1] == "servers" and method in python_words("getters"):
            return True
        return GIVES_SERVER.match(method) is not None


def action_in(call: ast.Call) -> tuple[str, ast.AST | None] | None:
    """Return the operation of a request that is made by the name of its action, and its server.

    That is `post("/servers/%s/action" % server, body={"os-stop": None})`, or `_action("os-stop",
    server)`; None for any other call.
    """
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    texts = [n.value for a in given for n in ast.walk(a) if isinstance(n, ast.Constant)]
    method = dotted(call.func).rpartition(".")[2]
    known = python_words("actions")
    if method in ("action", "_action"):
        named = [text for text in texts if isinstance(text, str) and text in known]
    elif any(isinstance(text, str) and text.endswith("/action") for text in texts):
        bodies = (n for a in given for n in ast.walk(a) if isinstance(n, ast.Dict))
        keys = (k.value for body in bodies for k in body.keys if isinstance(k, ast.Constant))
        named = [key for key in keys if isinstance(key, str) and key in known]
    else:
        return None
    if len({*named}) != 1:
        return None
    places = (n for a in given for n in ast.walk(a) if isinstance(n, ast.Name | ast.Attribute))
    return known[named[0]], next((n for n in places if key_of(n)), None)


def words_of(call: ast.Call) -> tuple[list[str], list[ast.expr]]:
    """Return the command of the shell that a call runs, and the values put into it as `%0`."""
    names: list[ast.expr] = []
    match call.args[0] if call.args else None:
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
            names = right.elts if isinstance(right, ast.Tuple) else [right]
        case ast.Constant() | ast.BinOp(op=ast.Add()) | ast.JoinedStr() as written:
            text = ""
            for part in _parts(written):
                fixed = isinstance(part, ast.Constant)
                text += str(part.value) if isinstance(part, ast.Constant) else "%s"
                names += [] if fixed else [part]
        case _:
            text = ""
    pieces = text.split("%s")
    numbered = [f"{piece}%{place}" for place, piece in enumerate(pieces[:-1])]
    return "".join([*numbered, pieces[-1]]).split(), names or call.args[1:]


def _parts(node: ast.expr) -> list[ast.expr]:
    """Return what a text is put together of."""
    match node:
        case ast.BinOp(op=ast.Add()):
            return [*_parts(node.left), *_parts(node.right)]
        case ast.JoinedStr():
            return [v.value if isinstance(v, ast.FormattedValue) else v for v in node.values]
    return [node]


def command_in(call: ast.Call) -> tuple[str | None, ast.AST | None]:
    """Return the operation of a command of the shell that a call runs, and its server."""
    words, names = words_of(call)
    operation, server = command_of([dotted(call.func).rpartition(".")[2], *words])
    place = int(server[1:]) if server[:1] == "%" and server[1:].isdigit() else 0
    return operation, names[place] if place < len(names) else None


def named_after(function: str | None) -> tuple[str, ...]:
    """Return the operation that the name of a function hints at, none if there is none."""
    found = python_words("methods").get((function or "").strip("_"))
    return (found,) if found else ()


def server_of(call: ast.Call, statement: ast.AST, method: str) -> ast.AST | None:
    """Return what names the server of a request: its argument, its object or its result."""
    if method in python_words("commands"):
        return command_in(call)[1]
    if (raw := action_in(call)) is not None:
        return raw[1]
    for keyword in call.keywords:
        if keyword.arg in ("server", "server_id", "name_or_id"):
            return keyword.value
    if method in python_words("makers"):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(target, ast.Tuple) and target.elts:
            target = target.elts[-1]
        return target or next((k.value for k in call.keywords if k.arg == "name"), None)
    func = call.func
    of_object = isinstance(func, ast.Attribute) and method in python_words("servers")
    if of_object and isinstance(func, ast.Attribute):
        receiver = dotted(func.value).rpartition(".")[2]
        if receiver != "servers":
            return func.value
    given = [a for a in call.args if not A_CLIENT.search(dotted(a))] or call.args
    return given[0] if given else None


def aliases(statement: ast.AST, calls: Calls) -> Iterator[tuple[str, str]]:
    """Yield names that stand for the server that another name stands for."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return
    target, value = key_of(statement.targets[0]), statement.value
    while isinstance(value, ast.Subscript | ast.Attribute | ast.Await):
        value = value.value
    if not target:
        return
    if isinstance(value, ast.Name):
        yield target, key_of(value)
    elif isinstance(value, ast.Call):
        method = dotted(value.func).rpartition(".")[2]
        named = calls.gives_server(value) or calls.operations(value)
        if named and method not in python_words("makers"):
            source = key_of(server_of(value, value, method))
            if source:
                yield target, source


def lambda_servers(statement: ast.AST) -> Iterator[str]:
    """Yield the parameters of functions that a call applies to each of several servers."""
    for call in (node for node in ast.walk(statement) if isinstance(node, ast.Call)):
        if any(dotted(argument).endswith("servers") for argument in call.args):
            for argument in call.args:
                if isinstance(argument, ast.Lambda):
                    yield from (parameter.arg for parameter in argument.args.args)


def about_servers(helper: Helper, manager: ast.expr | None, call: ast.Call) -> bool | None:
    """Return whether a helper of several services waits for a server, None where that is open."""
    written = dotted(manager).split(".") if manager is not None else []
    receiver = dotted(call.func).split(".")[:-1]
    if other_services() & {*written, *receiver}:
        return False
    if manager is not None:
        last = written[-1] if written else ""
        if "servers" in written or Calls(PythonScope()).gives_server(
            ast.Call(func=manager, args=[], keywords=[])
        ):
            return True
        return None if last in ("", "get", "f", "fn", "func") else False
    return True if "compute" in receiver else None


def argument_is(arguments: Arguments, helper: Helper, name: str, value: str) -> bool:
    """Return whether an argument of a helper is written as `value`."""
    return arguments.text(name, helper.place(name)) == value


def reached(word: str, attribute: str) -> str:
    """Return the value that an argument stands for: tempest's words for a server one can reach."""
    words = clients()["python"]["reached"]
    return words.get(word, word) if attribute == STATUS else words.get(word.lower(), word)
