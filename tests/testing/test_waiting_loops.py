"""`ecs_fsm.testing` on the real waiting loops of two libraries, and what it finds in them.

The loops are the libraries' own, unchanged. What stands here is true of these versions:

- openstacksdk's `wait_for_status` knows ERROR and nothing else that can go wrong: it waits
  forever for a resize that was rolled back, and calls a reboot done that was. Asked for ACTIVE after the
  rebuild of a stopped server, it leaves in the middle. A server that shows the wanted status
  already is not polled at all. Its `wait_for_delete` does better, but an ERROR is waited out.
- novaclient's `nova resize --poll` stops at ACTIVE too, so a resize of a running server that was
  rolled back is reported as finished, and one of a stopped server never ends.
"""

from __future__ import annotations

import threading
import time
from importlib import import_module
from types import ModuleType
from typing import Any, cast

import pytest
from hypothesis import given, settings
from openstack import exceptions, resource
from openstack.compute.v2.server import Server

from ecs_fsm import ECS
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.testing import (
    Answer,
    FakeServer,
    Gone,
    Polling,
    StillWaiting,
    Tried,
    pollings,
    sleepless,
    try_out,
)
from ecs_fsm.waiters import FindingKind, Waiter
from tests.polled import meant, waiters

# The library warns of its own method, which it calls for every resource that it makes.
pytestmark = pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning")
NO_SESSION = cast(Any, None)


class StubServer(Server):
    """openstacksdk's own server, fetched from a fake one instead of over the network."""

    get_server: FakeServer

    def fetch(self, session: object, *args: object, **kwargs: object) -> StubServer:
        return fresh(self.get_server, self.get_server())


def fresh(get_server: FakeServer, answer: dict[str, str | None]) -> StubServer:
    server = StubServer.existing(None, **answer)
    server.get_server = get_server
    return server


def openstacksdk(
    wanted: str, get_server: FakeServer, *, showing: str = "UNKNOWN", **options: Any
) -> object:
    server = fresh(get_server, {"id": "1", "status": showing})
    return resource.wait_for_status(NO_SESSION, server, wanted, **options)


def faults(tried: list[Tried]) -> set[FindingKind]:
    return {t.fault for t in tried}


def test_openstacksdk_waits_forever_for_a_resize_that_was_rolled_back() -> None:
    def wait(get_server: FakeServer) -> object:
        return openstacksdk("VERIFY_RESIZE", get_server)

    found = try_out(wait, pollings("resize"), failures=exceptions.ResourceFailure)
    assert faults(found) == {FindingKind.HANGS}
    assert all(t.polling and t.polling.run.nodes[-1].state == "stopped/-" for t in found)


def test_openstacksdk_can_know_every_failure_that_status_shows() -> None:
    def wait(get_server: FakeServer) -> object:
        return openstacksdk("VERIFY_RESIZE", get_server, failures=["ERROR", "SHUTOFF"])

    assert try_out(wait, pollings("resize"), failures=exceptions.ResourceFailure) == []


def test_openstacksdk_leaves_in_the_middle_of_the_rebuild_of_a_stopped_server() -> None:
    def wait(get_server: FakeServer) -> object:
        return openstacksdk("ACTIVE", get_server)

    rebuilds = pollings("rebuild", from_="stopped/-")
    found = try_out(wait, rebuilds, failures=exceptions.ResourceFailure)
    assert faults(found) == {
        FindingKind.LEAVES_EARLY,
        FindingKind.FALSE_SUCCESS,
        FindingKind.MISSES,
    }


def test_openstacksdk_does_not_poll_a_server_that_showed_the_status_before_the_request() -> None:
    def wait(get_server: FakeServer) -> object:
        return openstacksdk("ACTIVE", get_server, showing="ACTIVE")

    found = try_out(wait, pollings("reboot"), failures=exceptions.ResourceFailure)
    assert {FindingKind.LEAVES_EARLY, FindingKind.FALSE_SUCCESS} == faults(found)
    polled = try_out(
        lambda get_server: openstacksdk("ACTIVE", get_server),
        pollings("reboot"),
        failures=exceptions.ResourceFailure,
    )
    assert faults(polled) == {FindingKind.FALSE_SUCCESS}


def test_openstacksdk_sees_the_end_of_a_delete_and_waits_an_error_out() -> None:
    def wait(get_server: FakeServer) -> object:
        return resource.wait_for_delete(NO_SESSION, fresh(get_server, {"id": "1"}))

    found = try_out(
        wait, pollings("delete"), failures=(), gone=lambda: exceptions.NotFoundException("404")
    )
    assert faults(found) == {FindingKind.BLIND}


@pytest.fixture(scope="module")
def nova_shell() -> ModuleType:
    return import_module("novaclient.v2.shell")


