"""A state as an answer of the API shows it, under the names that the table gives to attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import State
from ecs_fsm.core.rules import Rules


def api_attributes(state: State, attributes: Mapping[str, str]) -> dict[str, object]:
    """Return the attributes of a state as the API nests them, with None for no task.

    A dot in a name leads into a value: `State.Name` is `{"State": {"Name": word}}`.
    """
    answer: dict[str, object] = {}
    shown: Mapping[str, str | None] = state.as_dict()
    if state.one_word:
        shown = {"status": None if state.gone else state.status.value}
    for name, called in attributes.items():
        *outer, last = called.split(".")
        inside = answer
        for key in outer:
            inside = cast(dict[str, object], inside.setdefault(key, {}))
        inside[last] = shown[name]
    return answer


def state_of(lifecycle: Rules, answer: Mapping[str, object]) -> State:
    """Return the state that an answer describes, as `BaseServer.from_api` documents it."""
    attributes = lifecycle.table.attributes
    body = _body(answer, lifecycle.table.thing, attributes["status"])
    found = {name: _value(body, called) for name, called in attributes.items()}
    for name, value in found.items():
        if not isinstance(value, str) and (value, name) != (None, "task_state"):
            raise InvalidInput(f"{attributes[name]} is {value!r}; a word of the API was expected")
    words = {name: value for name, value in found.items() if isinstance(value, str)}
    if lifecycle.table.one_word:
        return lifecycle.state(words["status"])
    state = lifecycle.state(words["vm_state"], words.get("task_state"))
    if words["status"] != state.status:
        name, status = attributes["status"], words["status"]
        raise InvalidInput(f"{name} {status!r} contradicts {state}, which shows {state.status}")
    return state


def _body(answer: Mapping[str, object], thing: str, attribute: str) -> Mapping[str, object]:
    if not isinstance(answer, Mapping):
        raise InvalidInput(f"an answer of the API is a mapping, not {type(answer).__name__}")
    body = answer[thing] if thing in answer and attribute not in answer else answer
    if not isinstance(body, Mapping):
        raise InvalidInput(f"a {thing} in an answer is a mapping, not {type(body).__name__}")
    return body


def _value(body: Mapping[str, object], attribute: str) -> object:
    """Return the attribute, which stands under its name or inside, where the name has dots."""
    if attribute in body:
        return body[attribute]
    inside: object = body
    for part in attribute.split("."):
        if not isinstance(inside, Mapping) or part not in inside:
            raise InvalidInput(f"the answer has no {attribute!r}")
        inside = inside[part]
    return inside
