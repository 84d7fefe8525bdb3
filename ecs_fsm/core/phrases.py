"""The words of a table in sentences: what has the lifecycle, and what its attributes are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ecs_fsm.core.model import NO_SERVER, State, Table

ARTICLES = ("A ", "An ", "The ")


class Attributes(NamedTuple):
    """What texts call the attributes: the API's names without a prefix that ends in a colon.

    Where a state is one word, all three are the same name, as the API spells it.
    """

    vm_state: str
    task_state: str
    status: str


class Phrases:
    """The nouns of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.one_word = table.one_word
        self.thing = table.thing

    @property
    def things(self) -> str:
        """Several of them: `servers`."""
        return f"{self.thing}s"

    @property
    def a_thing(self) -> str:
        """One of them: `a server`, `an instance`."""
        return f"{'an' if self.thing[:1].lower() in 'aeiou' else 'a'} {self.thing}"

    @property
    def subject(self) -> str:
        """What titles name: the table's title, or `a server`."""
        title = self._table.title
        return title[0].lower() + title[1:] if title.startswith(ARTICLES) else title or self.a_thing

    @property
    def nowhere(self) -> str:
        """What stands for no state where nothing exists yet: `(no server)`."""
        return f"(no {self.thing})"

    @property
    def attributes(self) -> Attributes:
        """What texts call the attributes."""
        names = self._table.attributes
        if self.one_word:
            return Attributes(*(names["status"],) * 3)
        return Attributes(*(short_name(names[key]) for key in Attributes._fields))

    @property
    def columns(self) -> Mapping[str, str]:
        """What texts call each attribute that the API has, by its key in the table."""
        return {"status": self.attributes.status} if self.one_word else self.attributes._asdict()

    @property
    def form(self) -> str:
        """How a state is written on a command line: `VM/TASK`, or `STATE` if it is one word."""
        names = self.attributes
        pair = f"{noun_of(names.vm_state)}/{noun_of(names.task_state)}"
        return "STATE" if self.one_word else pair.upper()

    @property
    def task(self) -> str:
        """What texts call a running step: `task`, or `state` where a state is one word."""
        return "state" if self.one_word else noun_of(self.attributes.task_state)

    @property
    def statuses(self) -> str:
        """What texts call several statuses: `statuses`, or `states` where a state is one word."""
        name = self.kind("status")
        return f"{name}es" if name.endswith("s") else f"{name}s"

    def kind(self, kind: str) -> str:
        """What texts call a kind of words, such as `vm_state`; other kinds are called so."""
        if kind not in Attributes._fields:
            return kind
        return "state" if self.one_word else str(getattr(self.attributes, kind))

    def place(self, state: State | None) -> str:
        """A state, or what stands for none."""
        return self.nowhere if state is None else str(state)

    def means_nowhere(self, text: str) -> bool:
        """Whether a word of the command line stands for no state."""
        return text in (NO_SERVER, self.nowhere)


def short_name(attribute: str) -> str:
    """The name of an attribute without a prefix that ends in a colon."""
    return attribute.rpartition(":")[2]


def noun_of(attribute: str) -> str:
    """What an attribute is about: `task` for `OS-EXT-STS:task_state`."""
    return short_name(attribute).removesuffix("_state")


def with_status(state: State) -> str:
    """A state with its status; only the state where both are the same word, or nothing exists."""
    return str(state) if state.one_word or state.gone else f"{state} ({state.status})"
