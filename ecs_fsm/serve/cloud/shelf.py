"""Things of one kind by name, kept in the state of a cloud beside its servers.

What was put or dropped is on the disk with the next commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.state import State

T = TypeVar("T")


class Shelf(Generic[T]):
    """The things of a `kind` in a `state`, each a model or a dataclass of the type `made`.

    Those that the state has kept come in their `order`, then the others as they are put. Raises
    `InvalidInput` for what the state has of that kind and does not read.
    """

    def __init__(
        self, state: State, kind: str, made: type[T], order: Callable[[T], Any] | None = None
    ) -> None:
        self._state, self._kind = state, kind
        self._adapter = TypeAdapter(made)
        try:
            found = [(name, self._adapter.validate_python(row)) for name, row in state.all(kind)]
        except ValueError as error:
            first = str(error).splitlines()[0]
            raise InvalidInput(f"{state.path}: the file is broken: {kind}: {first}") from None
        self._there = dict(sorted(found, key=lambda each: order(each[1])) if order else found)

    def __len__(self) -> int:
        return len(self._there)

    def __iter__(self) -> Iterator[T]:
        return iter(self._there.values())

    def get(self, name: str) -> T | None:
        """The thing of that name."""
        return self._there.get(name)

    def put(self, name: str, thing: T) -> None:
        """Keep a thing in the place of the one of that name."""
        self._there[name] = thing
        self._state.put(self._kind, name, self._adapter.dump_python(thing, mode="json"))

    def drop(self, name: str) -> None:
        """Forget the thing of that name, if there is one."""
        if self._there.pop(name, None) is not None:
            self._state.drop(self._kind, name)

    def commit(self) -> None:
        """Have on the disk what was put and dropped."""
        self._state.commit()
