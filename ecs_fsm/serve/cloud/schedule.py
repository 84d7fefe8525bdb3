"""What happens in a cloud without a request: steps end, failures strike, timers run out.

One heap holds the times at which something is due, whatever the number of servers. Times are
simulated seconds, and a step begins at the time at which the one before was due.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from random import Random
from typing import Any

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, Kind, State
from ecs_fsm.core.scenario import HANG, StepOutcome
from ecs_fsm.io.toml import shipped
from ecs_fsm.profiles.durations import Duration
from ecs_fsm.serve.cloud.instance import NOT_ENOUGH, HistoryEntry, Instance, InstanceFault

PATIENCE = 183.0
"""Seconds after which Nova gives a volume up: 61 attempts, one in three seconds."""
NO_HOST = "no_host"
"""The detail of a server that says why no host takes it."""
EntryListener = Callable[[Instance, HistoryEntry], object]
"""Gets a server and the state that it entered, or in which it hangs."""
EndListener = Callable[[Instance, str, bool], object]
"""Gets a server, the operation that ended, and whether it failed, as one that was replaced has."""


FAULTS: list[dict[str, Any]] = shipped("ecs_fsm.serve.cloud", "faults.toml")["fault"]
"""What Nova says of steps that failed; the first row that fits is taken."""


def fault_of(instance: Instance, event: str, state: State, time: float) -> InstanceFault:
    """Return the fault of a server that failed in a state by an event, as Nova words it."""
    operation, step = instance.operation or "", state.task_state or NO_TASK
    about = {"operation": operation, "step": step, "event": event}
    fits = (row for row in FAULTS if all(row.get(k, value) == value for k, value in about.items()))
    row = next(fits)
    reason = str(instance.details.get(NO_HOST) or NOT_ENOUGH)
    message = row["message"].format(id=instance.id, image=instance.image, reason=reason)
    details = f"{operation or 'what the system did'}: {event} at {state}"
    return InstanceFault(time, message, row.get("code", 500), details)


class Schedule:
    """Advances the servers of a cloud when something is due. `time` is that of the present event.

    `durations` are those of the steps, `timers` the times at rest with the event that they end in,
    both by state. `lose` gets servers that reached the end of their life. Steps of servers that are
    `stuck` hang, and those of servers that are `held` go on. `entries` and `ends` are listeners;
    `ended` are finished operations that end listeners do not know yet. While `notifying`, they run:
    what they request begins when the operation ended.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        durations: Mapping[State, Duration],
        timers: Mapping[State, tuple[float, str]],
        seed: int,
        *,
        lose: Callable[[Instance], object],
        stuck: Callable[[Instance], bool],
        held: Callable[[Instance], bool],
    ) -> None:
        self.time, self.notifying = 0.0, False
        self.ended: deque[tuple[Instance, str, bool]] = deque()
        self.entries: list[EntryListener] = []
        self.ends: list[EndListener] = []
        self._lifecycle, self._durations, self._timers = lifecycle, durations, timers
        self._seed, self._lose, self._stuck, self._held = seed, lose, stuck, held
        self._heap: list[tuple[float, int, int, Instance]] = []
        self._wakers: list[Callable[[], object]] = []

    def notify_entry(self, instance: Instance, entry: HistoryEntry) -> None:
        """Notify listeners of a state that a server entered, or in which it hangs."""
        for listener in self.entries:
            listener(instance, entry)

    def notify_ends(self) -> None:
        """Notify listeners of finished operations, including those their requests finish."""
        if self.notifying:
            return
        self.notifying = True
        try:
            while self.ended:
                end = self.ended.popleft()
                for listener in self.ends:
                    listener(*end)
        finally:
            self.notifying = False

    def on_wake(self, wake: Callable[[], object]) -> None:
        """Call `wake` whenever something is due earlier than everything before."""
        self._wakers.append(wake)

    def wake(self) -> None:
        """Call all that wait for something that is due earlier."""
        for wake in self._wakers:
            wake()

    def next_due(self) -> float | None:
        """Return when the next step ends, None if nothing is due."""
        # A server has one valid entry, that with its present ticket; older ones are skipped here.
        while self._heap and self._heap[0][2] != self._heap[0][3].ticket:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run(self, until: float, limit: int | None, advanced: Callable[[Instance], object]) -> int:
        """Let what is due by then happen, at most `limit` events; `advanced` gets each server."""
        done = 0
        while done != limit:
            due = self.next_due()
            if due is None or due > until:
                break
            instance = heappop(self._heap)[3]
            self.time = due
            self._advance(instance)
            advanced(instance)
            done += 1
        return done

    def push(self, instance: Instance) -> None:
        """Put a server on the heap for the time at which it is due."""
        if instance.due is None:
            return
        first = self.next_due()
        heappush(self._heap, (instance.due, instance.number, instance.ticket, instance))
        if first is None or instance.due < first:
            self.wake()

    def random(self, instance: Instance) -> Random:
        """Return random numbers that depend on the seed, the server and its number of draws."""
        instance.draws += 1
        return Random(f"{self._seed}/{instance.number}/{instance.draws}")

    def happen(self, instance: Instance, event: str, given: Mapping[str, str]) -> None:
        """Let an event of the system happen to a server. Raise as `BaseServer.trigger` does."""
        before = instance.state
        instance.server.trigger(event, **given)
        instance.hangs = False
        if self._lifecycle.triggers[event].kind is Kind.FAILURE:
            instance.went_wrong = True
            instance.fault = fault_of(instance, event, before, self.time)
        self.settle(instance)

    def hasten(self, instance: Instance) -> None:
        """Let the running step be due now; a server that hangs stays hanging."""
        if instance.due is not None:
            instance.ticket += 1
            instance.due = self.time
            self.push(instance)

    def settle(self, instance: Instance) -> None:
        """After an event, end the operation or set the time at which the next step ends."""
        state = instance.state
        instance.ticket += 1
        instance.due = None
        rests = self._lifecycle.stays(instance.server.node)
        if not instance.hangs and not rests and self._stuck(instance):
            self._hang(instance)
        if not instance.hangs and not rests:
            took = self._durations[state].draw(self.random(instance))
            instance.due = self.time + took
        else:
            if not instance.hangs:
                self._end(instance)
            if _continues_by_itself(instance):
                instance.due = self.time
            elif not instance.hangs and state in self._timers:
                instance.due = self.time + self._timers[state][0]
        self.push(instance)

    def _advance(self, instance: Instance) -> None:
        """Let happen what was due: the end of a step, or what needs no request."""
        state, outcomes = instance.state, instance.outcomes
        if instance.hangs or self._lifecycle.stays(instance.server.node):
            self._continue(instance)
        elif not outcomes or outcomes[0].step not in (state, state.task_state or NO_TASK):
            due = instance.due
            if not self._held(instance):
                self.happen(instance, self._lifecycle.advance, {})
            elif instance.due == due:
                waited = (self.time - instance.history[-1].at) % PATIENCE
                instance.ticket, instance.due = instance.ticket + 1, self.time + PATIENCE - waited
                self.push(instance)
        else:
            instance.outcomes = outcomes[1:]
            self._strike(instance, outcomes[0])

    def _strike(self, instance: Instance, outcome: StepOutcome) -> None:
        if outcome.event == HANG:
            self._hang(instance)
            self.settle(instance)
        elif instance.server.may(outcome.event):
            self.happen(instance, outcome.event, outcome.given)
        else:
            self.happen(instance, self._lifecycle.advance, {})

    def _hang(self, instance: Instance) -> None:
        instance.hangs, node = True, instance.server.node
        self.notify_entry(instance, HistoryEntry(self.time, HANG, node.state, node.facts))

    def _continue(self, instance: Instance) -> None:
        """Take the next word of the scenario, or end a timer."""
        if not _continues_by_itself(instance):
            self.happen(instance, self._timers[instance.state][1], {})
            return
        word = instance.plan.popleft()
        instance.outcomes, instance.hangs = word.outcomes, False
        if word.operation.kind is Kind.SYSTEM and instance.server.may(word.operation.name):
            self.happen(instance, word.operation.name, word.given)
        else:
            self.settle(instance)

    def _end(self, instance: Instance) -> None:
        """End the operation: set its changes if it succeeded, and notice a deleted server."""
        if not instance.went_wrong:
            instance.set(instance.changes)
            if instance.launched is None:
                instance.launched = self.time
        if instance.operation is not None:
            self.ended.append((instance, instance.operation, instance.went_wrong))
        instance.operation, instance.outcomes, instance.changes = None, (), {}
        instance.went_wrong = False
        if not self._lifecycle.leaving(instance.state):
            instance.terminated = self.time
            self._lose(instance)


def _continues_by_itself(instance: Instance) -> bool:
    """Whether the next word of its scenario needs no request."""
    return bool(instance.plan) and instance.plan[0].operation.kind is not Kind.REQUEST
