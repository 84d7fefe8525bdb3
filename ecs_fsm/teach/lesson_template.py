"""A lesson to begin with: one operation of a lifecycle, step by step, as a file that is correct."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.teach.question import deciding

Way = tuple[Outcome, ...]
FORMAT = """\
# A lesson about the lifecycle {lifecycle}. Check it:   ecs-fsm lesson check FILE
# Take it:   ecs-fsm explore --lessons FOLDER, or   ecs-fsm play --lessons FOLDER
# The file's name, without a number before it, is the name of the lesson.

title = "{title}"
introduction = "A few sentences that say what this is about, and for whom."
"""
FROM = """\
# The state at the start, with facts as in STATE[FACT=VALUE]; without this line nothing exists yet.
from = "{start}"
"""
STEP = """
[[step]]
text = "{text}"
do = "{do}"   # an operation or event, with facts as in EVENT[FACT=VALUE]
state = "{state}"   # the state after it
then = "{then}"   # what was learned
"""
HINT = """\
hint = "Look for the request that means: {meaning}"   # shown after a wrong step; may be left out
"""
QUESTION = """
# Questions at the end; may be left out.
[[question]]
text = "What does {attribute} say at {state}?"
right = "{right}"
wrong = [{wrong}]
because = "{because}"
"""


def template(lifecycle: Lifecycle) -> str:
    """Return the text of a lesson. Raise `InvalidInput` if nothing can be made or changed."""
    start, way = _example(lifecycle)
    name = way[0].transition.trigger
    parts = [FORMAT.format(lifecycle=lifecycle.name, title=f"What {name} does")]
    if start is not None:
        parts.append(FROM.format(start=start.state))
    for number, outcome in enumerate(way):
        parts.append(_step(lifecycle, outcome, first=number == 0))
    return "".join((*parts, _question(lifecycle, way[0].end)))


def _example(lifecycle: Lifecycle) -> tuple[Node | None, Way]:
    """Return the first operation with steps that no fact decides, or how it all begins."""
    short: list[tuple[Node | None, Way]] = []
    for start, name in _requests(lifecycle):
        for way in lifecycle.ways(start, name):
            if not any(deciding(lifecycle, o.transition.when) for o in way) and way[0].nodes:
                if len(way) > 1:
                    return start, way
                short.append((start, way))
    if not short:
        raise InvalidInput(f"the lifecycle {lifecycle.name} has no operation for a lesson")
    return short[0]


def _requests(lifecycle: Lifecycle) -> Iterator[tuple[Node | None, str]]:
    """Yield the requests at rest, and last those that make something."""
    for state in lifecycle.states.values():
        if lifecycle.rests(state):
            node = lifecycle.found(state)
            yield from ((node, n) for n in lifecycle.operations if lifecycle.possible(n, node))
    yield from ((None, name) for name in lifecycle.creations)


def _step(lifecycle: Lifecycle, outcome: Outcome, first: bool) -> str:
    trigger = lifecycle.triggers[outcome.transition.trigger]
    state = outcome.end.state
    said = {
        "text": f"Request {trigger.name}." if first else "Let the running step end.",
        "do": trigger.name,
        "state": state,
        "then": f"The {lifecycle.table.thing} is at {state} now, and the API says {state.status}.",
    }
    hint = HINT.format(meaning=_quoted(trigger.meaning)) if first else ""
    return STEP.format(**said) + hint


def _question(lifecycle: Lifecycle, node: Node) -> str:
    state = node.state
    others = [str(s) for s in lifecycle.table.statuses if s != state.status][:3]
    return QUESTION.format(
        attribute=Phrases(lifecycle.table).attributes.status,
        state=state,
        right=state.status,
        wrong=", ".join(f'"{other}"' for other in others),
        because=_quoted(f"{state.status}: {state.status.meaning}"),
    )


def _quoted(text: str) -> str:
    """Return a text as it stands between quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
