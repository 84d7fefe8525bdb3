"""The text at the start of the server: its address, and settings of clients to paste."""

from __future__ import annotations

from importlib import resources
from string import Template

from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.resources import identifier

USER = "demo"


def to_paste(cloud: Cloud, url: str) -> str:
    """Return the address of the cloud and the settings of its clients."""
    text = (resources.files("ecs_fsm.serve") / "paste.txt").read_text(encoding="utf-8")
    speed = cloud.clock.speed
    return Template(text).substitute(
        url=url,
        lifecycle=cloud.lifecycle.name,
        clock=f"{speed:g} seconds in one" if speed else "its clock stands still",
        seed=cloud.seed,
        region=cloud.catalog.regions[0],
        user=USER,
        project=identifier("project", USER),
    )
