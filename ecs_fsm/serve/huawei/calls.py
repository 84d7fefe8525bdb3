"""What each request of the cloudservers API comes to, as `huawei.toml` says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from ecs_fsm.serve.cloud.jobs import JobKind


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its job, its operation (by `type` where it has one), what follows by itself.

    `around` are the operations that turn a running server off before, and on again after.
    """

    kind: JobKind
    operation: str
    then: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Calls:
    """All requests; `actions` by the key of their body. The rest are error codes."""

    create: JobKind
    remove: Call
    change_flavor: Call
    reinstall: Call
    change_image: Call
    actions: Mapping[str, Call]
    same_flavor: str
    unknown_flavor: str
    unknown_image: str
    other_project: str
    too_many: str


def _call(row: Mapping[str, Any]) -> Call:
    kind = JobKind(row["job"], row["part"], row["code"])
    then, around = tuple(row.get("then", ())), tuple(row.get("around", ()))
    return Call(kind, row["operation"], then, around, row.get("types", {}))


@cache
def calls() -> Calls:
    """What the file of the package says."""
    text = resources.files(__package__).joinpath("huawei.toml").read_text(encoding="utf-8")
    read = tomllib.loads(text)
    codes = {name: value for name, value in read.items() if isinstance(value, str)}
    return Calls(
        create=JobKind(**read["creation"]),
        remove=_call(read["remove"]),
        change_flavor=_call(read["change_flavor"]),
        reinstall=_call(read["reinstall"]),
        change_image=_call(read["change_image"]),
        actions={name: _call(row) for name, row in read["actions"].items()},
        **codes,
    )
