"""The live page at `/`: the servers of the cloud on the lanes of their lifecycle.

It is one self-contained text, made once for a lifecycle. Its policy allows connections to this
server only.
"""

from __future__ import annotations

import asyncio
from functools import cache
from html import escape
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, Kind, State, Trigger
from ecs_fsm.core.scenario import HANG, choices

HERE = "ecs_fsm.serve.control"
SHARED_STYLES = ("drawing", "page", "parts", "tables")
"""Styles of the explorer that this page uses."""
SCRIPTS = (
    "words", "frames", "servers", "talk", "lanes", "picture", "list", "narrow", "chosen", "history",
    "faults", "around", "clock", "main",
)  # fmt: skip
"""The scripts in their order: each may use the names of those before it."""


async def front(request: Request) -> Response:
    """Answer with the page of the cloud that the application serves."""
    lifecycle: Lifecycle = request.app.state.cloud.lifecycle
    text, policy = await asyncio.to_thread(made, lifecycle)
    return HTMLResponse(
        text,
        headers={
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        },
    )


@cache
def made(lifecycle: Lifecycle) -> tuple[str, str]:
    """Return the text of the page, and its policy."""
    from ecs_fsm.web import bundle
    from ecs_fsm.web.lanes_svg import lanes_svg

    styles = [
        bundle.colour_sheet(),
        *(bundle.read(f"style/{name}.css") for name in SHARED_STYLES),
        bundle.read("page/live.css", HERE),
    ]
    scripts = [bundle.read(f"page/{name}.js", HERE) for name in SCRIPTS]
    program = bundle.script([bundle.read("script/dom.js"), *scripts])
    longest = max(lifecycle.operations.values(), key=lambda operation: len(operation.steps))
    text = Template(bundle.read("page/page.html", HERE)).substitute(
        title=f"A cloud of servers ({escape(lifecycle.name)})",
        styles="\n".join(f"<style>{style}</style>" for style in styles),
        board=lanes_svg(lifecycle, heads=True),
        words=bundle.data(words(lifecycle)),
        example=escape(f"{longest.name}:{choices(lifecycle, longest)[0]}"),
        script=program,
    )
    allowed = "connect-src 'self'; frame-ancestors 'none'"
    return text, f"{bundle.policy(program, styles)}; {allowed}"


def words(lifecycle: Lifecycle) -> dict[str, object]:
    """Return the data of the page; states are in the order of its picture."""
    memory = lifecycle.memory
    return {
        "lifecycle": lifecycle.name,
        "noTask": NO_TASK,
        "hang": HANG,
        "states": [_state(lifecycle, state) for state in lifecycle.states.values()],
        "triggers": {name: _trigger(t) for name, t in lifecycle.triggers.items()},
        "facts": {name: list(memory.values(name)) for name in memory.names},
        "faults": {
            name: choices(lifecycle, operation)
            for name, operation in lifecycle.operations.items()
            if operation.kind is Kind.REQUEST
        },
        "creation": lifecycle.creation.trigger,
    }


def _state(lifecycle: Lifecycle, state: State) -> dict[str, object]:
    return {
        "name": state,
        "vm_state": state.vm_state,
        "task_state": state.task_state,
        "status": state.status,
        "tone": state.status.tone,
        "rests": lifecycle.rests(state),
        "over": not lifecycle.leaving(state),
    }


def _trigger(trigger: Trigger) -> dict[str, object]:
    return {
        "kind": trigger.kind,
        "meaning": trigger.meaning,
        "given": list(trigger.given),
        "moves": any(transition.path for transition in trigger.transitions),
    }
