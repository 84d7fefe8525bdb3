"""The page of real findings: what it says is what check finds, and what is marked as reproduced is.

The shell of novaclient is run as it is installed; only its sleep is shortened, and it is stopped
where it polls the end again and again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ecs_fsm.testing import EcsCloud, StillWaiting, served

sys.path.insert(0, str(Path(__file__).parents[2] / "diagrams"))
findings = import_module("findings")

CIRROS = "70a599e0-31e7-49b7-b260-868f441e862b"
POLLS = 30
Nova = Callable[..., None]


def test_the_page_is_fresh() -> None:
    assert findings.PAGE.read_text(encoding="utf-8") == findings.page()


def test_there_are_eight_loops_or_more_each_with_a_fix() -> None:
    loops = findings.loops()
    assert len(loops) >= 8
    for loop in loops:
        ranked = findings.finding_of(loop)
        assert ranked.level != "note"
        assert ranked.fix
        assert len(loop["commit"]) == 40
        assert (findings.HERE / "findings" / f"{loop['name']}.svg").is_file()


@pytest.fixture(scope="module")
def cloud() -> Iterator[EcsCloud]:
    with served(lifecycle="nova", speed=1e6) as running:
        yield running


@pytest.fixture
def nova(cloud: EcsCloud, monkeypatch: pytest.MonkeyPatch) -> Nova:
    """`nova WORDS`, with a sleep that gives the cloud time and ends a loop without an end."""
    shell = import_module("novaclient.shell")
    polling = import_module("novaclient.v2.shell")
    login = {f"--os-{name.replace('_', '-')}": value for name, value in cloud.auth().items()}

    def run(*words: str) -> None:
        left = POLLS

        def sleep(seconds: float) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise StillWaiting("it polls for ever")
            time.sleep(0.001)

        class Time:
            def __getattr__(self, name: str) -> Any:
                return sleep if name == "sleep" else getattr(time, name)

        monkeypatch.setattr(polling, "time", Time())
        options = [part for pair in login.items() for part in pair]
        shell.OpenStackComputeShell().main([*options, *words])

    return run


def created(nova: Nova, cloud: EcsCloud, name: str) -> str:
    nova("boot", "--image", CIRROS, "--flavor", "1", "--nic", "none", "--poll", name)
    return next(change.server for change in cloud.changes if change.name == name)


def status(cloud: EcsCloud, server: str) -> str:
    return next(change.status for change in reversed(cloud.changes) if change.server == server)


def test_nova_rebuild_poll_of_a_stopped_server_never_ends(nova: Nova, cloud: EcsCloud) -> None:
    server = created(nova, cloud, "web-1")
    nova("stop", "web-1")
    cloud.advance(600)
    assert status(cloud, server) == "SHUTOFF"
    with pytest.raises(StillWaiting):
        nova("rebuild", "--poll", "web-1", CIRROS)
    assert status(cloud, server) == "SHUTOFF"


def test_nova_resize_poll_reports_a_roll_back_as_finished(
    nova: Nova, cloud: EcsCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    server = created(nova, cloud, "web-2")
    cloud.fault("resize:roll_back@resize_prep on web-2")
    nova("resize", "--poll", "web-2", "2")
    assert "Finished" in capsys.readouterr().out
    assert status(cloud, server) == "ACTIVE"
    assert "VERIFY_RESIZE" not in [c.status for c in cloud.changes if c.server == server]
