"""Items of one kind in the state file, each a model or a dataclass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.instance import Json
from ecs_fsm.serve.cloud.store import Document, StateFile

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


class Repository(Generic[T]):
    """The items of a `kind` in a state file, each a model or a dataclass of the type `made`.

    Stored items come in their `order`, then new ones as they are put. Raise `InvalidInput` for
    invalid documents of that kind.
    """

    def __init__(
        self, state: StateFile, kind: str, made: type[T], order: Callable[[T], Any] | None = None
    ) -> None:
        self._state, self._kind, self._type = state, kind, made
        self._there: dict[str, T] = {}
        state.sources.append(self._documents)
        if not state.stored:
            return
        try:
            found = [(name, self._adapter.validate_python(row)) for name, row in state.all(kind)]
        except ValueError as error:
            first = str(error).splitlines()[0]
            raise InvalidInput(f"{state.path}: the file is broken: {kind}: {first}") from None
        self._there |= dict(sorted(found, key=lambda each: order(each[1])) if order else found)

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        from pydantic import TypeAdapter

        return TypeAdapter(self._type)

    def __len__(self) -> int:
        return len(self._there)

    def __iter__(self) -> Iterator[T]:
        return iter(self._there.values())

    def get(self, name: str) -> T | None:
        """Return the item of that name, None without one."""
        return self._there.get(name)

    def put(self, name: str, item: T) -> None:
        """Store an item, in place of the one of that name."""
        self._there[name] = item
        if self._state.kept:
            self._state.put(self._kind, name, self._document(item))

    def _document(self, item: T) -> Json:
        found: Json = self._adapter.dump_python(item, mode="json")
        return found

    def _documents(self) -> Iterator[Document]:
        for name, item in self._there.items():
            yield self._kind, name, self._document(item)

    def drop(self, name: str) -> None:
        """Remove the item of that name, if there is one."""
        if self._there.pop(name, None) is not None:
            self._state.drop(self._kind, name)

    def commit(self) -> None:
        """Write what was put and dropped to the disk."""
        self._state.commit()
