"""Fuzzing of a served cloud by schemathesis: requests that its OpenAPI document allows, and others."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path
from typing import NamedTuple

from tests.serving import Served

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
LEFT_OUT = ("/_ecs/events", "/identity/v3/auth/tokens", "/v3/auth/tokens")
"""A stream that never ends, and what ends the token with which everything is asked."""


class Tried(NamedTuple):
    """Whether everything went well, and the whole report."""

    well: bool
    report: str


def try_anything(cloud: Served, directory: Path, seconds: int) -> Tried:
    """What schemathesis finds in so many seconds, with servers that are there and much else."""
    servers = [cloud.create(f"web-{n}") for n in range(20)]
    config = directory / "schemathesis.toml"
    listed = ", ".join(f'"{server}"' for server in servers)
    config.write_text(
        f"[dictionaries.servers]\nvalues = [{listed}]\n[parameters]\n"
        '"path.server_id" = { dictionary = "servers", probability = 0.9 }\n',
        encoding="utf-8",
    )
    cloud.admin.get("/openapi.json", timeout=60)  # which is made once, and takes its time
    command = [str(Path(sysconfig.get_path("scripts")) / "schemathesis")]
    command += ["--config-file", str(config), "run", f"{cloud.url}/openapi.json"]
    command += ["--header", f"X-Auth-Token: {cloud.admin.headers['X-Auth-Token']}"]
    command += ["--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--seed", "7"]
    command += ["--max-time", str(seconds), "--generation-database", "none", "--no-color"]
    command += ["--continue-on-failure", "--no-shrink", "--suppress-health-check", "all"]
    command += [word for path in LEFT_OUT for word in ("--exclude-path", path)]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return Tried(done.returncode == 0, done.stdout + done.stderr)
