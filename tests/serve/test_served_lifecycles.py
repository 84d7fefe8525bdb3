"""The emulated cloud with a lifecycle in a file: of the package, and one that extends Nova's."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecs_fsm.lifecycles import load, server_class
from ecs_fsm.profiles.blank_profile import text
from ecs_fsm.serve.service import why_not
from tests.compute import SMALL, Compute

SMALLER = """
name = "smaller"
extends = "nova"
operations_only = ["create", "start", "stop", "delete"]
"""


def shown(compute: Compute, server: str) -> str:
    status: str = compute.ask("GET", f"/servers/{server}").json["server"]["status"]
    return status


def test_the_newer_edition_is_served() -> None:
    compute = Compute("ecs-2022")
    server = compute.active()
    assert shown(compute, server) == "ACTIVE"
    assert compute.act(server, "shelve").code == 202
    assert shown(compute, server) == "UNKNOWN"
    compute.rest()
    assert shown(compute, server) == "SHELVED_OFFLOADED"
    refused = compute.act(server, "suspend")
    assert (refused.code, "ecs-2022 has no operation suspend" in refused.message) == (400, True)


def test_a_file_that_extends_nova_is_served(tmp_path: Path) -> None:
    file = tmp_path / "smaller.toml"
    file.write_text(SMALLER, encoding="utf-8")
    lifecycle = load(file)
    assert why_not(lifecycle) == ""
    (tmp_path / "smaller.profile.toml").write_text(text(lifecycle), encoding="utf-8")
    compute = Compute(str(file))
    server = compute.active()
    assert compute.act(server, "os-stop").code == 202
    compute.rest()
    assert shown(compute, server) == "SHUTOFF"
    refused = compute.act(server, "resize", {"flavorRef": SMALL})
    assert (refused.code, "smaller has no operation resize" in refused.message) == (400, True)


@pytest.mark.parametrize("name", ["ec2", "cinder", "ironic"])
def test_other_things_are_not_served(name: str) -> None:
    assert "not those of the compute API" in why_not(server_class(name).lifecycle)
