"""Every action of the compute API in every state: what the lifecycle allows, and nothing else."""

from __future__ import annotations

from functools import cache

import pytest

from ecs_fsm.core.errors import Refused
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node
from ecs_fsm.lifecycles import NAMES, server_class
from ecs_fsm.serve.cloud import vocabulary
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.compute.actions import ACTIONS, ANSWERS, CHANGES, ServerAction
from tests.compute import CIRROS, SMALL, Answer, Compute
from tests.own_thread import run_in_own_thread

HIGHEST = 96
ARGUMENTS: dict[str, object] = {
    "resize": {"flavorRef": SMALL},
    "rebuild": {"imageRef": CIRROS},
    "os-migrateLive": {"host": None, "block_migration": "auto"},
    "createImage": {"name": "x"},
    "createBackup": {"name": "x", "backup_type": "daily", "rotation": 1},
    "changePassword": {"adminPass": "secret"},
    "addSecurityGroup": {"name": "web"},
    "removeSecurityGroup": {"name": "default"},
    "evacuate": {},
    "os-resetState": {"state": "active"},
}
"""What comes with an action that needs more than its key."""


def lifecycle_of(name: str) -> Lifecycle:
    return server_class(name).lifecycle


@cache
def places(name: str) -> tuple[Node, ...]:
    """Return for each state of the lifecycle the node that allows most requests."""
    lifecycle = lifecycle_of(name)
    found: dict[str, Node] = {}
    for node in lifecycle.graph():
        known = found.get(node.state)
        if known is None or len(lifecycle.requests(known)) < len(lifecycle.requests(node)):
            found[node.state] = node
    return tuple(node for node in found.values() if lifecycle.leaving(node.state))


CHOOSING = {"reboot": "type", "os-resetState": "state"}
"""The field of an argument that chooses the operation."""


def choices(action: ServerAction) -> list[tuple[str | None, object]]:
    """Return the operations that an action can request, each with an argument that chooses it."""
    if action.operation is None or isinstance(action.operation, str):
        return [(action.operation, ARGUMENTS.get(action.key))]
    field = CHOOSING[action.key]
    return [(name, {field: choice}) for choice, name in action.operation.items()]


CASES = [
    pytest.param(name, action, operation, argument, id=f"{name}-{action.key}-{operation}")
    for name in NAMES
    for action in ACTIONS.values()
    for operation, argument in choices(action)
    if operation in lifecycle_of(name).operations
]


@pytest.mark.parametrize(("name", "action", "operation", "argument"), CASES)
def test_an_action_is_accepted_exactly_where_the_lifecycle_allows_it(
    name: str, action: ServerAction, operation: str, argument: object
) -> None:
    answers = run_in_own_thread(answers_everywhere(name, action, argument))
    for node, (instance, answer) in answers.items():
        outcome, refused = expected(lifecycle_of(name), operation, node)
        if refused is None:
            assert answer.code == action.code, (node, answer.text)
            assert instance.server.node is outcome
        else:
            assert (answer.code, instance.server.node) == (409, node), answer.text
            allowed = ", ".join(refused.allowed) or "nothing that a user can ask"
            assert answer.message == (
                f"Cannot '{operation}' instance {instance.id} while it is in "
                f"{where(node)}: {refused.reason}; possible now: {allowed}"
            )
    codes = {answer.code for _, answer in answers.values()}
    assert codes - {409} == {action.code}
    assert (409 in codes) is (operation not in EVERYWHERE)


EVERYWHERE = {"lock", "unlock", "inject_network_info", "reset_state_active", "reset_state_error"}
EVERYWHERE |= {"force_delete"}
"""Operations that no state refuses."""


async def answers_everywhere(
    name: str, action: ServerAction, argument: object
) -> dict[Node, tuple[Instance, Answer]]:
    """Return the answer to an administrator in each node, with the server."""
    compute, answers = Compute(name), {}
    compute.cloud.force_down(0, down=action.key == "evacuate")  # needs a host that is down
    for node in places(name):
        instance = compute.put(1)
        instance.host = 0 if action.key == "evacuate" else instance.host
        instance.server = server_class(name)(node, history=False)
        path, body = f"/servers/{instance.id}/action", {action.key: argument}
        answer = await compute.send("POST", path, body, user="admin", minor=HIGHEST)
        answers[node] = instance, answer
    return answers


def expected(
    lifecycle: Lifecycle, operation: str, node: Node
) -> tuple[Node | None, Refused | None]:
    """Return the node to which an operation leads by the lifecycle, or the refusal."""
    try:
        return lifecycle.outcome(operation, node).end, None
    except Refused as error:
        return None, error


def where(node: Node) -> str:
    state = node.state
    task = state.task_state
    return f"task_state {task}" if task else f"vm_state {state.vm_state}"


