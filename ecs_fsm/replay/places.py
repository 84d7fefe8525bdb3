"""Where servers are in the table of followers: what each row leads to, and what is open there.

Servers with the same open changes share them: each series of them is one object, which holds the
series with one more change, and what it comes to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ecs_fsm.replay.changes import ExplainedChange
from ecs_fsm.replay.remembered import Followed, Step

Key = int | tuple[int, int | None, int | None]
"""The number of a row; in sampled records with the bins of the time that passed before it, and in
which the server had not changed."""


class Place(dict[Key, "TableEntry"]):
    """What is known of a server: its memory and the number of its last row. Holds what follows."""

    __slots__ = ("_find", "memory", "number", "varied")

    def __init__(
        self, find: Callable[[Place, Key], TableEntry], memory: Followed, number: int
    ) -> None:
        super().__init__()
        self._find, self.memory, self.number = find, memory, number
        self.varied = memory.varied

    def __missing__(self, key: Key) -> TableEntry:
        """Find out what a row does that is met here for the first time."""
        entry = self[key] = self._find(self, key)
        return entry


class TableEntry:
    """What a row does: the place after it, and the change that is explained at once, if one is.

    `special` is what needs more than that: a change that is not decided (`step`) or not explained,
    a late write, the end of a life. With `settles` the first open changes are decided now.
    """

    __slots__ = ("before", "events", "explained", "place", "settles", "special", "step")

    def __init__(
        self,
        place: Place,
        explained: ExplainedChange | None = None,
        *,
        before: int = -1,
        step: Step | None = None,
        settles: bool = False,
    ) -> None:
        self.place, self.explained, self.before = place, explained, before
        self.step, self.settles = step, settles
        self.events = explained.events if explained else ""
        unusual = explained is not None and (
            explained.change.events is None or bool(explained.steps)
        )
        self.special = unusual or step is not None or place.memory.ended


class DecidedChanges(NamedTuple):
    """What explains the first open changes, the place then, and the changes that are still open.

    `events` is what happened; None where a late write needs a look at what happened before.
    """

    explained: tuple[ExplainedChange, ...]
    place: Place
    events: str | None
    open: OpenChanges
    more: tuple[TableEntry, ...]


class OpenChanges(dict[TableEntry, "OpenChanges"]):
    """The open changes of a server, in order; holds what they are after one more.

    `decision` is what later rows decide, `finished` and `unsettled` what is taken if none follow.
    """

    __slots__ = ("before", "count", "decision", "entry", "finished", "unsettled")

    def __init__(
        self, before: OpenChanges | None = None, entry: TableEntry | None = None, count: int = 0
    ) -> None:
        super().__init__()
        self.before, self.entry, self.count = before, entry, count
        self.forget()

    def forget(self) -> None:
        """Hold nothing any more."""
        self.clear()
        self.decision: DecidedChanges | None = None
        self.finished: DecidedChanges | None = None
        self.unsettled: DecidedChanges | None = None

    def entries(self) -> tuple[TableEntry, ...]:
        """Return the open changes."""
        found: list[TableEntry] = []
        here: OpenChanges | None = self
        while here is not None and here.entry is not None:
            found.append(here.entry)
            here = here.before
        return tuple(reversed(found))
