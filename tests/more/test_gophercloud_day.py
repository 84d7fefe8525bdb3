"""A day with gophercloud on a served cloud.

It needs Go and the source of the library, in Debian `golang-go` and
`golang-github-gophercloud-gophercloud-dev`. On 2026-11-29, with gophercloud 0.12.0 ("2.0.0" by its
own word) and Go 1.19: 68 calls, all as they should be.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ecs_fsm.testing import served

PROGRAM = Path(__file__).parent / "gophercloud_day"
SOURCES = Path("/usr/share/gocode")


@pytest.mark.skipif(
    shutil.which("go") is None or not (SOURCES / "src/github.com/gophercloud").exists(),
    reason="Go or gophercloud is not installed",
)
def test_every_call_of_a_day_succeeds_or_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "day"
    own = {"GO111MODULE": "off", "GOPATH": str(SOURCES), "GOCACHE": str(tmp_path / "cache")}
    build = ["go", "build", "-o", str(program), "."]
    subprocess.run(build, cwd=PROGRAM, check=True, env={**os.environ, **own})
    with served(lifecycle="nova", speed=500) as cloud:
        command = [str(program), cloud.auth_url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert re.fullmatch(r"\d+ calls\n", done.stdout), done.stdout
