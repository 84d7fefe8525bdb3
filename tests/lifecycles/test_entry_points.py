"""Lifecycles that installed packages offer by an entry point."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecs_fsm import InvalidInput, lifecycles
from ecs_fsm.lifecycles import registry, server_class
from tests.command import ecs_fsm

LAMP = """
name = "lamp"
title = "A lamp"
thing = "lamp"
[attributes]
status = "light"
[statuses]
off = { meaning = "Dark." }
on = { meaning = "Light." }
[operations.mount]
meaning = "Mount it."
paths = { "(no server)" = "off" }
[operations.switch]
meaning = "Switch it."
paths = { off = "on", on = "off" }
"""
OFFERED = """
from pathlib import Path
from ecs_fsm.lifecycles import load
FILE = Path(__file__).with_name("lamp.toml")
TEXT = str(FILE)
LAMP = load(FILE)
NUMBER = 3
"""
POINTS = {
    "lamp": "offered_lamps:LAMP",
    "lamp-path": "offered_lamps:FILE",
    "lamp-text": "offered_lamps:TEXT",
    "lamp-number": "offered_lamps:NUMBER",
    "lamp-lost": "no_such_module:LAMP",
    "nova": "offered_lamps:LAMP",
}


def forget() -> None:
    for kept in (registry._offered, registry._from_package):
        kept.cache_clear()


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "lamp.toml").write_text(LAMP, encoding="utf-8")
    (tmp_path / "offered_lamps.py").write_text(OFFERED, encoding="utf-8")
    described = tmp_path / "lamps-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: lamps\nVersion: 1.0\n")
    points = "".join(f"{name} = {place}\n" for name, place in POINTS.items())
    (described / "entry_points.txt").write_text(f"[{lifecycles.GROUP}]\n{points}")
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    yield
    forget()


@pytest.mark.parametrize("name", ["lamp", "lamp-path", "lamp-text"])
def test_a_package_offers_a_lifecycle_or_the_path_of_a_file(name: str) -> None:
    assert name in lifecycles.names()
    assert server_class(name).create().state == "off"
    ran = ecs_fsm("simulate", "mount", "switch", "--lifecycle", name)
    assert (ran.code, ran.out.splitlines()[-1].split()) == (0, ["switch", "on"])


def test_the_list_has_what_can_be_used_and_says_what_cannot() -> None:
    listed = ecs_fsm("lifecycle", "list")
    assert listed.code == 0
    names = [line.split()[0] for line in listed.out.splitlines()[1:]]
    assert {"lamp", "lamp-path"} <= {*names}
    assert "lamp-lost" not in names
    assert listed.err.count("\n") == 2
    wrong = "lamps offers the lifecycle lamp-number as int; expected a Lifecycle or the path"
    assert wrong in listed.err


def test_one_that_cannot_be_used_is_refused_in_a_line() -> None:
    with pytest.raises(InvalidInput, match=r"lamps offers .* which cannot be imported: No module"):
        server_class("lamp-lost")
    refused = ecs_fsm("table", "--lifecycle", "lamp-lost")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)


def test_no_package_takes_the_name_of_a_lifecycle_that_ships() -> None:
    assert "create" in server_class("nova").lifecycle.operations
    assert lifecycles.names().count("nova") == 1
