"""What `check` finds of waiters, on a served cloud: broken ones break there, inferred ones do not.

The run that shows a finding is laid on the next server as a scenario, and the waiter polls it over
HTTP at a clock that stands still between the polls. What became of it is judged by what the cloud
did, not by what the run says. States that an event only passes (the `active/-` at the end of a
stopped server's rebuild) are gone before anybody can ask: a polling of one sees the next state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any, Literal, NamedTuple

import httpx
import pytest

from ecs_fsm.analysis.words import scenario_words
from ecs_fsm.core.graph import Run
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind
from ecs_fsm.core.scenario import read_word
from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.testing import EcsCloud, pollings, served
from ecs_fsm.waiters import FindingKind, OperationRun, Waiter, infer
from tests.polled import meant

LONG = 1e6
"""Seconds in which everything comes to its end."""
POLLS_OF_THE_END = 10
IMAGE = "70a599e0-31e7-49b7-b260-868f441e862b"
BEFORE = {None: (), "active/-": ("create",), "stopped/-": ("create", "stop")}
"""The way of a server to where the operation is requested."""
ACTIONS: dict[str, dict[str, object]] = {
    "stop": {"os-stop": None},
    "start": {"os-start": None},
    "rebuild": {"rebuild": {"imageRef": IMAGE}},
    "resize": {"resize": {"flavorRef": "2"}},
    "shelve": {"shelve": None},
    "rescue": {"rescue": None},
}

Left = Literal["success", "failure", "never"]
ENDS: dict[str, Left] = {"success": "success", "failure": "failure", "go on": "never"}


class Entered(NamedTuple):
    """A state that a server entered: by which event, and what it showed."""

    event: str | None
    status: str


class Api:
    """The compute API of a cloud, and what a waiter would poll of one server."""

    def __init__(self, cloud: EcsCloud, http: httpx.Client) -> None:
        self.cloud, self._http = cloud, http
        password = {"user": {"name": "demo", "password": "demo", "domain": {"name": "Default"}}}
        scope = {"project": {"name": "demo", "domain": {"name": "Default"}}}
        identity = {"methods": ["password"], "password": password}
        answer = http.post(
            f"{cloud.auth_url}/auth/tokens", json={"auth": {"identity": identity, "scope": scope}}
        )
        self._token = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
        self._servers = f"{cloud.url}/compute/v2.1/servers"

    def ask(self, operation: str, server: str | None) -> str:
        """Ask for an operation; the id of the server."""
        if server is None:
            wanted = {"name": "web-1", "flavorRef": "1", "imageRef": IMAGE}
            answer = self._http.post(self._servers, json={"server": wanted}, headers=self._token)
            assert answer.status_code == 202, answer.text
            return str(answer.json()["server"]["id"])
        if operation == "delete":
            answer = self._http.delete(f"{self._servers}/{server}", headers=self._token)
        else:
            answer = self._http.post(
                f"{self._servers}/{server}/action", json=ACTIONS[operation], headers=self._token
            )
        assert answer.is_success, answer.text
        return server

    def value(self, server: str, attribute: str) -> str:
        """What is polled of a server, `<gone>` for a 404."""
        answer = self._http.get(f"{self._servers}/{server}", headers=self._token)
        if answer.status_code == 404:
            return "<gone>"
        shown = answer.json()["server"]
        task = shown["OS-EXT-STS:task_state"] or "-"
        return {
            "status": str(shown["status"]),
            "task_state": str(task),
            "status+task_state": f"{shown['status']}/{task}",
        }[attribute]

    def changes(self, server: str) -> list[Entered]:
        """The states that a server has entered, as the cloud has them."""
        known = self._http.get(f"{self.cloud.url}/_ecs/servers/{server}").json()
        return [Entered(row["event"], row["status"]) for row in known["history"]]


@pytest.fixture(scope="module")
def api_of() -> Iterator[Callable[[Lifecycle], Api]]:
    """The API of a cloud of each lifecycle, whose clock stands still."""
    with ExitStack() as open_, httpx.Client(timeout=120) as http:
        yield cache(
            lambda lifecycle: Api(
                open_.enter_context(served(lifecycle=lifecycle.name, speed=0)), http
            )
        )


def request_operation(api: Api, lifecycle: Lifecycle, run: OperationRun) -> tuple[str, int]:
    """A server for which the run was laid and whose operation was accepted; its changes before."""
    words = [
        *BEFORE[run.start.state],
        *scenario_words(lifecycle, Run(run.start.source, run.outcomes)),
    ]
    api.cloud.scenario(*words)
    server, before = None, 0
    for word in words:
        trigger = read_word(lifecycle, word).operation
        if trigger.kind is Kind.REQUEST:
            api.cloud.advance(LONG)
            before = len(api.changes(server)) if server else 0
            server = api.ask(trigger.name, server)
    assert server is not None
    return server, before


def waits(
    api: Api, waiter: Waiter, run: OperationRun, seen: tuple[int, ...]
) -> tuple[FindingKind | None, list[str]]:
    """What a real loop gets wrong if it polls a run at these places and then its end; what it saw."""
    server, before = request_operation(api, waiter.lifecycle, run)
    ahead, polled = list(seen), list[str]()
    left: Left = "never"
    while left == "never" and len(polled) < len(seen) + POLLS_OF_THE_END:
        if ahead:
            place = ahead.pop(0)
            while len(api.changes(server)) - before <= place and api.cloud.step():
                pass
        else:
            api.cloud.advance(LONG)
        polled.append(api.value(server, waiter.attribute))
        left = ENDS[meant(waiter, polled[-1])]
    until_then = len(api.changes(server))
    api.cloud.advance(LONG)
    happened = api.changes(server)[before:]
    return judged(
        waiter.lifecycle, left, happened, early=until_then - before < len(happened)
    ), polled


def judged(
    lifecycle: Lifecycle, left: Left, happened: list[Entered], *, early: bool
) -> FindingKind | None:
    """What is wrong with the end of a loop, by all that happened since the request."""
    wrong = any(
        lifecycle.triggers[change.event].kind is Kind.FAILURE for change in happened if change.event
    )
    if left == "never":
        blind = happened[-1].status == "ERROR"
        return (FindingKind.BLIND if blind else FindingKind.HANGS) if wrong else FindingKind.MISSES
    if left == "failure":
        return None if wrong else FindingKind.SPURIOUS_FAILURE
    if wrong:
        return FindingKind.FALSE_SUCCESS
    return FindingKind.LEAVES_EARLY if early else None


def broken(lifecycle: Lifecycle, operation: str, from_: str = "", **values: Any) -> Waiter:
    return Waiter(operation, from_=from_ or (), lifecycle=lifecycle, **values)


ON_IMAGE = "active/-[boot=image,upload=staged]"
BROKEN = {
    "stop until SHUTOFF": broken(ECS, "stop", "active/-", target="SHUTOFF", pending="ACTIVE"),
    "stop until no task runs": broken(
        ECS, "stop", "active/-", target="-", attribute="task_state"
    ),
    "rebuild until ACTIVE": broken(
        ECS, "rebuild", "stopped/-", target="ACTIVE", pending="REBUILD", failure="ERROR"
    ),
    "resize until VERIFY_RESIZE": broken(
        ECS, "resize", "stopped/-", target="VERIFY_RESIZE", failure="ERROR"
    ),
    "delete until DELETED": broken(ECS, "delete", "active/-", target="DELETED", failure="ERROR"),
    "create until ACTIVE": broken(ECS, "create", target="ACTIVE"),
    "shelve until SHELVED": broken(NOVA, "shelve", ON_IMAGE, target="SHELVED", failure="ERROR"),
    "resize until ACTIVE": broken(
        NOVA, "resize", "active/-", target=["ACTIVE", "VERIFY_RESIZE"], failure="ERROR"
    ),
    "rescue until ACTIVE": broken(NOVA, "rescue", "active/-", target="ACTIVE", failure="ERROR"),
    "stop, whatever comes": broken(NOVA, "stop", "active/-", target="SHUTOFF"),
}  # fmt: skip


@pytest.mark.parametrize("waiter", BROKEN.values(), ids=BROKEN)
def test_a_waiter_that_check_calls_broken_breaks_on_a_real_cloud(
    waiter: Waiter, api_of: Callable[[Lifecycle], Api]
) -> None:
    findings = waiter.findings()
    assert findings
    for finding in findings:
        fault, polled = waits(api_of(waiter.lifecycle), waiter, finding.run, finding.seen)
        assert (fault, polled[: len(finding.seen)]) == (finding.kind, [*finding.polled])


@pytest.mark.parametrize("waiter", BROKEN.values(), ids=BROKEN)
def test_the_waiters_that_are_inferred_in_its_place_do_not(
    waiter: Waiter, api_of: Callable[[Lifecycle], Api]
) -> None:
    operation, lifecycle = waiter.operation, waiter.lifecycle
    for better in infer(
        operation, from_=waiter.from_, attribute="status+task_state", lifecycle=lifecycle
    ):
        unavoidable = {finding.kind for finding in better.findings()}
        runs = pollings(operation, from_=better.from_, lifecycle=lifecycle)
        found = [waits(api_of(lifecycle), better, run, places)[0] for run, places, *_ in runs]
        assert {*found} - {None} == unavoidable
