"""The compute API: servers as clients see them, on both lifecycles, with the clock stopped."""

from __future__ import annotations

import asyncio

from tests.compute import CIRROS, DEBIAN, SMALL, TINY, Compute
from tests.own_thread import run_in_own_thread


def test_a_life_of_a_server_shows_every_status_in_its_order(compute: Compute) -> None:
    server = compute.create()
    assert compute.status(server) == "BUILD scheduling"
    compute.rest()
    life: list[tuple[str, object, str | None, int, str, str]] = [
        ("os-stop", None, None, 202, "ACTIVE powering-off", "SHUTOFF"),
        ("resize", {"flavorRef": SMALL}, None, 202, "RESIZE resize_prep", "VERIFY_RESIZE"),
        ("revertResize", None, None, 202, "REVERT_RESIZE resize_reverting", "SHUTOFF"),
        ("resize", {"flavorRef": SMALL}, None, 202, "RESIZE resize_prep", "VERIFY_RESIZE"),
        ("confirmResize", None, None, 204, "SHUTOFF", "SHUTOFF"),
        ("rebuild", {"imageRef": DEBIAN}, None, 202, "REBUILD rebuilding", "SHUTOFF"),
        ("os-start", {}, None, 202, "SHUTOFF powering-on", "ACTIVE"),
        ("reboot", {"type": "SOFT"}, None, 202, "REBOOT rebooting", "ACTIVE"),
        ("reboot", {"type": "HARD"}, None, 202, "HARD_REBOOT rebooting_hard", "ACTIVE"),
        ("os-migrateLive", LIVE_FIRST, "admin", 202, "MIGRATING migrating", "ACTIVE"),
    ]
    for key, argument, user, code, first, last in life:
        answer = compute.act(server, key, argument, user=user)
        assert (answer.code, compute.status(server)) == (code, first), answer.text
        compute.rest()
        assert compute.status(server) == last
    assert compute.ask("DELETE", f"/servers/{server}").code == 204
    assert compute.status(server) == "ACTIVE deleting"
    compute.rest()
    for method, path, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/action", {"os-start": None}),
        ("PUT", "", {"server": {"name": "x"}}),
    ):
        answer = compute.ask(method, f"/servers/{server}{path}", body)
        assert answer.code == 404
        assert answer.message == f"Instance {server} could not be found."


LIVE_FIRST = {"host": None, "block_migration": False, "disk_over_commit": False}


