"""Waits in shell scripts: loops that ask the openstack or nova command and sleep."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from ecs_fsm.core.model import NO_TASK
from ecs_fsm.waiters.judge import BOTH, GONE, STATUS, TASK_STATE
from ecs_fsm.waiters.scan.shell_conditions import (
    WORD,
    asks_existence,
    compared,
    failures,
    leaving,
)
from ecs_fsm.waiters.scan.shell_functions import ShellHelper, shell_helpers
from ecs_fsm.waiters.scan.wait import (
    ATTRIBUTES,
    Found,
    ServerRequests,
    Wait,
    clients,
    is_known,
    spelled,
)

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

SHOWING = ("show", "list")
LIFECYCLE = "openstack"


@cache
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def scan_shell(file: str, text: bytes) -> Found:
    """Return the waits of a shell script."""
    root = _parser().parse(text).root_node
    reader = _ShellReader(file, shell_helpers(root, polled, failures))
    reader.block(root, ServerRequests())
    reader.result.waits.sort(key=lambda wait: wait.line)
    return reader.result


def _text(node: Node | None) -> str:
    return "" if node is None or node.text is None else node.text.decode("utf-8", "replace")


def _words(command: Node) -> list[str]:
    """Return the words of a command without their quotes."""
    try:
        return shlex.split(_text(command).replace("\\\n", " "), comments=True)
    except ValueError:
        return _text(command).split()


class _ShellReader:
    """Reads the commands of a script in their order."""

    def __init__(self, file: str, helpers: Mapping[str, ShellHelper]) -> None:
        self.file = file
        self._helpers = helpers
        self.result = Found()
        self._function: str | None = None
        self._variables: dict[str, str] = {}

    def block(self, node: Node, requests: ServerRequests) -> None:
        for child in node.named_children:
            match child.type:
                case "function_definition" if self._is_helper(child):
                    continue  # each call of it is a wait
                case "function_definition":
                    outer, self._function = self._function, _text(child.child_by_field_name("name"))
                    self.block(child, ServerRequests())
                    self._function = outer
                case "while_statement":
                    if not self._loop(child, requests):
                        self.block(child, requests)
                case "for_statement" | "c_style_for_statement":
                    if not self._counted(child, requests):
                        self.block(child, requests)
                case "if_statement" | "case_statement":
                    branch = requests.copy()
                    self.block(child, branch)
                    requests.join([requests.copy(), branch])
                case "variable_assignment":
                    name = _text(child.child_by_field_name("name"))
                    self._variables[name] = _text(child.child_by_field_name("value"))
                    self.block(child, requests)
                case "command":
                    self._command(child, requests)
                    self.block(child, requests)
                case _:
                    self.block(child, requests)

    def _is_helper(self, function: Node) -> bool:
        return _text(function.child_by_field_name("name")) in self._helpers

    def _called(self, node: Node, words: list[str], requests: ServerRequests) -> None:
        """Note the call of a function that waits."""
        helper = self._helpers[words[0]]
        if len(words) <= max(helper.server, helper.target):
            return
        wanted = words[helper.target]
        wanted = self._variables.get(wanted.strip("${}"), wanted).strip("\"'")
        target = [wanted] if WORD.match(wanted) else []
        server = words[helper.server]
        self._note(node, requests, server, helper.attribute, target, [*helper.failure], None)

    def _command(self, node: Node, requests: ServerRequests) -> None:
        words = _words(node)
        if words and words[0] in self._helpers:
            self._called(node, words, requests)
            return
        operation, server = command_of(words)
        if operation:
            requests.add(server, operation)

    def _loop(self, node: Node, requests: ServerRequests) -> bool:
        """Note a loop whose condition or body polls a server; return whether it is one."""
        body = node.child_by_field_name("body")
        if body is None or "sleep" not in _text(body):
            return False
        until = _text(node).lstrip().startswith("until")
        condition = "".join(_text(child) for child in node.named_children if child != body)
        polls = self._polled(condition) or self._polled(_text(body))
        if polls is None or re.search(r"\bread\b", condition):
            return False  # one that reads lines ends after the last of them
        service, server, attribute = polls
        if service != "server":
            self.result.passed_over += 1
            return True
        verdicts = compared(condition)
        target = [value for value, equal in verdicts if equal is until]
        pending = [value for value, equal in verdicts if equal is not until]
        failure = failures(_text(body))
        inside = [v for v in leaving(_text(body)) if v not in failure]
        if not target and not inside and not pending and asks_existence(condition):
            target = [GONE]
        self._note(node, requests, server, attribute, [*target, *inside], failure,
                   pending if pending and not target and not inside else None)  # fmt: skip
        return True

    def _counted(self, node: Node, requests: ServerRequests) -> bool:
        """Note a counted loop that polls a server and leaves by `break`, `return` or `exit 0`."""
        body = node.child_by_field_name("body")
        if body is None or "sleep" not in _text(body):
            return False
        polls = self._polled(_text(body))
        if polls is None or any(c.type == "while_statement" for c in body.named_children):
            return False
        service, server, attribute = polls
        target, failure = leaving(_text(body)), failures(_text(body))
        if service != "server":
            self.result.passed_over += 1
            return True
        if not target:
            return False
        self._note(node, requests, server, attribute, target, failure, None)
        return True

    def _polled(self, text: str) -> tuple[str, str, str] | None:
        for variable in re.findall(r"\$\{?(\w+)", text):
            value = self._variables.get(variable, "")
            if "$(" in value or "`" in value:
                text += " " + value
        return polled(text)

    def _note(
        self, node: Node, requests: ServerRequests, server: str, attribute: str, target: list[str],
        failure: list[str], pending: list[str] | None,
    ) -> None:  # fmt: skip
        operations = requests.of(server)
        if not operations and len(requests.last) == 1:
            operations = next(iter(requests.last.values()))
        reason = None
        if not target and not pending:
            reason = "the values that end it are not known"
        elif not operations:
            reason = "no request for this server is seen before the wait"
        known = all(is_known(attribute, v) or v == NO_TASK for v in target)
        if attribute not in (STATUS, BOTH) and not known:
            reason = reason or "it compares more than one attribute"
        if pending and not target:
            reason = reason or "it ends at every value but those that it names"
        self.result.waits.append(
            Wait(
                file=self.file,
                line=node.start_point.row + 1,
                function=self._function,
                operations=operations,
                attribute=attribute,
                pending=None if pending is None else spelled(attribute, pending),
                target=spelled(attribute, target),
                failure=spelled(attribute, failure),
                starts=requests.starts.get(server),
                lifecycle="nova",
                reason=reason,
            )
        )
        requests.waited(server, spelled(attribute, target))


def polled(text: str) -> tuple[str, str, str] | None:
    """Return the kind of thing that a text asks the command for, its name and the attribute."""
    found = re.search(
        r"(?:openstack(?:\s+-\S+(?:\s+[^-\s]\S*)?)*\s+(?P<kind>[a-z ]+?)\s+(?:show|list)|"
        r"nova(?:\s+-\S+)*\s+(?:show|list))(?P<rest>[^|;)`]*)",
        text,
    )
    if found is None:
        return None
    kind = found["kind"] or "server"
    rest = found["rest"]
    attribute = STATUS
    for name, meaning in ATTRIBUTES.items():
        if name != STATUS and name in text:
            attribute = meaning
    if attribute == TASK_STATE and re.search(r"-c\s*status\b", rest):
        attribute = BOTH
    return kind.strip(), _server(["show", *rest.split()]), attribute


def command_of(words: list[str]) -> tuple[str | None, str]:
    """Return the operation that a command requests, None for any other one, and the server."""
    if not words:
        return None, ""
    command = words[0].rpartition("/")[2]
    rest = words[1:]
    known = clients()["shell"]
    if command == LIFECYCLE:
        while rest and rest[0].startswith("-"):
            rest = rest[1:] if "=" in rest[0] else rest[2:]
        if rest[:1] != ["server"]:
            return None, ""
        names, rest = known["server"], rest[1:]
    elif command == "nova":
        names = known["nova"]
        while rest and rest[0].startswith("-"):
            rest = rest[2:]
    else:
        return None, ""
    return _operation(names, rest), _server(rest)


def _operation(names: object, rest: list[str]) -> str | None:
    known: dict[str, str] = dict(names)  # type: ignore[call-overload]
    flat = " ".join(rest)
    for name in sorted(known, key=len, reverse=True):
        first, *others = name.split()
        if rest[:1] == [first] and all(word in rest for word in others):
            return known[name]
        if flat.startswith(f"{name} "):
            return known[name]
    return None


def _server(rest: list[str]) -> str:
    """Return the word that names the server: the last one that is not an option."""
    values_of = {"-f", "-c", "--format", "--column", "--image", "--flavor", "--network", "--nic"}
    words = []
    skip = False
    for word in rest[1:]:
        if skip:
            skip = False
        elif word in values_of:
            skip = True
        elif not word.startswith("-"):
            words.append(word.strip("\"'"))
    return words[-1] if words else ""