@pytest.mark.parametrize("name", NAMES)
def test_an_action_without_its_operation_is_refused_with_the_operations_of_the_lifecycle(
    name: str,
) -> None:
    compute, lifecycle = Compute(name), lifecycle_of(name)
    server = compute.active()
    for key, action in ACTIONS.items():
        missing = [
            operation for operation in action.operations if operation not in lifecycle.operations
        ]
        if missing:
            answer = compute.act(server, key, ARGUMENTS.get(key), user="admin", minor=HIGHEST)
            assert answer.code == 400
            assert f"{name} has no operation {missing[0]}; it has create, stop," in answer.message
    assert compute.status(server) == "ACTIVE"


def test_every_operation_that_a_user_can_request_of_nova_has_a_request() -> None:
    of_actions = {operation for action in ACTIONS.values() for operation in action.operations}
    # A setting of the cloud makes a delete soft; assisted snapshots are not served.
    rest = {"create", "soft_delete"}
    rest |= {"create_volume_snapshot", "delete_volume_snapshot"}
    assert of_actions | vocabulary.OPERATIONS | rest == {*lifecycle_of("nova").operations}


def test_every_word_of_the_vocabulary_is_one_of_nova() -> None:
    nova, words = lifecycle_of("nova"), vocabulary
    assert {*nova.states} >= words.CONNECTED | words.WITHOUT_HOST
    assert {*words.POWER_STATES} <= {*nova.table.vm_states}
    assert words.PROGRESS | {words.BEGUN} | words.FAULT <= {*nova.table.statuses}
    assert words.ABORTED in nova.events
    for facts in (words.FROM_VOLUME, words.WITHOUT_NETWORK, dict([words.LOCKED])):
        for fact, value in facts.items():
            assert value in nova.memory.values(fact)
    assert {*nova.operations} >= words.OPERATIONS


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.key)
def test_the_argument_of_an_action_may_come_later(action: ServerAction) -> None:
    assert action.reads <= HIGHEST
    assert {*action.operations} <= {*lifecycle_of("nova").operations}


def test_what_an_action_changes_and_answers_belongs_to_an_action_of_the_table() -> None:
    assert {*CHANGES, *ANSWERS} <= {*ACTIONS}


@pytest.mark.parametrize("key", [key for key, action in ACTIONS.items() if action.admin])
def test_an_action_of_administrators_is_forbidden_to_others(key: str) -> None:
    compute = Compute("nova")
    server = compute.active()
    answer = compute.act(server, key, ARGUMENTS.get(key), minor=HIGHEST)
    assert (answer.code, key in answer.message) == (403, True)
    assert compute.status(server) == "ACTIVE"


NEEDS_NOTHING = (
    *("os-start", "os-stop", "confirmResize", "revertResize", "pause", "unpause", "suspend"),
    *("resume", "unrescue", "shelve", "shelveOffload", "unshelve", "migrate", "lock", "unlock"),
    *("forceDelete", "restore", "injectNetworkInfo", "trigger_crash_dump"),
)
"""The actions whose argument Nova does not read at the lowest microversions."""


@pytest.mark.parametrize("argument", [None, {}, "", 7, False, {"x": 1}], ids=repr)
def test_an_action_without_argument_accepts_any_value_as_nova_does(
    argument: object,
) -> None:
    compute = Compute("nova")
    server = compute.active()
    for key in NEEDS_NOTHING:
        answer = compute.act(server, key, argument, user="admin", minor=17)
        strict = key == "trigger_crash_dump" and argument is not None  # the only one in Nova
        assert (answer.code == 400) is strict, (key, answer.text)
        compute.rest()


BODIES: list[object] = [
    {},
    {"os-stop": None, "os-start": None},
    {"explode": None},
    {"os-Stop": None},
    {"": None},
    {"x" * 5000: None},
    [],
    ["os-stop"],
    "os-stop",
    None,
    {"reboot": None},
    {"reboot": {}},
    {"reboot": {"type": "GENTLE"}},
    {"reboot": {"type": None}},
    {"resize": {}},
    {"resize": {"flavorRef": ""}},
    {"resize": {"flavorRef": None}},
    {"resize": {"flavorRef": "1"}},  # the one that it has
    {"resize": {"flavorRef": "nowhere"}},
    {"rebuild": {}},
    {"rebuild": {"imageRef": 7}},
    {"rebuild": {"imageRef": "nowhere"}},
    {"rebuild": {"imageRef": CIRROS, "name": " "}},
    {"rebuild": {"imageRef": CIRROS, "metadata": {"a": 1}}},
    {"os-resetState": {"state": "paused"}},
    {"os-resetState": {}},
    {"os-migrateLive": {}},
    {"os-migrateLive": {"host": None, "block_migration": "perhaps"}},
    {"createImage": {"name": ""}},
    {"createBackup": {"name": "x", "backup_type": "daily", "rotation": -1}},
    {"changePassword": {}},
    {"os-getConsoleOutput": {"length": -2}},
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(body)[:60])
def test_an_invalid_body_is_refused_with_a_reason_and_nothing_happens(body: object) -> None:
    compute = Compute("nova")
    server = compute.active()
    answer = compute.ask("POST", f"/servers/{server}/action", body, user="admin", minor=HIGHEST)
    assert (answer.code, bool(answer.message)) == (400, True)
    assert compute.status(server) == "ACTIVE"
    assert [request.operation for request in compute.cloud.instances[server].requests] == ["create"]


