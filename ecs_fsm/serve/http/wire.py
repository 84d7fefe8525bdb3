"""Faults on the wire: a response that is an error, comes late, is broken, or never comes.

A fault is written `wire:OUTCOME[=SECONDS][="MESSAGE"][@REQUEST][#N][*TIMES][%PERCENT]`, where
REQUEST is the operation id of a route or the key of an action. The famous outcomes are `500_after`
and `close_after`: the work was done, and the client does not know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Self

from starlette.routing import compile_path

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Chance, StrikeCount
from ecs_fsm.serve.cloud.vocabulary import VOLUME

PREFIX = "wire:"
AFTER = "_after"
LATENCY, SLOW_BODY = "latency", "slow_body"
CLOSE_BEFORE, CLOSE_AFTER = "close_before", "close_after"
TRUNCATED, WRONG_TYPE, OLD_TOKEN = "truncated", "wrong_type", "old_token"
OUTCOMES = (LATENCY, SLOW_BODY, CLOSE_BEFORE, CLOSE_AFTER, TRUNCATED, WRONG_TYPE, OLD_TOKEN)
TIMED = (LATENCY, SLOW_BODY)
EXPECTED = f"a status from 400 to 599, with or without {AFTER}, or {', '.join(OUTCOMES)}"
LONGEST = 3600.0
"""Seconds of latency, and of Retry-After."""
LONGEST_MESSAGE = 500
MOST_FAULTS = 1000
OWN_PATHS = "/_ecs"
NamedRequests = tuple[Iterable[tuple[str, str, str]], Collection[str]]
STATUS = re.compile(rf"([45]\d\d)({AFTER})?", re.ASCII)
WRITTEN = re.compile(
    r"(?P<outcome>[^=@#*%\"]*)(?:=(?P<amount>[^=@#*%\"]*))?(?:=(?P<message>\"(?:[^\"\\]|\\.)*\"))?"
    r"(?:@(?P<request>[^#*%]*))?(?P<marks>[#*%].*)?"
)


@dataclass(frozen=True, slots=True)
class WireFault:
    """An outcome for the requests of a name, or for any if it is None.

    `amount` is the seconds of latency or of a slow body, or those of Retry-After; `message` is that
    of an error.
    """

    outcome: str
    request: str | None
    amount: float | None
    chance: Chance
    message: str | None = None

    @property
    def status(self) -> int | None:
        """The status of an error, None for other outcomes."""
        found = STATUS.fullmatch(self.outcome)
        return int(found[1]) if found else None

    @classmethod
    def parse(cls, text: str, requests: Collection[str]) -> Self:
        """Return the fault of a text; `wire:` is optional.

        Examples are `wire:429=5@show_server#3*2%10` and `wire:403="Quota exceeded"@create_server`.
        Raise `InvalidInput`, which lists the known ones, for an unknown outcome or request.
        """
        found = WRITTEN.fullmatch(text.strip().removeprefix(PREFIX))
        if found is None:
            raise InvalidInput(f"{text!r} does not read; expected {EXPECTED}")
        _, chance = Chance.parse(found["marks"] or "")
        message = None
        if found["message"]:
            try:
                message = str(json.loads(found["message"]))
            except ValueError as error:
                raise InvalidInput(f"{text!r}: invalid message: {error}") from None
        made = cls(found["outcome"], found["request"], None, chance, message)
        return made._checked(found["amount"], requests)

    def _checked(self, amount: str | None, requests: Collection[str]) -> Self:
        """Return the fault with its amount. Raise `InvalidInput` for an invalid one."""
        outcome, message = self.outcome.strip(), self.message
        request = self.request.strip() if self.request is not None else None
        status = bool(STATUS.fullmatch(outcome))
        if outcome not in OUTCOMES and not status:
            raise InvalidInput(f"unknown outcome {outcome!r}; known: {EXPECTED}")
        if request is not None and request not in requests:
            raise unknown("request", request, requests)
        if message is not None and (not status or len(message) > LONGEST_MESSAGE):
            raise InvalidInput(
                f"{outcome}: a message, of up to {LONGEST_MESSAGE} characters, is for errors"
            )
        seconds = _seconds(outcome, status, amount)
        return replace(self, outcome=outcome, request=request, amount=seconds)

    def _what(self) -> str:
        unit = "s" if self.outcome in TIMED else ""
        amount = f"={self.amount:g}{unit}" if self.amount is not None else ""
        message = f"={json.dumps(self.message)}" if self.message is not None else ""
        return f"{self.outcome}{amount}{message}"

    def __str__(self) -> str:
        return f"{PREFIX}{self._what()}{f'@{self.request}' if self.request else ''}{self.chance}"


def _seconds(outcome: str, status: bool, text: str | None) -> float | None:
    if text is None and outcome not in TIMED:
        return None
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s)?", text or "", re.ASCII)
    if found is not None and (status or outcome in TIMED):
        seconds = float(found[1]) / (1000 if found[2] == "ms" else 1)
        if seconds <= LONGEST:
            return seconds
    expected = f"{outcome}=2s" if outcome in TIMED else f"{outcome}=5 for seconds of Retry-After"
    if not status and outcome not in TIMED:
        expected = f"{outcome} without a value"
    raise InvalidInput(f"{outcome}={text or ''}: expected {expected}, up to {LONGEST:g} seconds")


class WireFaults:
    """The faults in force, with their counts, and the names of requests.

    `requests` gives method, path and name of each route, and the keys of bodies that name an
    action; it is called for the first fault, since it imports all services.
    """

    def __init__(self, requests: Callable[[], NamedRequests], seed: int) -> None:
        self._requests = requests
        self.active: dict[int, tuple[WireFault, StrikeCount]] = {}
        self._seed, self._random = seed, Random(seed)  # noqa: S311 - a seed repeats it
        self._last = 0

    @cached_property
    def _routes(self) -> list[tuple[re.Pattern[str], str, str]]:
        return [(compile_path(path)[0], method, name) for method, path, name in self._requests()[0]]

    @cached_property
    def actions(self) -> frozenset[str]:
        """The keys of bodies that name an action."""
        return frozenset(self._requests()[1])

    @cached_property
    def requests(self) -> frozenset[str]:
        """The names that a fault may select."""
        return self.actions | {name for _, _, name in self._routes}

    def add(self, text: str, count: StrikeCount | None = None) -> WireFault:
        """Add a fault, which may have struck before. Raise `InvalidInput` for an invalid one."""
        if len(self.active) >= MOST_FAULTS:
            raise InvalidInput(f"there are {MOST_FAULTS} faults already; remove some")
        fault = WireFault.parse(text, self.requests)
        self._last += 1
        self.active[self._last] = fault, count or StrikeCount()
        return fault

    def remove(self, number: int) -> bool:
        """Remove a fault. Return whether there was one."""
        return self.active.pop(number, None) is not None

    def clear(self) -> None:
        """Remove all faults."""
        self.active.clear()

    def restore(self, faults: Iterable[tuple[str, int, int]]) -> None:
        """Return to these faults with their counts, and to the first of the random numbers."""
        self.clear()
        self._random = Random(self._seed)  # noqa: S311 - a seed repeats it
        for text, met, struck in faults:
            self.add(text, StrikeCount(met, struck))

    def kept(self) -> list[tuple[str, int, int]]:
        """Return what `restore` reads."""
        return [(str(fault), count.met, count.struck) for fault, count in self.active.values()]

    def of_actions(self) -> bool:
        """Return whether a fault selects an action, so that bodies must be read."""
        return any(fault.request in self.actions for fault, _ in self.active.values())

    def route(self, method: str, path: str) -> str | None:
        """Return the name of the route that answers."""
        return next((n for r, found, n in self._routes if method == found and r.match(path)), None)

    def strike(self, names: Collection[str]) -> WireFault | None:
        """Return the first fault that strikes a request with these names."""
        for fault, count in self.active.values():
            matches = fault.request is None or fault.request in names
            if matches and count.strikes(fault.chance, self._random.random):
                return fault
        return None


def add_fault(cloud: Cloud, wire: WireFaults, text: str, count: StrikeCount | None = None) -> str:
    """Let a fault strike from now on, and return it as it is listed.

    It is one of the wire or of volumes if its text begins with `wire:` or `volume:`.
    """
    if text.startswith(PREFIX):
        return str(wire.add(text, count))
    mark = VOLUME if text.startswith(VOLUME) else ""
    orders = cloud.volumes.cloud.orders if mark else cloud.orders
    return f"{mark}{orders.add(text.removeprefix(mark), count)}"
