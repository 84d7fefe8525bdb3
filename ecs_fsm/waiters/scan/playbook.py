"""Waits in Ansible playbooks and task files: `until` on what a task registers, and `wait: true`.

A file is composed to nodes, which keep their lines; no value of it is constructed and no template
is expanded. A task that polls is a wait for the request of an earlier task on the same server.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecs_fsm.core.model import NO_TASK
from ecs_fsm.waiters.judge import BOTH, GONE, STATUS
from ecs_fsm.waiters.scan.shell_source import command_of, polled
from ecs_fsm.waiters.scan.wait import (
    ATTRIBUTES,
    NO_REQUEST,
    Found,
    ServerRequests,
    Wait,
    clients,
    spelled,
)

if TYPE_CHECKING:
    from yaml.nodes import Node

Task = dict[str, "Node"]
MOST_TASKS = 20_000
SECTIONS = ("pre_tasks", "roles", "tasks", "post_tasks", "handlers")
BLOCKS = ("block", "rescue", "always")
_TEXT = r"['\"](?P<{0}>[A-Za-z_]+)['\"]"
_EQUAL = re.compile(rf"(?P<sign>==|!=)\s*{_TEXT.format('value')}")
_REVERSED = re.compile(rf"{_TEXT.format('value')}\s*(?P<sign>==|!=)")
_LISTED = re.compile(r"(?P<no>\bnot\s+)?\bin\s*[\[(](?P<values>[^\])]*)[\])]")
_CONTAINED = re.compile(rf"{_TEXT.format('value')}\s+(?P<no>not\s+)?in\s+\w")
_FOUND = re.compile(r"\.(?:find|search|match)\(\s*['\"](?P<value>[A-Za-z_]+)['\"]")
_SEARCHED = re.compile(r"is\s+(?P<no>not\s+)?(?:search|match)\(\s*['\"](?P<value>[A-Za-z_]+)['\"]")
_EMPTY = re.compile(r"length\s*\)?\s*(?:==\s*0|<\s*1)|==\s*\[\s*\]|\bnot\s+\w+\.servers?\b")
_NONE = re.compile(r"(?:==|\bis)\s*none\b", re.IGNORECASE)
_FAILED = re.compile(r"\bis\s+failed\b|\brc\s*!=\s*0|\.failed\b")


def scan_playbook(file: str, text: bytes) -> Found:
    """Return the waits of a playbook. Raise `ValueError` if it does not parse."""
    import yaml

    reader = _PlaybookReader(file)
    try:
        for document in yaml.compose_all(text, yaml.SafeLoader):
            reader.tasks(document, ServerRequests())
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    reader.result.waits.sort(key=lambda wait: wait.line)
    return reader.result


class _PlaybookReader:
    """Reads tasks in their order."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.result = Found()
        self._left = MOST_TASKS

    def tasks(self, node: Node | None, requests: ServerRequests) -> None:
        """Read a list of plays, blocks and tasks."""
        for entry in _sequence(node):
            self._left -= 1
            if self._left < 0:
                raise ValueError(f"more than {MOST_TASKS} tasks")
            task = _mapping(entry)
            for name in (*SECTIONS, *BLOCKS):
                if name in task:
                    self.tasks(task[name], ServerRequests() if name in SECTIONS else requests)
            self._task(task, entry.start_mark.line + 1, requests)

    def _task(self, task: Task, line: int, requests: ServerRequests) -> None:
        known = clients()["ansible"]["modules"]
        module = next((name for name in task if name in known), None)
        if module is None:
            if "until" in task and re.search(r"\bstatus\b", _text(task["until"])):
                self.result.passed_over += 1
            return
        kind = known[module]
        given = _mapping(task[module]) | _mapping(task.get("args"))
        if kind == "command":
            self._command(task, given, _text(task[module]), line, requests)
            return
        server = _name(given)
        if kind == "info":
            if "until" in task:
                self._until(task, line, server, requests)
            return
        operation = self._operation(kind, given)
        if not operation:
            return
        requests.add(server, operation)
        if kind == "action":
            waits = clients()["ansible"]["waits"].get(_text(given.get("action")), "").split()
        else:
            waits = []
        if "wait" in given and _text(given["wait"]).lower() in ("true", "yes", "on", "1"):
            if waits:
                self._note(task, line, STATUS, waits, (), server, requests)
            else:
                requests.waited(server, ())
        elif "until" in task:
            self._until(task, line, server, requests)
        elif "wait" not in given and not _asynchronous(task):
            requests.waited(server, spelled(STATUS, waits))

    def _operation(self, kind: str, given: Task) -> str:
        known = clients()["ansible"]
        if kind == "action":
            return known["actions"].get(_text(given.get("action")), "")
        state = given.get("state")
        return known["state"].get(_text(state) if state else next(iter(known["state"])), "")

    def _command(
        self, task: Task, given: Task, free: str, line: int, requests: ServerRequests
    ) -> None:
        words = given.get("cmd") or given.get("argv") or given.get("_raw_params")
        text = _text(words) if words is not None else free
        if words is not None and _sequence(words):
            text = " ".join(_text(word) for word in _sequence(words))
        text = re.sub(r"\{\{\s*(.*?)\s*\}\}", lambda m: re.sub(r"\W+", ".", m[1]), text)
        asked = polled(text)
        if "until" in task and asked is not None:
            kind, server, attribute = asked
            if kind == "server":
                self._until(task, line, server, requests, attribute)
            else:
                self.result.passed_over += 1
            return
        for part in re.split(r"&&|\|\||[;|\n]", text):
            operation, server = command_of(part.split())
            if operation:
                requests.add(server, operation)

    def _until(
        self, task: Task, line: int, server: str, requests: ServerRequests, attribute: str = STATUS
    ) -> None:
        condition = _condition(task["until"])
        for name, meaning in ATTRIBUTES.items():
            if name in condition and meaning != STATUS:
                attribute = meaning
        if "~" in condition and {"status", "task_state"} <= {*re.findall(r"\w+", condition)}:
            attribute = BOTH
        target, negated = _values(condition)
        if not target and attribute != STATUS and _NONE.search(condition):
            target = [NO_TASK]
        if not negated and (_EMPTY.search(condition) or _FAILED.search(condition)):
            target = [*target, GONE]
        failing = _condition(task["failed_when"]) if "failed_when" in task else ""
        failure, _ = _values(failing) if "==" in failing or " in " in failing else ([], [])
        if _EMPTY.search(failing):
            target = [value for value in target if value != GONE]
        # A task that fails at a value fails after its last retry only, unless the value ends it.
        failure = [value for value in failure if value in target]
        target = [value for value in target if value not in failure]
        self._note(task, line, attribute, target, failure, server, requests)

    def _note(
        self, task: Task, line: int, attribute: str, target: Sequence[str],
        failure: Sequence[str], server: str, requests: ServerRequests,
    ) -> None:  # fmt: skip
        operations = requests.of(server) or requests.only()
        reason = None
        if not target:
            reason = "the values that end it are not known"
        elif not operations:
            reason = NO_REQUEST
        meant = spelled(attribute, target)
        self.result.waits.append(
            Wait(
                file=self.file,
                line=line,
                function=_text(task["name"]) if "name" in task else None,
                operations=operations,
                attribute=attribute,
                pending=None,
                target=meant,
                failure=spelled(attribute, failure),
                starts=requests.starts.get(server),
                lifecycle=clients()["default"]["ansible"],  # type: ignore[arg-type]
                reason=reason,
            )
        )
        requests.waited(server, meant)


