"""A finding as a picture: its run on the lanes, with what was polled of it."""

from __future__ import annotations

from pathlib import Path

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.draw.picture import Picture
from ecs_fsm.draw.views.run import run as draw_run
from ecs_fsm.draw.walk import Poll, Run
from ecs_fsm.waiters.findings import Finding


def picture(lifecycle: Lifecycle, finding: Finding) -> Picture:
    """The run that shows a finding, the polls marked, the sentence below."""
    run = finding.run
    changes = [lifecycle.change(None, run.start.source)] if run.start.source else []
    for outcome in run.outcomes:
        event = outcome.transition.trigger
        changes += [lifecycle.change(event, node) for node in outcome.nodes]
    before = len(changes) - len(run.nodes)
    last = len(changes) - 1
    polls = (
        Poll(min(before + place, last), value)
        for place, value in zip(finding.seen, finding.polled, strict=True)
    )
    title = f"{run.start.request.transition.trigger}: {finding.finding}"
    happened = Run(tuple(changes), polls=tuple(polls), title=title, remark=finding.message)
    return draw_run(lifecycle, happened)


def numbered(path: str, number: int) -> Path:
    """The file of the finding of that number: the first has the name itself."""
    file = Path(path)
    return file if number == 1 else file.with_name(f"{file.stem}-{number}{file.suffix}")
