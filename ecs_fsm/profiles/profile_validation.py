"""Checks a profile as it is written against its lifecycle, key by key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ecs_fsm.core.errors import unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State
from ecs_fsm.core.scenario import HANG
from ecs_fsm.profiles.durations import Duration
from ecs_fsm.profiles.profile import Arrivals, Document, Profile, Requests, Resource, Stuck
from ecs_fsm.profiles.profile_room import SECTIONS, read_room
from ecs_fsm.profiles.profile_values import TOLERANCE, Key, Problem, ProfileValues

OWN = ("lifecycle", "arrivals", "durations", "requests", "stuck", "facts", "resources", "replay",
       *SECTIONS)  # fmt: skip
OVERTAKING, UNUSUAL, RARE, BETWEEN = "overtaking", "unusual", "rare", "between"
INTERVAL, LATE_WRITE = "interval", "late_write"
"""Keys of `[replay]`: a request over a running step; a fact that is not the usual one; an event
that only some clouds have, or that needs a rare circumstance; seeing a server between two writes of
one event; the time between rows that have none; a last write of a step that was replaced."""
FIXED, POISSON, NONE = ("fixed", "poisson", "none")


class CheckedProfile:
    """A document while it is checked; `problem` makes the error for a key."""

    def __init__(
        self, lifecycle: Lifecycle, document: Document, folder: Path, problem: Problem
    ) -> None:
        self._lifecycle = lifecycle
        self._document = document
        self._values = ProfileValues(folder, problem)
        self._problem = problem
        states = lifecycle.states.values()
        self._working = [s for s in states if not lifecycle.rests(s)]
        self._resting = [s for s in states if lifecycle.rests(s)]
        self._events = [name for name in lifecycle.events if name != lifecycle.advance]

    def profile(self) -> Profile:
        """The profile, once every key of it was found right."""
        self._values.known((), self._document, (*OWN, *self._events, HANG))
        if self._document.get("lifecycle", self._lifecycle.name) != self._lifecycle.name:
            raise self._problem(("lifecycle",), f"expected {self._lifecycle.name!r}")
        outcomes = {name: self._probabilities(name) for name in self._events}
        hang = self._probabilities(HANG)
        self._at_most_one(outcomes, hang)
        return Profile(
            self._lifecycle,
            self._arrivals(),
            self._durations(),
            self._requests(),
            outcomes,
            hang,
            self._stuck(),
            self._facts(),
            tuple(self._resources()),
            self._replay(),
            self._document,
            read_room(self._values, self._document),
        )

    def _top(self, name: str) -> Mapping[str, object]:
        return self._values.table((name,), self._document.get(name, {}))

    def _members(self, key: Key, among: Sequence[State]) -> list[State]:
        """The states that a key names: one, or all with that task."""
        word = key[-1]
        found = [s for s in among if word in (s, s.task_state)]
        if not found:
            known = dict.fromkeys(s.task_state or s for s in among)
            raise self._problem(key, str(unknown("step", word, [*known, *among])))
        return found

    def _by_state(self, name: str, among: Sequence[State]) -> list[tuple[Key, list[State]]]:
        """The keys of a table with the states they name, those that name one state last."""
        keys = sorted(self._top(name), key=lambda key: key in self._lifecycle.states)
        return [((name, key), self._members((name, key), among)) for key in keys]

    def _probabilities(self, event: str) -> dict[State, float]:
        able = [s for s in self._working if event == HANG or self._lifecycle.find(event, s)]
        able += [s for s in self._resting if self._unseen(s) and self._lifecycle.find(event, s)]
        found = {}
        for key, states in self._by_state(event, able):
            value = self._values.number(key, self._top(event)[key[-1]], 1)
            found.update(dict.fromkeys(states, value))
        return found

    def _unseen(self, state: State) -> bool:
        operations = self._lifecycle.operations.values()
        return any(o.unseen and state in o.steps for o in operations)

    def _at_most_one(
        self, outcomes: Mapping[str, Mapping[State, float]], hang: Mapping[State, float]
    ) -> None:
        every = {**outcomes, HANG: hang}
        for state in self._lifecycle.states.values():
            parts = {name: table[state] for name, table in every.items() if table.get(state)}
            if sum(parts.values()) > 1 + TOLERANCE:
                (*_, last) = parts
                names = " + ".join(f"{name} {share:g}" for name, share in parts.items())
                task = state.task_state
                where = state if task is None or state in self._top(last) else task
                raise self._problem((last, where), f"at {state}, {names} is over 1; expected less")

    def _arrivals(self) -> Arrivals:
        table = self._top("arrivals")
        kind = table.get("kind", FIXED)
        if kind not in (FIXED, POISSON, NONE):
            expected = ", ".join((FIXED, POISSON, NONE))
            raise self._problem(("arrivals", "kind"), f"is {kind!r}; expected one of {expected}")
        self._values.known(
            ("arrivals",), table, {POISSON: ("kind", "every"), NONE: ("kind", "state")}.get(
                str(kind), ("kind",)
            )
        )  # fmt: skip
        if kind == POISSON:
            every = self._values.time(("arrivals", "every"), table.get("every"))
            if not every:
                raise self._problem(("arrivals", "every"), "is 0; expected a time above 0")
            return Arrivals(POISSON, every)
        return Arrivals(str(kind), state=self._place(table.get("state")) if kind == NONE else None)

    def _place(self, word: object) -> State:
        if word is None:
            state = self._lifecycle.creation.path[-1]
            while not self._lifecycle.rests(state):
                state = self._lifecycle.find(self._lifecycle.advance, state)[0].path[-1]
            return state
        if word not in self._resting:
            raise self._problem(
                ("arrivals", "state"), str(unknown("resting state", str(word), self._resting))
            )
        return self._lifecycle.states[str(word)]

    def _durations(self) -> dict[State, Duration]:
        found: dict[State, Duration] = {}
        for key, states in self._by_state("durations", self._working):
            value = self._values.duration(key, self._top("durations")[key[-1]])
            found.update(dict.fromkeys(states, value))
        missing = [s for s in self._working if s not in found]
        if missing:
            names = dict.fromkeys(s.task_state or s for s in missing)
            raise self._problem(("durations",), f"expected a time for {', '.join(names)} too")
        return found

    def _requests(self) -> dict[State, Requests]:
        found = {}
        for name in self._top("requests"):
            key = ("requests", name)
            state = next((s for s in self._resting if s == name), None)
            if state is None:
                raise self._problem(key, str(unknown("resting state", name, self._resting)))
            table = self._values.table(key, self._top("requests")[name])
            self._values.known(key, table, ("every", "mix"))
            every = self._values.duration((*key, "every"), table.get("every"))
            if not every.mean:
                raise self._problem((*key, "every"), "is 0; expected a time above 0")
            mix = self._mix((*key, "mix"), table.get("mix"), state)
            found[state] = Requests(every, mix)
        return found

    def _mix(self, key: Key, value: object, state: State) -> dict[str, float]:
        triggers = self._lifecycle.triggers.values()
        asked = [t.name for t in triggers if t.kind in (Kind.REQUEST, Kind.SYSTEM)]
        shares = self._values.shares(key, value, asked, "operation")
        accepted = [name for name in asked if self._lifecycle.find(name, state)]
        for name in shares:
            if name not in accepted:
                raise self._problem(
                    (*key, name),
                    f"{state} does not accept {name}; expected one of {', '.join(accepted)}",
                )
        return shares

    def _stuck(self) -> Stuck | None:
        table = self._top("stuck")
        if not table:
            return None
        self._values.known(("stuck",), table, ("every", "ask"))
        ask = self._values.words(("stuck", "ask"), table.get("ask"))
        for name in ask:
            if name not in self._lifecycle.operations:
                known = self._lifecycle.operations
                raise self._problem(("stuck", "ask"), str(unknown("operation", name, known)))
        every = self._values.duration(("stuck", "every"), table.get("every"))
        return Stuck(every, tuple(ask))

    def _facts(self) -> dict[str, dict[str, float]]:
        known = self._lifecycle.memory.names
        self._values.known(("facts",), self._top("facts"), known)
        return {
            name: self._values.shares(
                ("facts", name), value, self._lifecycle.memory.values(name), "value"
            )
            for name, value in self._top("facts").items()
        }

    def _replay(self) -> dict[str, float]:
        """The weights of what a fleet does not do by itself; all are above 0."""
        memory, triggers = self._lifecycle.memory, self._lifecycle.triggers
        pairs = [f"{name}={value}" for name in memory.names for value in memory.values(name)]
        known = [*triggers, *Kind, OVERTAKING, UNUSUAL, RARE, BETWEEN, *pairs]
        known += [INTERVAL, LATE_WRITE]
        table = self._top("replay")
        self._values.known(("replay",), table, known)
        found = {}
        for name, value in table.items():
            key = ("replay", name)
            read = (
                self._values.time(key, value)
                if name == INTERVAL
                else self._values.number(key, value, 1)
            )
            if not read:
                raise self._problem(key, "is 0; expected more than 0")
            found[name] = read
        return found

    def _resources(self) -> Iterable[Resource]:
        for name, value in self._top("resources").items():
            key = ("resources", name)
            table = self._values.table(key, value)
            self._values.known(key, table, ("capacity", "hosts", "steps"))
            words = self._values.words((*key, "steps"), table.get("steps"))
            steps = [
                s for word in words for s in self._members((*key, "steps", word), self._working)
            ]
            yield Resource(
                name,
                self._values.whole((*key, "capacity"), table.get("capacity")),
                self._values.whole((*key, "hosts"), table.get("hosts", 1)),
                frozenset(steps),
            )
