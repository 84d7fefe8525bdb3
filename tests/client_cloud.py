"""What real clients do with a served cloud, judged: what they saw, and what happened there.

At its end each pair and status that a client received is one of the table, and what the cloud
recorded is explained server by server.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.lifecycles import server_class
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain
from ecs_fsm.testing import Changed, EcsCloud

UNKNOWN = "00000000-0000-4000-8000-000000000000"
OPENSTACK = str(Path(sysconfig.get_path("scripts")) / "openstack")
AT_ONCE = 1e6
"""A speed at which everything has happened before a client can ask again."""

OFF_AND_ON = (
    ("stop", "SHUTOFF"),
    ("start", "ACTIVE"),
    ("reboot", "ACTIVE"),
    ("hard_reboot", "ACTIVE"),
    ("rebuild", "ACTIVE"),
    ("live_migrate", "ACTIVE"),
)
LIVES: dict[str, tuple[tuple[str, str], ...]] = {
    "ecs": (
        *OFF_AND_ON,
        ("stop", "SHUTOFF"),
        ("resize", "VERIFY_RESIZE"),
        ("confirm_resize", "SHUTOFF"),
        ("resize", "VERIFY_RESIZE"),
        ("revert_resize", "SHUTOFF"),
        ("rebuild", "SHUTOFF"),
    ),
    "nova": (
        *OFF_AND_ON,
        ("resize", "VERIFY_RESIZE"),
        ("confirm_resize", "ACTIVE"),
        ("resize", "VERIFY_RESIZE"),
        ("revert_resize", "ACTIVE"),
    ),
}
"""Operations of a server from its creation to its deletion, with the status after each."""


class ClientCloud(NamedTuple):
    """A cloud, one project of which a client uses, with its requests and events so far."""

    cloud: EcsCloud
    lifecycle: Lifecycle
    project: str
    answers: list[str]
    before: int

    def auth(self, user: str = "demo") -> dict[str, str]:
        """How a user of the project logs in."""
        return {**self.cloud.auth(user), "project_name": self.project}

    def changes(self) -> list[Changed]:
        """What has happened."""
        return self.cloud.changes[self.before :]

    def operations(self) -> list[str]:
        """The operations that the first server has accepted, in order."""
        operations, changes = self.lifecycle.operations, self.changes()
        own = (c.event for c in changes if c.server == changes[0].server)
        return [event for event in own if event and event in operations]

    def whole_life(self) -> list[str]:
        """The operations of a whole life."""
        return ["create", *(name for name, _ in LIVES[self.lifecycle.name]), "delete"]


@contextmanager
def judged(cloud: EcsCloud, name: str, project: str = "demo") -> Iterator[ClientCloud]:
    """At its end, what was seen of the cloud and what happened there is held against the table."""
    lifecycle = server_class(name).lifecycle
    found = ClientCloud(cloud, lifecycle, project, [], len(cloud.changes))
    yield found
    seen = [server for answer in found.answers for server in servers_in(json.loads(answer))]
    assert seen
    for shown in seen:
        state = lifecycle.state(shown["OS-EXT-STS:vm_state"], shown["OS-EXT-STS:task_state"])
        assert shown["status"] == state.status
    changes = found.changes()
    for server in {change.server for change in changes}:
        states = [lifecycle.state(c.vm_state, c.task_state) for c in changes if c.server == server]
        rows = (Observation(state.as_dict(), state, None) for state in states)
        explained = [*explain(Replay(lifecycle, sampled=False), rows)]
        assert len(explained) == len(states) - 1
        assert all(explanation.events is not None for explanation in explained)


def servers_in(document: object) -> Iterator[Mapping[str, Any]]:
    """Every server that an answer shows with its state."""
    if isinstance(document, dict):
        if "OS-EXT-STS:vm_state" in document:
            yield document
        document = [*document.values()]
    if isinstance(document, list):
        for part in document:
            yield from servers_in(part)


def command(found: ClientCloud, *arguments: str, script: str = "", user: str = "admin") -> Ran:
    """Run the `openstack` command; a script has its commands, one a line."""
    auth = {f"OS_{name.upper()}": value for name, value in found.auth(user).items()}
    done = subprocess.run(
        [OPENSTACK, *arguments],
        input=script,
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, **auth, "OS_CLIENT_CONFIG_FILE": os.devnull},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


class Ran(NamedTuple):
    """What a command came to: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    def answers(self) -> list[str]:
        """Return the bodies that it prints with --debug."""
        return re.findall(r"^RESP BODY: (\{.*\})$", self.err, re.MULTILINE)

    def shown(self) -> list[str]:
        """The servers that `server show -f json` has printed."""
        return re.findall(r"^\{$.*?^\}$", self.out, re.MULTILINE | re.DOTALL)


CREATE = "server create --flavor m1.tiny --image cirros --network private"
SHOW = "server show -f json web-1"