def _condition(node: Node) -> str:
    """Return a condition; several in a list must all be true."""
    parts = _sequence(node)
    return " and ".join(_text(part) for part in parts) if parts else _text(node)


def _values(condition: str) -> tuple[list[str], list[str]]:
    """Return the values at which a condition is true, and those at which it is false."""
    true: list[str] = []
    false: list[str] = []
    for pattern in (_EQUAL, _REVERSED):
        for found in pattern.finditer(condition):
            (true if found["sign"] == "==" else false).append(found["value"])
    for found in _LISTED.finditer(condition):
        values = re.findall(r"['\"]([A-Za-z_/-]+)['\"]", found["values"])
        (false if found["no"] else true).extend(values)
    for pattern in (_CONTAINED, _SEARCHED):
        for found in pattern.finditer(condition):
            (false if found["no"] else true).append(found["value"])
    true += [found["value"] for found in _FOUND.finditer(condition)]
    return list(dict.fromkeys(true)), list(dict.fromkeys(false))


def _asynchronous(task: Task) -> bool:
    return "async" in task and _text(task.get("poll")) == "0"


def _name(given: Task) -> str:
    for key in ("name", "server", "id"):
        if key in given:
            return re.sub(r"\W+", ".", _text(given[key]).strip("{} "))
    return ""


def _mapping(node: Node | None) -> Task:
    from yaml.nodes import MappingNode

    if not isinstance(node, MappingNode):
        return {}
    return {_text(key): value for key, value in node.value}


def _sequence(node: Node | None) -> Sequence[Node]:
    from yaml.nodes import SequenceNode

    return node.value if isinstance(node, SequenceNode) else ()


def _text(node: Node | None) -> str:
    from yaml.nodes import ScalarNode

    return node.value if isinstance(node, ScalarNode) else ""
