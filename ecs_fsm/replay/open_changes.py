"""What a row leads to in the table of followers, and changes that are not decided yet.

Servers with the same open changes share them: each series of them is one object, which holds the
series with one more change, and what it comes to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.replay.changes import Told
from ecs_fsm.replay.remembered import Step

if TYPE_CHECKING:
    from ecs_fsm.replay.follower_table import Place


class TableEntry:
    """What a row does: the place after it, and the change that is explained at once, if one is.

    `special` is what needs more than that: a change that is not decided (`step`) or not explained,
    a late write, the end of a life. With `settles` the first open changes are decided now.
    """

    __slots__ = ("before", "events", "place", "settles", "special", "step", "told")

    def __init__(
        self,
        place: Place,
        told: Told | None = None,
        *,
        before: int = -1,
        step: Step | None = None,
        settles: bool = False,
    ) -> None:
        self.place, self.told, self.before = place, told, before
        self.step, self.settles = step, settles
        self.events = told.events if told else ""
        unusual = told is not None and (told.change.events is None or bool(told.steps))
        self.special = unusual or step is not None or place.memory.ended


class Decision(NamedTuple):
    """What explains the first open changes, the place then, and the changes that are still open.

    `events` is what happened; None where a late write needs a look at what happened before.
    """

    told: tuple[Told, ...]
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
        self.decision: Decision | None = None
        self.finished: Decision | None = None
        self.unsettled: Decision | None = None

    def entries(self) -> tuple[TableEntry, ...]:
        """Return the open changes."""
        found: list[TableEntry] = []
        here: OpenChanges | None = self
        while here is not None and here.entry is not None:
            found.append(here.entry)
            here = here.before
        return tuple(reversed(found))
