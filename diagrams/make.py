"""Draws every picture of this folder, and writes its page and the explorer's: `make diagrams`.

A folder can be named to draw into instead.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import findings  # the script beside this one

from ecs_fsm import ECS, draw
from ecs_fsm.core.scenario import simulate
from ecs_fsm.draw import Picture
from ecs_fsm.explore import content, explorer
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.ecs import Server
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.lifecycles.nova import Server as NovaServer
from ecs_fsm.waiters import Waiter
from ecs_fsm.waiters.report import draw as draw_finding

WORDS = ("create", "stop", "rebuild", "resize:fail@resize_finish", "stop")
NOVA_WORDS = ("create", "stop", "shelve", "unshelve", "resize", "revert_resize")

INTRODUCTION = """# Pictures of the lifecycle

All of them are drawn from the tables, by `make diagrams`; a test fails when one is stale. Each can
be drawn by `ecs-fsm draw` as SVG, PNG, PDF, DOT or Mermaid; the SVG follow the reader's light or
dark preference and carry `data-vm-state`, `data-task-state`, `data-status` and `data-transitions`.

[lifecycle.html](lifecycle.html) is the page of `ecs-fsm explore`: the lifecycle to be run in a
browser, without a network. Save it and open it.
"""


class Shown(NamedTuple):
    """One picture of the gallery: its file, the command that draws it, and a word about it."""

    file: str
    picture: Picture
    command: str
    about: str


def gallery() -> Iterator[tuple[str, list[Shown]]]:
    """The pictures, by chapter."""
    run = " ".join(WORDS)
    server, refused = simulate(Server, WORDS)
    yield (
        "The lifecycle of an ECS",
        [
            Shown(
                "lanes.svg",
                draw.lanes(ECS),
                "draw lanes",
                "The whole on one page, to print.",
            ),
            Shown(
                "overview.svg",
                draw.overview(ECS),
                "draw overview",
                "The statuses, for a slide.",
            ),
            Shown(
                "matrix.svg",
                draw.matrix(ECS),
                "draw matrix",
                "From status to status, with everything that changes one.",
            ),
            Shown(
                "status.svg",
                draw.status(ECS),
                "draw status",
                "Which status which pair shows.",
            ),
        ],
    )
    yield (
        "A run",
        [
            Shown(
                "animate.svg",
                draw.animate(server, refused),
                f"draw animate {run}",
                "It walks.",
            ),
            Shown(
                "run.svg",
                draw.run(server, refused),
                f"draw run {run}",
                "Its states, numbered.",
            ),
            Shown(
                "timeline.svg",
                draw.timeline(server, refused),
                f"draw timeline {run}",
                "In time.",
            ),
        ],
    )
    (early, *_) = Waiter("rebuild", "ACTIVE", failure="ERROR", from_="stopped/-").findings()
    bug = "check --operation rebuild --from stopped/- --target ACTIVE --failure ERROR"
    yield (
        "A bug in a wait loop",
        [
            Shown(
                "finding.svg",
                draw_finding(ECS, early),
                f"{bug} --draw finding.svg",
                "It leaves early.",
            )
        ],
    )
    yield (
        "Each operation, every way it can go",
        [
            Shown(
                f"{n}.svg",
                draw.operation(ECS, n),
                f"draw operation {n}",
                ECS.operations[n].meaning,
            )
            for n in ECS.operations
        ],
    )
    nova_server, _ = simulate(NovaServer, NOVA_WORDS)
    nova_run = f"draw run {' '.join(NOVA_WORDS)} --lifecycle nova"
    yield (
        "All of Nova",
        [
            Shown(
                "nova/overview.svg",
                draw.overview(NOVA),
                "draw overview --lifecycle nova",
                "From status to status.",
            ),
            Shown(
                "nova/status.svg",
                draw.status(NOVA),
                "draw status --lifecycle nova",
                "Its pairs.",
            ),
            Shown("nova/run.svg", draw.run(nova_server), nova_run, "Only what a run touches."),
            *(
                Shown(
                    f"nova/{v}.svg",
                    draw.lanes(NOVA, [v]),
                    f"draw lanes --vm-state {v} --lifecycle nova",
                    v.meaning,
                )
                for v in NOVA.table.vm_states
            ),
        ],
    )


OTHERS = ("ecs-2022", "ec2", "cinder", "ironic")
"""The lifecycles of other things that are drawn, each into a folder of its name."""


def others() -> Iterator[tuple[str, list[Shown]]]:
    """The pictures of other lifecycles, by chapter."""
    for name in OTHERS:
        lifecycle = server_class(name).lifecycle
        views = [
            ("overview", draw.overview(lifecycle), "Its statuses."),
            ("lanes", draw.lanes(lifecycle), "The whole on one page."),
        ]
        yield (
            lifecycle.table.title,
            [
                Shown(f"{name}/{view}.svg", picture, f"draw {view} --lifecycle {name}", about)
                for view, picture, about in views
            ],
        )


def main(folder: Path) -> None:
    """Draw everything into a folder."""
    for name in ("nova", *OTHERS):
        (folder / name).mkdir(parents=True, exist_ok=True)
    lines = [INTRODUCTION]
    for chapter, pictures in (*gallery(), *others()):
        lines.append(f"## {chapter}\n")
        for shown in pictures:
            draw.save(shown.picture, folder / shown.file)
            lines.append(f"`ecs-fsm {shown.command}`: {shown.about}\n")
            lines.append(f"![{shown.picture.title}]({shown.file})\n")
    for file, picture in findings.pictures():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        draw.save(picture, folder / file)
    draw.save(draw.lanes(ECS), folder / "lanes.png")
    page = explorer(ECS, content(ECS))
    (folder / "lifecycle.html").write_text(page, encoding="utf-8", newline="\n")
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