@pytest.mark.parametrize(
    ("key", "argument", "minor", "code"),
    [
        ("trigger_crash_dump", None, 16, 404),
        ("os-migrateLive", {"host": None, "block_migration": "auto"}, 24, 400),
        ("os-migrateLive", {"host": None, "block_migration": False}, 24, 400),
        ("evacuate", {}, 13, 400),
    ],
)
def test_what_a_later_version_brought_is_refused_before(
    key: str, argument: object, minor: int, code: int
) -> None:
    compute = Compute("nova")
    server = compute.active()
    if key == "evacuate":
        compute.cloud.force_down(compute.cloud.instances[server].host, down=True)
    assert compute.act(server, key, argument, user="admin", minor=minor).code == code
    later = compute.act(server, key, argument, user="admin", minor=minor + 1)
    assert later.code in {200, 202, 409}, later.text


@pytest.mark.parametrize(
    ("key", "argument", "minor"),
    [
        ("migrate", {"host": "nowhere"}, 55),
        ("unshelve", {"availability_zone": "nowhere"}, 76),
        ("lock", {"locked_reason": "x"}, 72),
    ],
)
def test_what_a_later_version_brought_is_ignored_before(
    key: str, argument: object, minor: int
) -> None:
    compute = Compute("nova")
    server = compute.active()
    if key == "unshelve":
        compute.act(server, "shelve")
        compute.rest()
    assert compute.act(server, key, argument, user="admin", minor=minor).code == 202
    compute.rest()
    shown = compute.show(server, user="admin", minor=96)
    assert (shown["locked_reason"], shown["OS-EXT-AZ:availability_zone"]) == (None, "nova")


def test_a_shelf_is_left_for_a_named_host_and_zone() -> None:
    compute = Compute("nova")
    server = compute.active()
    compute.act(server, "shelve")
    compute.rest()
    assert compute.show(server)["hostId"] == ""
    wanted = {"availability_zone": "nova", "host": "compute-3"}
    assert compute.act(server, "unshelve", wanted, minor=91).code == 403
    assert compute.act(server, "unshelve", wanted, minor=91, user="admin").code == 202
    compute.rest()
    shown = compute.show(server, user="admin")
    assert shown["OS-EXT-SRV-ATTR:host"] == "compute-3"
    assert compute.show(server, minor=96)["pinned_availability_zone"] == "nova"


def test_a_setting_of_the_cloud_makes_a_delete_soft() -> None:
    compute = Compute("nova", reclaim_instance_interval=1e9)
    server = compute.active()
    assert compute.ask("DELETE", f"/servers/{server}").code == 204
    assert compute.status(server) == "ACTIVE soft-deleting"
    compute.rest()
    assert compute.status(server) == "SOFT_DELETED"
    assert compute.act(server, "restore").code == 202
    compute.rest()
    assert compute.status(server) == "ACTIVE"
    assert compute.act(server, "forceDelete").code == 202
    compute.rest()
    assert compute.ask("GET", f"/servers/{server}").code == 404


def test_answers_contain_a_password_where_it_is_new() -> None:
    compute = Compute("nova")
    server = compute.active()
    rescued = compute.act(server, "rescue", {"adminPass": "secret"})
    assert (rescued.code, rescued.json) == (200, {"adminPass": "secret"})
    compute.rest()
    compute.act(server, "unrescue")
    compute.rest()
    compute.cloud.force_down(compute.cloud.instances[server].host, down=True)
    shared = {"onSharedStorage": False}
    evacuated = compute.act(server, "evacuate", shared, user="admin", minor=13)
    assert (evacuated.code, len(evacuated.json["adminPass"])) == (200, 12)
    compute.rest()
    compute.cloud.force_down(compute.cloud.instances[server].host, down=True)
    evacuated = compute.act(server, "evacuate", {}, user="admin", minor=14)
    assert (evacuated.code, evacuated.text) == (200, "")
