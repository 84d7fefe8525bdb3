"""A fault on the wire as it is written: what happens to which request, and when.

`wire:OUTCOME[@REQUEST][#N][*TIMES][%PERCENT]`, where REQUEST is the operation id of a route or the
key of an action.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.serve.cloud.orders import Chance

PREFIX = "wire:"
STATUSES = ("500", "503", "429", "401")
LATENCY, CLOSE_BEFORE, CLOSE_AFTER = "latency", "close_before", "close_after"
OUTCOMES = (*STATUSES, LATENCY, CLOSE_BEFORE, CLOSE_AFTER)
WITH_RETRY = ("503", "429")
LONGEST = 3600.0
"""Seconds of latency, and of Retry-After."""


@dataclass(frozen=True, slots=True)
class WireFault:
    """What happens to which request, any for None, and when.

    `amount` is the seconds of latency, or those of Retry-After.
    """

    outcome: str
    request: str | None
    amount: float | None
    chance: Chance

    @classmethod
    def parse(cls, text: str, requests: Collection[str]) -> Self:
        """The fault of a text such as `wire:429=5@show_server#3*2%10`; `wire:` may be missing.

        Raises `InvalidInput` that says what there is for an unknown outcome or request.
        """
        rest, chance = Chance.parse(text.removeprefix(PREFIX))
        what, at, request = rest.partition("@")
        return cls._checked(what, request if at else None, None, chance, requests)

    @classmethod
    def given(cls, document: Mapping[str, object], requests: Collection[str]) -> Self:
        """The fault of a JSON object with `wire`, `request`, `retry_after` and a chance's keys."""
        known = {"wire", "request", "retry_after", "first", "times", "percent"}
        for key in document:
            if key not in known:
                raise unknown("key", key, known)
        what, request = document.get("wire"), document.get("request")
        if not isinstance(what, str) or not isinstance(request, str | None):
            raise InvalidInput("wire and request are words; expected {'wire': '503', ...}")
        after = document.get("retry_after")
        chance = Chance.given(document)
        return cls._checked(what, request, None if after is None else str(after), chance, requests)

    @classmethod
    def _checked(
        cls,
        what: str,
        request: str | None,
        amount: str | None,
        chance: Chance,
        requests: Collection[str],
    ) -> Self:
        outcome, _, after = what.strip().partition("=")
        if outcome not in OUTCOMES:
            raise InvalidInput(f"unknown outcome {outcome!r}; known: {', '.join(OUTCOMES)}")
        if request is not None and request not in requests:
            raise unknown("request", request, requests)
        seconds = _seconds(outcome, after or amount)
        return cls(outcome, request, seconds, chance)

    def as_dict(self) -> dict[str, object]:
        """The fault as JSON, as `given` reads it."""
        late = self.outcome == LATENCY
        told: dict[str, object] = {"wire": self._what() if late else self.outcome}
        if self.request is not None:
            told["request"] = self.request
        if self.amount is not None and not late:
            told["retry_after"] = self.amount
        return {**told, **self.chance.as_dict()}

    def _what(self) -> str:
        unit = "s" if self.outcome == LATENCY else ""
        return self.outcome + (f"={self.amount:g}{unit}" if self.amount is not None else "")

    def __str__(self) -> str:
        return f"{PREFIX}{self._what()}{f'@{self.request}' if self.request else ''}{self.chance}"


def _seconds(outcome: str, text: str | None) -> float | None:
    if text is None and outcome != LATENCY:
        return None
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s)?", text or "", re.ASCII)
    if found is not None and outcome in (*WITH_RETRY, LATENCY):
        seconds = float(found[1]) / (1000 if found[2] == "ms" else 1)
        if seconds <= LONGEST:
            return seconds
    expected = f"{LATENCY}=2s" if outcome == LATENCY else f"{outcome}=5 for seconds of Retry-After"
    if outcome not in (*WITH_RETRY, LATENCY):
        expected = f"{outcome} without a value"
    raise InvalidInput(f"{outcome}={text or ''}: expected {expected}, up to {LONGEST:g} seconds")
