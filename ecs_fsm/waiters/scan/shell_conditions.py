"""Conditions in the text of shell scripts: the values that they compare, and what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ecs_fsm.core.model import NO_TASK
from ecs_fsm.waiters.judge import GONE

WORD = re.compile(r"^[A-Za-z_]+$")


def compared(text: str) -> list[tuple[str, bool]]:
    """Return the words to which a condition compares, each with whether it must be equal."""
    found = [
        (value, operator in ("=", "=="))
        for operator, value in re.findall(r"(?<![<>!=])(!=|==?)\s*[\"']?([A-Za-z_]+)[\"']?", text)
        if WORD.match(value)
    ]
    negated = re.search(r"(?:^|[;\s])!\s", text) is not None
    found += [
        (value, not negated)
        for value in re.findall(r"grep\s+(?:-\w+\s+)*[\"']?([A-Za-z_]{4,})[\"']?", text)
    ]
    return found


def asks_existence(condition: str) -> bool:
    """Return whether a condition is the command itself: it is false once the server is gone."""
    if re.search(r"\s(?:!=|==?)\s|\bgrep\b", condition):
        return False  # it compares something that is not known
    return re.search(r"(?:openstack|nova)\s.*\b(?:show|list)\b", condition) is not None


_IF = re.compile(
    r"(?:if|elif)\s+(?P<test>.*?)(?:;|\n)\s*then(?P<body>.*?)(?=\belif\b|\belse\b|\bfi\b)", re.S
)


_CASE = re.compile(r"\bcase\b.*?\bin\b(?P<cases>.*?)\besac\b", re.S)
_PATTERN = re.compile(r"(?:^|;;)\s*\(?(?P<words>[^;()]+?)\)(?P<body>.*?)(?=;;|$)", re.S)
_FAILS = re.compile(r"\b(?:exit|return)\s+[1-9]|\bdie\b|\berror\b")
_LEAVES = re.compile(r"\bbreak\b|\b(?:exit|return)(?:\s+0)?\s*(?:;|\n|$)")


def _cases(body: str) -> Iterator[tuple[list[str], str]]:
    """Yield the values of each pattern of a `case`, and what is done at them."""
    for found in _CASE.finditer(body):
        for pattern in _PATTERN.finditer(found["cases"]):
            words = (word.strip(" \t\n\"'") for word in pattern["words"].split("|"))
            values = [_case_value(word) for word in words]
            yield [value for value in values if value], pattern["body"]


def _case_value(word: str) -> str:
    """Return the value that a pattern stands for, an empty text for one that is not a value."""
    if "erver" in word or "404" in word:
        return GONE  # the message of the command: no server with this name
    task, slash, status = word.partition("/")
    if slash:  # the columns in the order in which the command prints them
        return f"{status}/{NO_TASK if task == 'None' else task}"
    if word == "None":
        return NO_TASK
    return word if WORD.match(word.replace("-", "_")) else ""


def _tested(body: str, does: re.Pattern[str]) -> list[str]:
    """Return the values whose test leads to what does something."""
    return [
        value
        for found in _IF.finditer(body)
        if does.search(found["body"])
        for value, equal in compared(found["test"])
        if equal
    ]


def failures(body: str) -> list[str]:
    """Return the values at which a loop's body ends the script with an error."""
    return _tested(body, _FAILS) + [
        v for values, does in _cases(body) if _FAILS.search(does) for v in values if v != GONE
    ]


def leaving(body: str) -> list[str]:
    """Return the values at which a loop's body leaves the loop."""
    return _tested(body, _LEAVES) + [
        value
        for values, does in _cases(body)
        if _LEAVES.search(does) and not _FAILS.search(does)
        for value in values
    ]
