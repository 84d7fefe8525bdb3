"""Things of one kind by name, each on the disk when `put` or `drop` returns.

What is not the cloud's own, such as keypairs, is kept so beside the servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from ecs_fsm.errors import InvalidInput
from ecs_fsm.serve.state import State

T = TypeVar("T")


class Shelf(Generic[T]):
    """The things of a `kind` in a `state`, each a model or a dataclass of the type `made`.

    Raises `InvalidInput` for what the state has of that kind and does not read.
    """

    def __init__(self, state: State, kind: str, made: type[T]) -> None:
        self._state, self._kind = state, kind
        self._adapter = TypeAdapter(made)
        try:
            self._there = {
                name: self._adapter.validate_python(document) for name, document in state.all(kind)
            }
        except ValueError as error:
            first = str(error).splitlines()[0]
            raise InvalidInput(f"{state.path}: the file is broken: {kind}: {first}") from None

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
        self._state.commit()

    def drop(self, name: str) -> None:
        """Forget the thing of that name."""
        del self._there[name]
        self._state.drop(self._kind, name)
        self._state.commit()
