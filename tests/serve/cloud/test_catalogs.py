"""A catalog of the user takes the place of the parts of the package's that it has."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from ecs_fsm import InvalidInput
from ecs_fsm.lifecycles import server_class
from ecs_fsm.profiles.loader import built_in
from ecs_fsm.serve.cloud.catalog import KEYS, Host, read_catalog
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import NewServer
from tests.clouds import USER

OWN = """
regions = ["RegionA", "RegionB"]
[quotas]
instances = 3
[[hosts]]
name = "h1"
zone = "east"
vcpus = 2
ram = 2048
[[hosts]]
name = "h2"
zone = "west"
[[flavors]]
name = "small"
vcpus = 2
ram = 1024
[[networks]]
name = "lan"
subnet = { cidr = "192.168.7.0/24" }
[[users]]
name = "alice"
"""


def test_a_catalog_says_what_there_is_and_hosts_take_what_fits(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(OWN, encoding="utf-8")
    kind, catalog = server_class("nova"), read_catalog(str(path))
    assert (catalog.zones, catalog.quotas["instances"], len(catalog.images)) == (
        ("east", "west"),
        3,
        3,
    )
    cloud = Cloud(kind, built_in(kind.lifecycle), speed=0, catalog=catalog)
    assert [user["name"] for user in cloud.resources.of("users")] == ["alice"]
    wanted = NewServer("web", "small", None, details={"zone": "east"})
    first, second = (cloud.create(wanted, USER) for _ in range(2))
    cloud.advance(1e6)
    assert (first.state.vm_state, cloud.hosts[first.host].name) == ("active", "h1")
    assert (second.state.vm_state, second.fault is not None) == ("error", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("zones = []", "zones is empty"),
        ("flavors = [3]", "flavors: row is 3; expected a table"),
        ("[[flavors]]\nvcpus = 2", "flavors: name is missing"),
        ("[[hosts]]\nname = 'x'\nzone = 4", "hosts: zone is 4; expected a text"),
        ("x = 3", "unknown part of a catalog 'x'"),
        ("[[networks]]\nname = 'n'\nsubnet = { cidr = '1.2.3.4/8' }", "has host bits set"),
        ("[[projects]]\nname = 'a'\n[[projects]]\nname = 'a'", "is given twice"),
    ],
)
def test_a_wrong_catalog_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"catalog\.toml") as refused:
        read_catalog(str(path))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


WRONG = ("nan", "-2", "[1]", "{ a = 1.5 }", '"\\u0007"', str(2**31))
"""Values that no key may have; Nova keeps numbers in 32 bits."""


@pytest.mark.parametrize(("table", "key"), [(t, key) for t, keys in KEYS.items() for key in keys])
def test_every_key_with_a_wrong_value_is_refused_in_one_line(
    tmp_path: Path, table: str, key: str
) -> None:
    path = tmp_path / "catalog.toml"
    head, _, inner = table.partition(".")
    for value in WRONG:
        given = {"name": '"n"', "cidr": '"10.0.0.0/24"'} if inner else {"name": '"n"'}
        row = ", ".join(f"{name} = {one}" for name, one in ({**given, key: value}).items())
        whole = f'[{{ name = "n", subnet = {{ {row} }} }}]' if inner else f"[{{ {row} }}]"
        path.write_text(f"{head} = {whole}" if head else f"{key} = {value}", encoding="utf-8")
        with pytest.raises(InvalidInput, match=r"catalog\.toml:\d+: [^\n]+$"):
            read_catalog(str(path))


def test_the_largest_number_that_nova_keeps_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(f"[[flavors]]\nname = 'n'\nram = {2**31 - 1}\nvcpus = 1", encoding="utf-8")
    assert [flavor["ram"] for flavor in read_catalog(str(path)).flavors] == [2147483647]


def test_the_keys_of_hosts_are_what_is_known_of_one() -> None:
    assert set(KEYS["hosts"]) == {field.name for field in fields(Host)}
