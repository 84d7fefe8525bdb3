"""Functions of a shell script that wait for a server: which parameters name it and its status."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node

_ASSIGNED = re.compile(r"(\w+)=[\"']?\$\{?(\d)\b")
_WANTED = re.compile(
    r"(?:\s==?\s+|\s!=\s+|grep\s+(?:-\w+\s+)*)[\"']?\$\{?(?P<after>\w+)\}?"
    r"|[\"']?\$\{?(?P<before>\w+)\}?[\"']?\s*(?:!=|==?)\s*[\"']?\$\("
)


class ShellHelper(NamedTuple):
    """A function that waits: the places of its server and its status among its arguments."""

    server: int
    target: int
    attribute: str
    failure: tuple[str, ...]


def shell_helpers(
    root: Node,
    polled: Callable[[str], tuple[str, str, str] | None],
    failures: Callable[[str], list[str]],
) -> dict[str, ShellHelper]:
    """Return the functions of a script that wait for a status that is a parameter, by name."""
    found = {}
    for node in root.named_children:
        if node.type != "function_definition":
            continue
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        text = "" if body is None or body.text is None else body.text.decode("utf-8", "replace")
        asked = polled(text) if "sleep" in text else None
        if name is None or name.text is None or asked is None or asked[0] != "server":
            continue
        places = {variable: int(place) for variable, place in _ASSIGNED.findall(text)}
        places |= {str(number): number for number in range(1, 10)}
        server = places.get(asked[1].strip("${}\"'"))
        names = (match["after"] or match["before"] for match in _WANTED.finditer(text))
        target = next((places[name] for name in names if name in places), None)
        if server is not None and target is not None and server != target:
            helper = ShellHelper(server, target, asked[2], tuple(failures(text)))
            found[name.text.decode("utf-8", "replace")] = helper
    return found