def test_nova_has_more_ways_than_ecs(nova: Compute, ecs: Compute) -> None:
    server = nova.active()
    for key, argument, first, last in (
        ("pause", None, "ACTIVE pausing", "PAUSED"),
        ("unpause", None, "PAUSED unpausing", "ACTIVE"),
        ("suspend", None, "ACTIVE suspending", "SUSPENDED"),
        ("resume", None, "SUSPENDED resuming", "ACTIVE"),
        ("rescue", None, "ACTIVE rescuing", "RESCUE"),
        ("unrescue", None, "RESCUE unrescuing", "ACTIVE"),
        ("shelve", None, "ACTIVE shelving", "SHELVED_OFFLOADED"),
        ("unshelve", None, "SHELVED_OFFLOADED unshelving", "ACTIVE"),
        ("resize", {"flavorRef": SMALL}, "RESIZE resize_prep", "VERIFY_RESIZE"),
        ("revertResize", None, "REVERT_RESIZE resize_reverting", "ACTIVE"),
    ):
        answer = nova.act(server, key, argument)
        assert (answer.code // 100, nova.status(server)) == (2, first), answer.text
        nova.rest()
        assert nova.status(server) == last
    answer = ecs.act(ecs.active(), "pause")
    assert answer.code == 400
    assert "the lifecycle ecs has no operation pause; it has create, stop," in answer.message


def test_a_resize_of_a_running_ecs_is_refused_with_the_reason(ecs: Compute) -> None:
    server = ecs.active()
    refused = ecs.act(server, "resize", {"flavorRef": SMALL})
    assert refused.code == 409
    assert refused.message.startswith(
        f"Cannot 'resize' instance {server} while it is in vm_state active: "
    )
    assert (
        "active/resize_prep, a pair that is not documented; possible now: stop," in refused.message
    )
    ecs.act(server, "os-stop")
    refused = ecs.act(server, "os-start")
    assert "while it is in task_state powering-off: " in refused.message
    assert refused.message.endswith("possible now: delete")


def test_one_of_two_requests_at_once_is_accepted(compute: Compute) -> None:
    server = compute.active()

    async def both() -> list[int]:
        path, body = f"/servers/{server}/action", {"os-stop": None}
        tasks = [compute.send("POST", path, body) for _ in range(5)]
        return [answer.code for answer in await asyncio.gather(*tasks)]

    assert sorted(run_in_own_thread(both())) == [202, 409, 409, 409, 409]


# What a resize, a rebuild and a migration leave behind


def flavor(compute: Compute, server: str) -> str:
    return str(compute.show(server)["flavor"]["id"])


def test_a_flavor_changes_when_the_resize_has_succeeded(ecs: Compute) -> None:
    server = ecs.active()
    ecs.act(server, "os-stop")
    ecs.rest()
    ecs.act(server, "resize", {"flavorRef": SMALL})
    assert flavor(ecs, server) == TINY
    ecs.rest()
    assert flavor(ecs, server) == SMALL
    ecs.act(server, "revertResize")
    ecs.rest()
    assert flavor(ecs, server) == TINY


def test_a_resize_that_fails_leaves_the_flavor_and_shows_the_fault_in_error_only(
    ecs: Compute,
) -> None:
    server = ecs.active(metadata={"ecs:fault": "resize:fail@resize_prep*1"})
    ecs.act(server, "os-stop")
    ecs.rest()
    ecs.act(server, "resize", {"flavorRef": SMALL})
    ecs.rest()
    shown = ecs.show(server)
    assert (shown["status"], flavor(ecs, server)) == ("ERROR", TINY)
    assert shown["fault"]["code"] == 500
    assert shown["fault"]["message"] == ("No valid host was found. No valid host found for resize")
    assert set(shown["fault"]) == {"code", "created", "message"}
    details = ecs.show(server, user="admin")["fault"]["details"]
    assert details == "resize: fail at stopped/resize_prep"
    ecs.act(server, "rebuild", {"imageRef": CIRROS})
    ecs.rest()
    assert "fault" not in ecs.show(server)


def test_a_rebuild_shows_its_image_and_name_at_once(compute: Compute) -> None:
    server = compute.active(flavorRef=SMALL)
    wanted = {"imageRef": DEBIAN, "name": "db", "metadata": {"a": "b"}, "flavorRef": TINY}
    answer = compute.act(server, "rebuild", wanted)
    result = answer.json["server"]
    assert (result["image"]["id"], result["name"], result["metadata"]) == (DEBIAN, "db", {"a": "b"})
    assert (result["flavor"]["id"], bool(result["adminPass"])) == (SMALL, True)
    assert answer.headers["location"] == f"http://localhost/compute/v2.1/servers/{server}"


def test_a_migration_goes_to_another_host_and_a_revert_back(nova: Compute) -> None:
    server = nova.active()

    def host() -> str:
        return str(nova.show(server, user="admin")["OS-EXT-SRV-ATTR:host"])

    first, its_id = host(), nova.show(server)["hostId"]
    assert nova.act(server, "migrate", None, user="admin").code == 202
    nova.rest()
    assert host() != first
    assert nova.show(server)["hostId"] != its_id
    nova.act(server, "revertResize")
    nova.rest()
    assert host() == first
    target = {"host": "compute-1", "block_migration": "auto"}
    assert nova.act(server, "os-migrateLive", target, user="admin", minor=30).code == 202
    nova.rest()
    assert host() == "compute-1"
    for name in ("compute-1", "nowhere"):
        wrong = {"host": name, "block_migration": "auto"}
        assert nova.act(server, "os-migrateLive", wrong, user="admin", minor=30).code == 400


def test_an_evacuation_stops_the_server_from_2_95_on(nova: Compute) -> None:
    for minor, last in ((95, "SHUTOFF"), (94, "ACTIVE")):
        server = nova.active()
        host = nova.cloud.instances[server].host
        nova.cloud.force_down(host, down=True)
        assert nova.act(server, "evacuate", {}, user="admin", minor=minor).code == 200
        nova.rest()
        assert (nova.status(server), nova.cloud.instances[server].host == host) == (last, False)


def test_a_locked_server_is_refused_to_users_and_not_to_administrators(nova: Compute) -> None:
    server = nova.active()
    nova.act(server, "lock", {"locked_reason": "mine"}, minor=73)
    shown = nova.show(server, minor=73)
    assert (shown["locked"], shown["locked_reason"]) == (True, "mine")
    assert "the server is locked" in nova.act(server, "os-stop").message
    assert nova.act(server, "os-stop", user="admin").code == 202
    nova.act(server, "unlock")
    shown = nova.show(server, minor=73)
    assert (shown["locked"], shown["locked_reason"]) == (False, None)