def test_novaclient_reports_a_resize_that_was_rolled_back_as_finished(
    nova_shell: ModuleType,
) -> None:
    def nova_resize_poll(get_server: FakeServer) -> None:
        finished = ["active", "verify_resize"]
        nova_shell._poll_for_status(get_server, "1", "resizing", finished, silent=True)

    failures = nova_shell.exceptions.ResourceInErrorState
    running = pollings("resize", from_="active/-", lifecycle=NOVA)
    assert faults(try_out(nova_resize_poll, running, failures=failures)) == {
        FindingKind.FALSE_SUCCESS
    }
    stopped = pollings("resize", from_="stopped/-", lifecycle=NOVA)
    assert faults(try_out(nova_resize_poll, stopped, failures=failures)) == {FindingKind.HANGS}


def test_novaclient_waits_well_for_a_creation(nova_shell: ModuleType) -> None:
    def nova_boot_poll(get_server: FakeServer) -> None:
        nova_shell._poll_for_status(get_server, "1", "building", ["active"], silent=True)

    failures = nova_shell.exceptions.ResourceInErrorState
    assert try_out(nova_boot_poll, pollings("create"), failures=failures) == []


@pytest.mark.parametrize("polling", pollings("start"), ids=str)
def test_a_polling_can_be_a_test_of_its_own(polling: Polling) -> None:
    def our_loop(get_server: FakeServer) -> None:
        while (server := get_server())["OS-EXT-STS:task_state"]:
            time.sleep(3600)
        if server["status"] != "ACTIVE":
            raise RuntimeError("it did not start")

    assert polling.fault(our_loop, failures=RuntimeError) is None


@given(waiters(ECS, tuple(ECS.operations)))
@settings(max_examples=60)
def test_a_loop_has_the_faults_that_are_found_of_its_waiter(waiter: Waiter) -> None:
    def loop(get_server: FakeServer) -> None:
        while True:
            try:
                answer = get_server()
                value = waiter.polls.of(ECS.state(str(answer.vm_state), answer.task_state))
            except Gone:
                value = waiter.polls.of(None)
            if value in waiter.target:
                return
            if meant(waiter, value) == "failure":
                raise RuntimeError(value)

    tried = pollings(waiter.operation, from_=waiter.from_)
    found = faults(try_out(loop, tried, failures=RuntimeError))
    assert found == {finding.kind for finding in waiter.findings()}


def test_an_answer_is_one_of_the_api_and_has_its_attributes() -> None:
    polling = next(p for p in pollings("stop") if len(p.places) == 2)
    get_server = polling.server()
    answer = get_server("1", anything=True)
    assert {
        key: answer[key] for key in ("status", "OS-EXT-STS:vm_state", "OS-EXT-STS:task_state")
    } == {
        "status": "ACTIVE",
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:task_state": "powering-off",
    }
    assert (answer.status, answer.vm_state, answer.task_state) == (
        "ACTIVE",
        "active",
        "powering-off",
    )
    assert getattr(answer, "OS-EXT-STS:task_state") == "powering-off"
    assert get_server().task_state is None
    with pytest.raises(AttributeError, match="the answer has no flavor"):
        _ = answer.flavor
    assert isinstance(answer, Answer)


def test_a_waiter_is_stopped_even_if_it_survives_every_exception() -> None:
    def stubborn(get_server: FakeServer) -> None:
        while True:
            try:
                assert get_server().status != "DELETED"
            except Exception:  # noqa: S112 - what is shown here
                continue

    assert not issubclass(StillWaiting, Exception)
    assert FindingKind.MISSES in faults(try_out(stubborn, pollings("delete", from_="active/-")))


def test_the_answer_404_can_be_all_that_is_seen_of_a_deletion() -> None:
    seen = {str(p).partition("seen: ")[2] for p in pollings("delete", from_="active/-")}
    assert seen == {"all", "active/deleting", "deleted/-", "<gone>", "error/deleting", "error/-"}


def test_what_a_loop_raises_besides_its_failures_is_raised() -> None:
    def broken(get_server: FakeServer) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        try_out(broken, pollings("stop"), failures=RuntimeError)


def test_a_loop_that_never_returns_never_succeeds() -> None:
    def gives_up(get_server: FakeServer) -> None:
        raise RuntimeError

    assert try_out(gives_up, pollings("stop"))[0] == Tried(FindingKind.NEVER_SUCCEEDS, None)


def test_other_threads_still_sleep() -> None:
    slept = []

    def other() -> None:
        began = time.monotonic()
        time.sleep(0.05)
        slept.append(time.monotonic() - began)

    with sleepless():
        time.sleep(3600)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert slept[0] >= 0.05


def test_a_module_that_imported_sleep_by_name_is_given() -> None:
    module = ModuleType("theirs")
    exec("from time import sleep", module.__dict__)  # noqa: S102 - stands for an imported module
    with sleepless(module):
        module.sleep(3600)
    assert module.sleep is time.sleep
