"""Every picture that the tests look at, and what the engine makes of one."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from importlib.metadata import files
from pathlib import Path
from typing import Any, NamedTuple

from ecs_fsm import ECS, Lifecycle, draw
from ecs_fsm.core.model import Kind
from ecs_fsm.core.scenario import simulate
from ecs_fsm.draw.picture import Picture
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA

LIFECYCLES: tuple[Lifecycle, ...] = (ECS, NOVA)
RUNS = {
    "ecs": ("create", "stop", "rebuild:fail@rebuilding", "rebuild", "stop", "resize", "stop"),
    "nova": ("create", "pause", "unpause", "shelve[offload=later]", "unshelve", "resize", "stop"),
}


def operations(lifecycle: Lifecycle) -> list[str]:
    """The names that the operation view can draw."""
    kinds = (Kind.REQUEST, Kind.SYSTEM)
    return [name for name, t in lifecycle.triggers.items() if t.kind in kinds]


@cache
def still(lifecycle: Lifecycle) -> dict[str, Picture]:
    """The pictures of a lifecycle itself, by name."""
    pages = {f"lanes {v}": draw.lanes(lifecycle, [v]) for v in lifecycle.table.vm_states}
    return {
        "lanes": draw.lanes(lifecycle),
        **pages,
        "matrix": draw.matrix(lifecycle),
        "overview": draw.overview(lifecycle),
        "status": draw.status(lifecycle),
        **{name: draw.operation(lifecycle, name) for name in operations(lifecycle)},
    }


@cache
def runs(lifecycle: Lifecycle) -> dict[str, Picture]:
    """The pictures of a run with a failure and a refusal, by view."""
    server, refused = simulate(server_class(lifecycle.name), RUNS[lifecycle.name])
    return {
        "run": draw.run(server, refused),
        "timeline": draw.timeline(server, refused),
        "animate": draw.animate(server, refused),
    }


@cache
def every() -> tuple[tuple[str, Picture], ...]:
    """Every picture with a readable name."""
    return tuple(
        (f"{lifecycle.name} {name}", picture)
        for lifecycle in LIFECYCLES
        for name, picture in (still(lifecycle) | runs(lifecycle)).items()
    )


@cache
def judge() -> Path:
    """An implementation of Graphviz in a package, which reads and lays out DOT text."""
    (path,) = (f for f in files("graphviz-pure") or [] if f.stem == "graphviz-pure")
    return Path(str(path.locate()))


class Laid(NamedTuple):
    """What the engine returned for DOT text: its JSON, and its warnings."""

    json: dict[str, Any]
    complaints: str


def laid_out(picture: Picture) -> Laid:
    """A picture as the engine lays it out."""
    done = subprocess.run(
        [judge(), "-Tjson"],
        input=draw.render(picture, "dot"),
        capture_output=True,
        check=True,
    )
    return Laid(json.loads(done.stdout), done.stderr.decode())
