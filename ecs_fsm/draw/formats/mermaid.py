"""A picture as Mermaid text: a state diagram of every transition in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from ecs_fsm.core.model import NO_TASK, State, Transition
from ecs_fsm.draw.picture import Picture, RunStep
from ecs_fsm.draw.styles import COLOURS, Theme

ORIGIN = "[*]"


def mermaid(picture: Picture, theme: Theme | None = None, program: str | None = None) -> str:
    """Return the Mermaid text of a picture (Mermaid 11, `stateDiagram-v2`).

    Names consist of letters, digits and underscores: `active__powering_off` is
    active/powering-off. An event that enters two states is two arrows, the second one marked `+`.
    """
    states = _states(picture)
    lines = [
        "---",
        f"title: {json.dumps(picture.title, ensure_ascii=False)}",
        "---",
        "stateDiagram-v2",
        "    direction LR",
        *_declared(states),
        *(_run(picture.steps) if picture.steps else _arrows(picture)),
        *_classes(states, theme or Theme.LIGHT),
    ]
    return "\n".join(lines) + "\n"


def name(state: State | None) -> str:
    """Return the name of a state in Mermaid."""
    if state is None:
        return ORIGIN
    if state.one_word or state.gone:
        return _word(state)
    task = state.task_state or "none"
    return f"{_word(state.vm_state)}__{_word(task)}"


def _word(text: str) -> str:
    """Return a word of ASCII letters, digits and underscores; others become their code points."""
    return re.sub(r"[^A-Za-z0-9_]", _other, text)


def _other(found: re.Match[str]) -> str:
    return "_" if found[0] == "-" else f"_{ord(found[0]):x}_"


def _quoted(text: str) -> str:
    """Return a text in Mermaid's quotes; characters that could end it become entities."""
    return '"' + re.sub(r'["#;\n\\]', lambda found: f"#{ord(found[0])};", text) + '"'


def _run(steps: Sequence[RunStep]) -> Iterator[str]:
    """Yield the events of a run as numbered arrows."""
    before: State | None = None
    for number, (event, state) in enumerate(steps, start=1):
        if event:
            yield f"    {name(before)} --> {name(state)} : {number} {event}"
        before = state


def _states(picture: Picture) -> list[State]:
    if picture.steps:
        return list(dict.fromkeys(state for _, state in picture.steps))
    drawn = [box.state for box in picture.boxes if box.state]
    moved = [state for t in _drawn(picture) for state in (t.source, *t.path) if state]
    return list(dict.fromkeys([*drawn, *moved]))


def _drawn(picture: Picture) -> list[Transition]:
    """Return the transitions of a picture, on its arrows or in its cells."""
    on_arrows = (t for arrow in picture.arrows for t in arrow.transitions)
    in_cells = (t for box in picture.boxes for t in box.transitions)
    return list(dict.fromkeys((*on_arrows, *in_cells)))


def _declared(states: list[State]) -> Iterator[str]:
    paired = [state for state in states if not (state.one_word or state.gone)]
    for state in states:
        if state not in paired:
            yield f"    state {_quoted(state)} as {name(state)}"
    for vm_state in dict.fromkeys(state.vm_state for state in paired):
        yield f"    state {_quoted(vm_state)} as {_word(vm_state)} {{"
        for state in paired:
            if state.vm_state == vm_state:
                shown = f"{state.task_state or NO_TASK}: {state.status}"
                yield f"        state {_quoted(shown)} as {name(state)}"
        yield "    }"


def _arrows(picture: Picture) -> Iterator[str]:
    labels: dict[tuple[State | None, State, str], list[str]] = {}
    for t in _drawn(picture):
        before: State | None = t.source
        for number, state in enumerate(t.path):
            mark = "+" if number else ""
            labels.setdefault((before, state, mark), []).append(f"{_label(t)}{mark}")
            before = state
    for (before, state, _), names in labels.items():
        text = ", ".join(dict.fromkeys(names))
        yield f"    {name(before)} --> {name(state)} : {text}"


def _label(transition: Transition) -> str:
    when = " ".join(f"{fact}={value}" for fact, value in transition.when)
    return f"{transition.trigger} ({when})" if when else transition.trigger


def _classes(states: list[State], theme: Theme) -> Iterator[str]:
    tones = COLOURS[theme].tones
    for status in dict.fromkeys(state.status for state in states):
        tint = tones[status.tone]
        shown = ",".join(name(state) for state in states if state.status == status)
        kind = _word(status)
        yield f"    classDef {kind} fill:{tint.fill},stroke:{tint.line},color:{tint.ink}"
        yield f"    class {shown} {kind}"
