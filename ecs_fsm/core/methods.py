"""The class of a lifecycle's servers, made at run time: what the generated modules hold as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, Trigger
from ecs_fsm.core.server import BaseServer


def class_with_methods(lifecycle: Lifecycle) -> type[BaseServer]:
    """Return a class of servers with a method, and one that begins with `may_`, for each event."""
    attributes: dict[str, object] = {
        "__doc__": f"A {lifecycle.table.thing} of the lifecycle {lifecycle.name}.",
        "__module__": __name__,
        "__slots__": (),
        "lifecycle": lifecycle,
        "__reduce__": _reduced,
    }
    for trigger in lifecycle.triggers.values():
        if any(transition.source for transition in trigger.transitions):
            attributes[trigger.name] = _method(trigger)
            attributes[f"may_{trigger.name}"] = _question(trigger.name)
    name = "".join(word.capitalize() for word in lifecycle.table.thing.split())
    return type(name, (BaseServer,), attributes)


def _reduced(server: BaseServer) -> str | tuple[object, ...]:
    # The class stands in no module, so a pickle holds its lifecycle; one that is derived from it
    # is found by its name.
    if type(server) is not server.lifecycle.server_class():
        return object.__reduce_ex__(server, 2)
    return _new, (server.lifecycle,), server.__getstate__()


def _new(lifecycle: Lifecycle) -> BaseServer:
    kind = lifecycle.server_class()
    return kind.__new__(kind)


def _method(trigger: Trigger) -> Callable[..., bool]:
    name, takes = trigger.name, trigger.given

    def method(self: BaseServer, **given: str | None) -> bool:
        if not given:
            return self._fire(name)
        for fact in given:
            if fact not in takes:
                raise TypeError(f"{name}() got an unexpected keyword argument {fact!r}")
        return self.trigger(name, **given)

    return _called(method, name, f"{trigger.meaning}\n\n{where_possible(trigger)}")


def _question(name: str) -> Callable[..., bool]:
    def question(self: BaseServer) -> bool:
        return self.may(name)

    return _called(question, f"may_{name}", f"Return whether `{name}` is possible now.")


def _called(function: Any, name: str, document: str) -> Callable[..., bool]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = document
    made: Callable[..., bool] = function
    return made


def where_possible(trigger: Trigger) -> str:
    """Return under which vm_states, or in which states of one word, a trigger is possible."""
    sources = [t.source for t in trigger.transitions if t.source]
    under: Mapping[str, None] = dict.fromkeys(source.vm_state for source in sources)
    verb = "Accepted" if trigger.kind is Kind.REQUEST else "Can happen"
    place = "at" if sources[0].one_word else "under"
    return f"{verb} {place} {', '.join(under)}."
