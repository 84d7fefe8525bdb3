"""The facts that servers of a lifecycle remember: in which states, and what a state implies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import Fact, Facts, State, Table
from ecs_fsm.core.notation import Notation

UNKNOWN = "?"
"""The value of a fact with a default whose value is not known, so that any is possible."""


class Memory:
    """The facts of one lifecycle, by state."""

    def __init__(self, table: Table, notation: Notation) -> None:
        self._facts = {fact.name: fact for fact in table.facts}
        self._guarding = {guard.fact for guard in table.guards}
        self._usual: dict[str, set[str | None]] = {
            name: {fact.default} for name, fact in self._facts.items()
        }
        for row in table.rows:
            for name, value in row.given.items():
                if name in self._facts and self._facts[name].circumstance:
                    self._usual[name].add(value)
        self._scope = {name: notation.scope(fact.scope) for name, fact in self._facts.items()}
        self._implied: dict[State, dict[str, str]] = {}
        for fact in self._facts.values():
            for states, value in fact.implied.items():
                for state in notation.scope(states):
                    self._implied.setdefault(state, {})[fact.name] = value
        self._kept: dict[State, tuple[tuple[str, str | None], ...]] = {}
        self._pairs: dict[tuple[str, str], tuple[str, str]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the facts, in the table's order."""
        return tuple(self._facts)

    def fact(self, name: str) -> Fact:
        """Return the fact of that name."""
        return self._facts[name]

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values that a fact can have."""
        return self._facts[name].values

    def others(self, name: str, value: str) -> tuple[str, ...]:
        """Return the values that a fact can have, except `value`."""
        return tuple(v for v in self.values(name) if v != value)

    def ordered(self, facts: Mapping[str, str]) -> Facts:
        """Return facts in the table's order."""
        return self.shared((name, facts[name]) for name in self._facts if name in facts)

    def remembered(self, state: State) -> tuple[str, ...]:
        """Return the names of the facts that a server in `state` can remember."""
        return tuple(name for name in self._facts if state in self._scope[name])

    def implied(self, state: State) -> Mapping[str, str]:
        """Return the facts that `state` implies."""
        return self._implied.get(state, {})

    def open(self, name: str, state: State) -> bool:
        """Return whether a fact is remembered in `state` and can have several values there."""
        return state in self._scope[name] and name not in self.implied(state)

    def kept(self, state: State, facts: Mapping[str, str]) -> Facts:
        """Return what is remembered in `state` of the facts known on the way there.

        Default values are not stored: nodes that differ in nothing else must be one node.
        """
        if not self._facts:
            return ()
        here = self._kept.get(state)
        if here is None:
            scopes = ((name, fact.default) for name, fact in self._facts.items())
            here = tuple(entry for entry in scopes if state in self._scope[entry[0]])
            self._kept[state] = here
        implied = self._implied.get(state)
        known = {**facts, **implied} if implied else facts
        return tuple(
            [(name, known[name]) for name, usual in here if name in known and known[name] != usual]
        )

    def shared(self, facts: Iterable[tuple[str, str]]) -> Facts:
        """Return the same facts, of pairs that all nodes share: thousands have the same ones."""
        return tuple([self._pairs.setdefault(pair, pair) for pair in facts])

    def unsaid(self, state: State) -> Facts:
        """Return the facts of a server found in `state` of which nothing else is known.

        Facts with a default are `UNKNOWN`, except those that only hold back requests.
        """
        facts = {
            name: UNKNOWN
            for name, fact in self._facts.items()
            if fact.default is not None and name not in self._guarding and self.open(name, state)
        }
        return self.kept(state, facts)

    def unusual(self, facts: Facts) -> dict[str, str]:
        """Return the facts without their default value; of a circumstance, without a usual one."""
        return {name: value for name, value in facts if value not in self._usual[name]}

    def value(self, name: str, facts: Mapping[str, str]) -> str | None:
        """Return the value of a fact among those known, or its default; None if it is unknown."""
        value = facts.get(name, self._facts[name].default)
        return None if value == UNKNOWN else value

    def possible(
        self, state: State | None, when: Mapping[str, str], given: Mapping[str, object]
    ) -> dict[str, str] | None:
        """Return the conditions that `state` leaves open, or None if it contradicts one of them.

        A fact that is `given` with the event can have any value, whatever the state implies.
        """
        left = {}
        for name, value in when.items():
            if name in given or (state is not None and self.open(name, state)):
                left[name] = value
            elif state is not None and self.implied(state).get(name, value) != value:
                return None
        return left

    def check_kept(self, state: State, facts: Mapping[str, str]) -> None:
        """Raise `InvalidInput` for a fact that `state` does not remember, or contradicts."""
        for name, value in facts.items():
            implied = self.implied(state).get(name, value)
            if state not in self._scope[name]:
                raise InvalidInput(f"{name} is not remembered at {state}")
            if implied != value:
                raise InvalidInput(f"{name}={value} contradicts {state}, where it is {implied}")
