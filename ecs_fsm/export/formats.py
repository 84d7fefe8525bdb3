"""The formats of other tools by name."""

from __future__ import annotations

from ecs_fsm.core.errors import unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.profiles.profile import Profile

FORMATS = {
    "xstate": "a machine config of XState 5",
    "markup": "the JSON of transitions' MarkupMachine",
    "prism": "a Markov chain in continuous time, of lifecycle and profile, in PRISM's language",
    "plantuml": "a state diagram of PlantUML",
    "json": "states, rules and state graph as JSON; export.schema.json describes it",
}
"""Every format, and what is written."""


def exported(lifecycle: Lifecycle, form: str, profile: Profile | None = None) -> str:
    """Return the lifecycle in a format, for prism with a profile (None: the built-in one).

    Raise `InvalidInput` for an unknown format.
    """
    from ecs_fsm.export import json_document, markup, plantuml, prism, xstate

    if form == "prism":
        from ecs_fsm.profiles.loader import built_in

        return prism.text(profile or built_in(lifecycle))
    writers = {
        "xstate": xstate.text,
        "markup": markup.text,
        "plantuml": plantuml.text,
        "json": json_document.text,
    }
    if form not in writers:
        raise unknown("format", form, FORMATS)
    return writers[form](lifecycle)
