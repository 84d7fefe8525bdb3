"""The notation of a table's rows, as the specifications write them, and how it is read.

Sources name a set of states: every vm_state before the slash with every task after it; `;` joins
sets. A path names the states that are entered, in order: after `->` the system itself goes on, `+`
joins states that one event enters one after the other.

    sources   active, stopped/-       active/-; active/SOFT, migrating       building/any
    path      same/REBUILD -> active/- + active/powering-off -> stopped/-

`-` is a null task_state, `any` every task of that vm_state, and `any but A, B` all the others;
`same` repeats the vm_state or the task of the source. A group in capitals stands for its words: in
a set for each of them, in a path for all of them one after the other. Tasks behind `~` count only
where the pair occurs.

    sources   active, stopped/~ -, HARD      resized/- [was=active]
    path      was/-       active/powering-off {closing=yes}

Facts in square brackets are conditions of a whole path, those in braces are made known by an event.
The name of a fact before the slash stands for the vm_state that is its value. An empty path enters
nothing. `(gone)` is the state in which nothing exists any more.

Where a state is one word, the same is written without tasks; a word may hold spaces. `any` is then
every state, `same` the source, and the name of a fact stands for the state that is its value.

    sources   clean failed, available       any [was=on]       any but STOPPED, failed
    path      STOPPING -> stopped       {locked=yes}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.model import GONE, NO_SERVER, NO_TASK, Fact, Facts, State

SAME, ANY = "same", "any"
BUT = "any but "

_BRACKETED = re.compile(r"^(.*?)\s*\[(.*)\]$")
_BRACED = re.compile(r"^(.*?)\s*\{(.*)\}$")


class Source(NamedTuple):
    """A state from which a path starts (None: no server yet), and the path's conditions."""

    state: State | None
    when: dict[str, str]


class Entry(NamedTuple):
    """The states that one event of a path enters, and the facts that it makes known."""

    states: tuple[State, ...]
    learns: dict[str, str]


_Written = tuple[list[tuple[str, list[str]]], dict[str, str]]
"""One event of a path as written: vm_state and tasks of each state, and the facts made known."""


def words(text: str) -> list[str]:
    """Return the parts of a comma-separated list."""
    return [word.strip() for word in text.split(",")]


