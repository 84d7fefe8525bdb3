"""The hosts and flavors of a profile: how much fits, and what is refused."""

from __future__ import annotations

import math

import pytest

from ecs_fsm import ECS, InvalidInput
from ecs_fsm.profiles.loader import parse
from ecs_fsm.profiles.profile import PlacementRules, Room
from ecs_fsm.profiles.profile_room import room_of

ROOM = """
extends = "built-in"
[hosts]
count = 4
vcpus = {vcpus}
ram = 4096
[hosts.overcommit]
vcpus = {ratio}
[flavors]
small = {{ vcpus = {small}, ram = {ram}, disk = 20, share = {share} }}
large = {{ vcpus = 6, share = 0.25 }}
"""
USUAL = {"vcpus": 4, "ratio": 1.5, "small": 2, "ram": 4096, "share": 0.75}


def room(**changes: float) -> Room:
    return room_of(parse(ECS, ROOM.format(**(USUAL | changes)), "room.toml"))


def test_a_flavor_may_fill_a_host_and_what_a_host_does_not_limit_is_free() -> None:
    found = room()
    assert found.hosts.sizes == (6, 4096, None)
    assert [flavor.sizes for flavor in found.flavors] == [(2, 4096, 20), (6, 0, 0)]


def test_the_smallest_server_takes_one_vcpu() -> None:
    assert room(small=1).flavors[0].sizes == (1, 4096, 20)


def test_servers_that_stay_apart_come_in_pairs_unless_a_group_is_larger() -> None:
    assert room().placement == PlacementRules(False, 0, 2, False)
    text = ROOM.format(**USUAL) + '[placement]\nstrategy = "pack"\ngroup = '
    packed = room_of(parse(ECS, f"{text}3", "room.toml"))
    assert packed.placement == PlacementRules(True, 0, 3, False)
    with pytest.raises(InvalidInput, match=r"placement\.group"):
        parse(ECS, f"{text}1", "room.toml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ram": 4097}, "flavors.small.ram: is 4097, and a host has 4096"),
        ({"small": 7}, "flavors.small.vcpus: is 7, and a host has 6"),
        ({"ratio": 1.0}, "flavors.large.vcpus: is 6, and a host has 4"),
        ({"small": 0}, "flavors.small.vcpus: "),
        ({"ratio": 0}, "hosts.overcommit.vcpus: is 0; expected a number above 0"),
        ({"share": 0.7}, "flavors: the shares add up to 0.95; expected 1"),
        ({"share": 0}, "flavors.small.share: is 0; expected a share above 0"),
    ],
)
def test_a_room_that_cannot_be_is_refused(changes: dict[str, float], said: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        room(**changes)
    assert said in str(raised.value)


FAILING = '{}\nfails_every = "{}"\ndown_for = "{}"\n'


def test_hosts_fail_as_often_and_as_long_as_the_profile_says() -> None:
    text = ROOM.format(**USUAL)
    head = text.partition("[hosts.overcommit]")
    failing = FAILING.format(head[0], "30d", "1h") + "".join(head[1:])
    hosts = room_of(parse(ECS, failing, "room.toml")).hosts
    assert (hosts.fails_every.mean, hosts.down_for.mean) == (30 * 86400, 3600)
    assert hosts.evacuate_after == math.inf
    for times, said in ((("0s", "1h"), "fails_every"), (("30d", "0s"), "down_for")):
        wrong = FAILING.format(head[0], *times) + "".join(head[1:])
        with pytest.raises(InvalidInput, match=rf"hosts\.{said}: is 0; expected a time above 0"):
            parse(ECS, wrong, "room.toml")


def test_a_profile_without_hosts_has_no_room() -> None:
    with pytest.raises(InvalidInput, match="has no \\[hosts\\]"):
        room_of(parse(ECS, 'extends = "built-in"', "bare.toml"))
