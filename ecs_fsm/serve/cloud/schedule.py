"""What happens in a cloud without a request: steps end, failures strike, timers run out.

One heap holds the times at which something is due, whatever the number of servers. Times are
simulated seconds, and a step begins at the time at which the one before was due.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from random import Random

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, Kind, State
from ecs_fsm.core.scenario import HANG, Outcome
from ecs_fsm.profiles.durations import Duration
from ecs_fsm.serve.cloud.instance import HistoryEntry, Instance, InstanceFault

Listener = Callable[[Instance, HistoryEntry], object]
Ender = Callable[[Instance, str, bool], object]
Ended = tuple[Instance, str, bool]
"""A server, the operation that is over, and whether it went wrong."""


class Listeners:
    """The `listeners` of states and the `enders` of operations.

    `following` says that enders are being told: what they ask for follows from what is over.
    """

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.enders: list[Ender] = []
        self.following = False

    def hear(self, instance: Instance, seen: HistoryEntry) -> None:
        """Tell of a state that a server entered, or in which it hangs."""
        for listener in self.listeners:
            listener(instance, seen)

    def tell(self, ended: deque[Ended]) -> None:
        """Tell of what is over, also of what is over by what those who hear it ask for."""
        if self.following:
            return
        self.following = True
        try:
            while ended:
                over = ended.popleft()
                for ender in self.enders:
                    ender(*over)
        finally:
            self.following = False


Told = Callable[[Instance], object]


class Schedule:
    """Lets servers go on. `time` is that of the event that happens now.

    `durations` are those of the steps, `timers` the times at rest with the event that they end in,
    both by state. `over` is told when a server came to the end of its life, `hung` when one begins
    to hang. `ended` are operations that are over, with whether they went wrong, of which nobody was
    told yet.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        durations: Mapping[State, Duration],
        timers: Mapping[State, tuple[float, str]],
        seed: int,
        *,
        over: Told,
        hung: Told,
    ) -> None:
        self.time = 0.0
        self.ended: deque[Ended] = deque()
        self._lifecycle = lifecycle
        self._durations, self._timers = durations, timers
        self._seed, self._gone, self._hung = seed, over, hung
        self._heap: list[tuple[float, int, int, Instance]] = []
        self._wakers: list[Callable[[], object]] = []

    def on_wake(self, wake: Callable[[], object]) -> None:
        """Call `wake` whenever something is due earlier than all before."""
        self._wakers.append(wake)

    def next_due(self) -> float | None:
        """When the next step ends, None where nothing goes on."""
        while self._heap and self._heap[0][2] != self._heap[0][3].ticket:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run(self, until: float, limit: int | None, told: Told) -> int:
        """Let happen what is due by then, at most `limit` events; `told` hears whose they were."""
        done = 0
        while done != limit:
            due = self.next_due()
            if due is None or due > until:
                break
            instance = heappop(self._heap)[3]
            self.time = due
            self._go_on(instance)
            told(instance)
            done += 1
        return done

    def push(self, instance: Instance) -> None:
        """Let a server go on when it is due."""
        if instance.due is None:
            return
        first = self.next_due()
        heappush(self._heap, (instance.due, instance.number, instance.ticket, instance))
        if first is None or instance.due < first:
            for wake in self._wakers:
                wake()

    def random(self, instance: Instance) -> Random:
        """Random numbers that depend on the seed, the server and how often it has drawn."""
        instance.draws += 1
        return Random(f"{self._seed}/{instance.number}/{instance.draws}")

    def happen(self, instance: Instance, event: str, given: Mapping[str, str]) -> None:
        """Let an event of the system happen to a server. Raises as `BaseServer.trigger` does."""
        before = instance.state
        instance.server.trigger(event, **given)
        instance.hangs = False
        if self._lifecycle.triggers[event].kind is Kind.FAILURE:
            instance.went_wrong = True
            what = instance.operation or "what the system did"
            instance.trouble = InstanceFault(self.time, f"{what}: {event} at {before}")
        self.settle(instance)

    def hasten(self, instance: Instance) -> None:
        """Let the step that runs be due now; who hangs goes on hanging."""
        if instance.due is not None:
            instance.ticket += 1
            instance.due = self.time
            self.push(instance)

    def settle(self, instance: Instance) -> None:
        """After an event: the end of the operation, or the time at which the next step ends."""
        state = instance.state
        instance.ticket += 1
        instance.due = None
        if not instance.hangs and not self._lifecycle.rests(state):
            took = self._durations[state].draw(self.random(instance))
            instance.due = self.time + took
        else:
            if not instance.hangs:
                self._over(instance)
            if _goes_on_unasked(instance):
                instance.due = self.time
            elif not instance.hangs and state in self._timers:
                instance.due = self.time + self._timers[state][0]
        self.push(instance)

    def _go_on(self, instance: Instance) -> None:
        """What was due comes: the end of a step, or what nobody asks for."""
        state, outcomes = instance.state, instance.outcomes
        if instance.hangs or self._lifecycle.rests(state):
            self._unasked(instance)
        elif not outcomes or outcomes[0].step not in (state, state.task_state or NO_TASK):
            self.happen(instance, self._lifecycle.advance, {})
        else:
            instance.outcomes = outcomes[1:]
            self._strike(instance, outcomes[0])

    def _strike(self, instance: Instance, outcome: Outcome) -> None:
        if outcome.event == HANG:
            instance.hangs = True
            self._hung(instance)
            self.settle(instance)
        elif instance.server.may(outcome.event):
            self.happen(instance, outcome.event, outcome.given)
        else:
            self.happen(instance, self._lifecycle.advance, {})

    def _unasked(self, instance: Instance) -> None:
        """The next word of the scenario, or the end of a timer."""
        if not _goes_on_unasked(instance):
            self.happen(instance, self._timers[instance.state][1], {})
            return
        word = instance.plan.popleft()
        instance.outcomes, instance.hangs = word.outcomes, False
        if word.operation.kind is Kind.SYSTEM and instance.server.may(word.operation.name):
            self.happen(instance, word.operation.name, word.given)
        else:
            self.settle(instance)

    def _over(self, instance: Instance) -> None:
        """The operation is over: what it was to change has changed, or the server is gone."""
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
            self._gone(instance)


def _goes_on_unasked(instance: Instance) -> bool:
    """Whether the next word of its scenario is nothing that a user asks."""
    return bool(instance.plan) and instance.plan[0].operation.kind is not Kind.REQUEST
