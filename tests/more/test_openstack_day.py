"""A day with openstackclient: its commands, run in this process, on a served cloud, unchanged."""

from __future__ import annotations

import io
import logging
import re
import shlex
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from ecs_fsm.testing import EcsCloud, served

with warnings.catch_warnings():  # the client warns of its own parts
    warnings.simplefilter("ignore")
    from openstackclient import shell

pytestmark = pytest.mark.filterwarnings("ignore")
DAY = (Path(__file__).parent / "openstack_day.txt").read_text(encoding="utf-8").splitlines()
SHORTEST = 0.2


def openstack(cloud: EcsCloud, command: str) -> tuple[bool, str]:
    """Whether a command of an administrator succeeds, and what it prints."""
    login = f"--os-auth-url {cloud.auth_url} --os-username admin --os-password x "
    login += "--os-project-name demo --os-user-domain-name Default "
    login += "--os-project-domain-name Default"
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            code: Any = shell.main([*shlex.split(login), *shlex.split(command)])
        except SystemExit as leaving:
            code = leaving.code
    return not code, out.getvalue() or errors.getvalue()


def test_every_command_of_a_day_succeeds_or_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, SHORTEST)))
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)  # one record is broken
    nothing = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdin", nothing)  # where a command looks for the content of an image
    with served(lifecycle="nova", speed=2000) as cloud:

        def printed(found: re.Match[str]) -> str:
            return openstack(cloud, found[1])[1].strip().partition("\n")[0]

        for line in DAY:
            if line.startswith("sleep"):
                sleep(float(line.partition(" ")[2]))
                continue
            command = re.sub(r"\$\((.*?)\)", printed, line.lstrip("!"))
            well, text = openstack(cloud, command)
            assert well is not line.startswith("!"), f"{command}: {text}"