class Notation:
    """Reads sources and paths over one set of states and facts.

    With `one_word` the states are single words.
    """

    def __init__(
        self,
        states: Mapping[str, State],
        groups: Mapping[str, str],
        facts: Sequence[Fact],
        *,
        one_word: bool = False,
    ) -> None:
        self._states = states
        self._one_word = one_word
        self._under: dict[str, list[str]] = {}
        for state in states.values():
            self._under.setdefault(state.vm_state, []).append(state.task_state or NO_TASK)
        self._groups = {name: words(members) for name, members in groups.items()}
        self._facts = {fact.name: fact for fact in facts}
        self._paths: dict[str, list[_Written]] = {}
        self._entries: dict[tuple[str, object], list[Entry]] = {}

    def sources(self, text: str) -> list[Source]:
        """Return the states of a set in order, each with its conditions."""
        found = []
        for part in text.split(";"):
            bare, when = self._annotated(_BRACKETED, part.strip())
            found += [Source(state, when) for state in self._set(bare)]
        return found

    def scope(self, text: str) -> frozenset[State]:
        """Return the states of a set without their conditions; an empty text has none."""
        return frozenset(s.state for s in self.sources(text) if s.state) if text else frozenset()

    def path(self, text: str, source: State | None) -> list[Entry]:
        """Return what each event of a path enters: the trigger's, then those of the system."""
        written = self._paths.get(text)
        if written is None:
            written = self._paths[text] = list(self._read_path(text))
        key = text, self._repeated(text, source)
        found = self._entries.get(key)
        if found is None:
            found = self._entries[key] = self._entered(written, source)
        return found

    def _repeated(self, text: str, source: State | None) -> object:
        """Return all that a path can repeat of its source."""
        if source is None or SAME not in text:
            return None
        return source if self._one_word or f"/{SAME}" in text else source.vm_state

    def _entered(self, written: Iterable[_Written], source: State | None) -> list[Entry]:
        entries = []
        for parts, learns in written:
            writes = [self._write(vm_state, tasks, source) for vm_state, tasks in parts]
            if len(writes) == 1:
                entries += [Entry((state,), learns) for state in writes[0]]
            else:
                entries.append(Entry(tuple(s for write in writes for s in write), learns))
        return entries

    def _read_path(self, text: str) -> Iterator[_Written]:
        for step in text.split("->"):
            bare, learns = self._annotated(_BRACED, step.strip())
            parts = (self._split(part) for part in bare.split("+") if bare)
            yield [(vm_state, self._members(tasks)) for vm_state, tasks in parts], learns

    def variants(self, text: str) -> Iterator[tuple[str, Facts]]:
        """Return the path for each value of the fact that stands for a vm_state in it."""
        for fact in self._facts.values():
            before, behind = r"(\b)", "/"
            if self._one_word:
                before, behind = r"((?:^|->|[,+])\s*)", r"(?=\s*(?:$|->|[,+{]))"
            standing = f"{before}{re.escape(fact.name)}{behind}"
            if fact.name not in self._states and re.search(standing, text):
                end = "" if self._one_word else "/"
                for value in fact.values:
                    yield re.sub(standing, rf"\g<1>{value}{end}", text), ((fact.name, value),)
                return
        yield text, ()

    def facts(self, text: str) -> dict[str, str]:
        """Read facts written as `name=value, …`. Raise `InvalidInput` for unknown ones."""
        return self.known(
            (name.strip(), value.strip())
            for name, _, value in (word.partition("=") for word in words(text))
        )

    def known(self, given: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Return the given facts. Raise `InvalidInput` for an unknown name or value."""
        facts = dict(given)
        for name, value in facts.items():
            if name not in self._facts:
                raise unknown("fact", name, self._facts)
            if value not in self._facts[name].values:
                raise unknown(f"value of {name}", value, self._facts[name].values)
        return facts

    def _annotated(self, pattern: re.Pattern[str], text: str) -> tuple[str, dict[str, str]]:
        found = pattern.match(text)
        return (found[1], self.facts(found[2])) if found else (text, {})

    def _set(self, text: str) -> list[State | None]:
        if text == NO_SERVER:
            return [None]
        if self._one_word:
            return [*self._single(text)]
        vm_states, tasks = self._split(text)
        where_they_occur = tasks.startswith("~")
        found: list[State | None] = []
        for vm_state in self._members(vm_states):
            for task in self._tasks(vm_state, tasks.removeprefix("~").strip()):
                if not where_they_occur or f"{vm_state}/{task}" in self._states:
                    found.append(self._state(vm_state, task))
        return found

    def _single(self, text: str) -> list[State]:
        every = [state for state in self._states.values() if not state.gone]
        if text == ANY:
            return every
        if text.startswith(BUT):
            but = [self._state(word, NO_TASK) for word in self._members(text.removeprefix(BUT))]
            return [state for state in every if state not in but]
        return [self._state(word, NO_TASK) for word in self._members(text)]

    def _write(self, vm_state: str, tasks: list[str], source: State | None) -> list[State]:
        if self._one_word:
            named = (source if w == SAME and source else w for w in self._members(vm_state))
            return [self._state(word, NO_TASK) for word in named]
        if source is not None:
            vm_state = source.vm_state if vm_state == SAME else vm_state
            tasks = [source.task_state or NO_TASK] if tasks == [SAME] else tasks
        return [self._state(vm_state, task) for task in tasks]

    def _tasks(self, vm_state: str, text: str) -> list[str]:
        if text == ANY:
            return self._under.get(vm_state, [])
        if text.startswith(BUT):
            but = self._members(text.removeprefix(BUT))
            return [task for task in self._under.get(vm_state, []) if task not in but]
        return self._members(text)

    def _members(self, text: str) -> list[str]:
        return [member for word in words(text) for member in self._groups.get(word, [word])]

    def _state(self, vm_state: str, task: str) -> State:
        name = vm_state if self._one_word or vm_state == GONE else f"{vm_state}/{task}"
        if name not in self._states:
            if self._one_word:
                raise unknown("state", name, self._states)
            raise InvalidInput(f"{name} is not one of the {len(self._states)} pairs")
        return self._states[name]

    def _split(self, text: str) -> tuple[str, str]:
        """Return the words before the slash and those after it, or all and `-` without tasks."""
        if self._one_word or text.strip() == GONE:
            return text.strip(), NO_TASK
        vm_state, slash, task = (part.strip() for part in text.partition("/"))
        if not (vm_state and slash and task):
            raise InvalidInput(
                f"{text.strip()!r} is not a state; write vm_state/task_state, - for no task"
            )
        return vm_state, task
