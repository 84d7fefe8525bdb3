"""What the state of things forbids, and what a failed step says, in the words of Nova."""

from __future__ import annotations

import re

import pytest

from ecs_fsm.core.model import Kind
from ecs_fsm.core.scenario import choices
from ecs_fsm.lifecycles import server_class
from ecs_fsm.serve.cloud.catalog import read_catalog
from tests.compute import CIRROS, DEBIAN, SMALL, TINY, Compute

UBUNTU, ZERO = "a440c04b-79fa-479c-bed1-0b816eaec379", "s6.large.2"
GIB = 1024**3
SMALLER = (
    "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is "
    f"{GIB} bytes, minimum size is {5 * GIB} bytes."
)
NONE_LEFT = "No valid host was found. There are not enough hosts available."


@pytest.fixture
def nova() -> Compute:
    return Compute("nova")


def wanted(**more: object) -> dict[str, object]:
    return {"name": "web", "flavorRef": TINY, "imageRef": CIRROS, "networks": "auto", **more}


@pytest.mark.parametrize(
    ("more", "user", "code", "message"),
    [
        ({"imageRef": UBUNTU}, "demo", 400, SMALLER),
        ({"host": "nowhere"}, "admin", 400, "Compute host nowhere could not be found."),
        (
            {"host": "compute-1"},
            "demo",
            403,
            "Policy doesn't allow compute:servers:create:requested_destination to be performed.",
        ),
        (
            {"availability_zone": "nova:compute-1"},
            "demo",
            403,
            "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.",
        ),
        (
            {"availability_zone": "nova:compute-1", "host": "compute-1"},
            "admin",
            400,
            "One mechanism with host and/or hypervisor_hostname and another mechanism with "
            "zone:host:node are mutually exclusive.",
        ),
        (
            {"availability_zone": "nowhere"},
            "demo",
            400,
            "The requested availability zone is not available",
        ),
    ],
)
def test_a_creation_is_refused_as_nova_refuses_it(
    nova: Compute, more: dict[str, object], user: str, code: int, message: str
) -> None:
    answer = nova.ask("POST", "/servers", {"server": wanted(**more)}, minor=74, user=user)
    assert (answer.code, answer.message) == (code, message)
    assert not nova.cloud.instances


def test_an_unknown_server_group_is_refused(nova: Compute) -> None:
    body = {"server": wanted(), "os:scheduler_hints": {"group": DEBIAN}}
    answer = nova.ask("POST", "/servers", body, minor=74)
    assert (answer.code, answer.message) == (400, f"Instance group {DEBIAN} could not be found.")


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ({"availability_zone": "nova:compute-2"}, NONE_LEFT),
        ({"host": "compute-2"}, NONE_LEFT),
        (
            {"availability_zone": "nova:nowhere"},
            "No valid host was found. No such host - host: nowhere node: None ",
        ),
    ],
)
def test_a_server_that_no_host_takes_is_in_error(
    nova: Compute, where: dict[str, str], reason: str
) -> None:
    nova.cloud.force_down(1, down=True)
    answer = nova.ask("POST", "/servers", {"server": wanted(**where)}, minor=74, user="admin")
    assert answer.code == 202
    nova.rest()
    shown = nova.show(answer.json["server"]["id"], user="admin", minor=96)
    assert (shown["status"], shown["OS-EXT-SRV-ATTR:host"]) == ("ERROR", None)
    assert (shown["fault"]["code"], shown["fault"]["message"]) == (500, reason)


def test_a_host_is_named_and_new_servers_land_on_no_host_that_is_down(nova: Compute) -> None:
    made = nova.ask(
        "POST", "/servers", {"server": wanted(host="compute-3")}, minor=74, user="admin"
    )
    nova.cloud.force_down(1, down=True)
    others = [nova.active() for _ in range(2 * len(read_catalog().hosts))]
    hosts = [nova.cloud.instances[server].host for server in (made.json["server"]["id"], *others)]
    assert (hosts[0], {*hosts[1:]}) == (2, {0, 2})


@pytest.mark.parametrize(
    ("key", "argument", "down", "refusal"),
    [
        ("evacuate", {}, False, (400, "Compute service of compute-2 is still in use.")),
        ("evacuate", {"host": "compute-2"}, True, (400, "The target host can't be the same one.")),
        ("evacuate", {"host": "nowhere"}, True, (404, "Compute host nowhere not found.")),
        (
            "resize",
            {"flavorRef": ZERO},
            False,
            (
                400,
                "Server disk was unable to be resized because: "
                "Resize to zero disk flavor is not allowed.",
            ),
        ),
        ("resize", {"flavorRef": SMALL}, True, (409, "Service is unavailable at this time.")),
        ("migrate", {"host": "nowhere"}, False, (400, "Compute host nowhere could not be found.")),
        ("rebuild", {"imageRef": UBUNTU}, False, (400, SMALLER)),
        (
            "os-migrateLive",
            {"host": None, "block_migration": "auto"},
            True,
            (400, "Compute service of compute-2 is unavailable at this time."),
        ),
    ],
)
def test_an_action_is_refused_as_nova_refuses_it(
    nova: Compute, key: str, argument: object, down: bool, refusal: tuple[int, str]
) -> None:
    server = nova.active()
    nova.cloud.force_down(1, down=down)
    answer = nova.act(server, key, argument, user="admin", minor=96)
    assert (answer.code, answer.message) == refusal
    assert nova.status(server) == "ACTIVE"


def test_the_last_host_moves_no_server(nova: Compute) -> None:
    server = nova.active()
    for number in (0, 2):
        nova.cloud.force_down(number, down=True)
    answer = nova.act(server, "migrate", None, user="admin", minor=56)
    reason = "No valid host found for cold migrate"
    assert (answer.code, answer.message) == (400, f"No valid host was found. {reason}")


def test_a_server_on_no_host_comes_back_on_one_that_is_up(nova: Compute) -> None:
    server = nova.active()
    nova.act(server, "shelve")
    nova.rest()
    nova.cloud.force_down(nova.cloud.instances[server].host, down=True)
    assert nova.act(server, "unshelve").code == 202
    nova.rest()
    assert nova.status(server) == "ACTIVE"


@pytest.mark.parametrize("name", ["ecs", "nova"])
def test_every_step_that_can_fail_has_a_text_of_nova(name: str) -> None:
    lifecycle, compute = server_class(name).lifecycle, Compute(name)
    ours = {*lifecycle.states, *lifecycle.operations}
    texts: dict[str, str] = {}
    for outcome in choices(lifecycle, lifecycle.operations["create"]):
        event, _, step = outcome.partition("@")
        if lifecycle.triggers.get(event) and lifecycle.triggers[event].kind is Kind.FAILURE:
            server = compute.create(metadata={"ecs:fault": f"create:{outcome}"})
            compute.rest()
            fault = compute.cloud.instances[server].fault
            texts[step] = fault.message if fault else ""
    assert re.match("Build of instance .* aborted: ", texts["networking"])
    assert re.match("Exceeded maximum number of retries. ", texts["spawning"])
    assert texts["scheduling"] == NONE_LEFT
    assert not [text for text in texts.values() if any(word == text for word in ours)]
