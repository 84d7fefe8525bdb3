"""Sample lessons and questions for tests of the page, in the form that `as_dict` returns."""

from __future__ import annotations

from typing import Any

from ecs_fsm.explore import Content

LESSONS: tuple[dict[str, Any], ...] = (
    {
        "name": "first",
        "title": "A server is made",
        "introduction": "Make a server and stop it.",
        "start": None,
        "remember": {},
        "steps": [
            {
                "text": "Ask for a server.",
                "do": {"trigger": "create", "given": {}},
                "state": "building/scheduling",
                "then": "It is built.",
            },
            {
                "text": "Let it be built.",
                "do": {"trigger": "advance", "given": {}},
                "state": "active/-",
                "then": "It runs.",
            },
        ],
    },
    {
        "name": "stop",
        "title": "A stop that is not seen",
        "introduction": "Only the task tells.",
        "start": "active/-",
        "remember": {},
        "steps": [
            {
                "text": "Stop it.",
                "do": {"trigger": "stop", "given": {}},
                "state": "active/powering-off",
                "then": "ACTIVE still.",
            },
            {
                "text": "Go on.",
                "do": {"trigger": "advance", "given": {}},
                "state": "stopped/-",
                "then": "Now it is SHUTOFF.",
            },
        ],
    },
)
QUIZ = tuple(
    {
        "kind": "status",
        "text": f"Question {number}: which of these?",
        "choices": ["one", "two", "three"],
        "answers": [number % 3] if number % 4 else [0, 2],
        "explanation": f"It is so, {number} times.",
        "mistakes": ["It is not one.", "It is not two.", "It is not three."],
    }
    for number in range(12)
)
SAMPLES = Content(LESSONS, QUIZ)
EVIL = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
HOSTILE = Content(
    [
        {
            **LESSONS[0],
            "title": EVIL,
            "introduction": EVIL,
            "steps": [{**LESSONS[0]["steps"][0], "text": EVIL, "then": EVIL}],
        }
    ],
    [{**QUIZ[0], "text": EVIL, "choices": [EVIL, "two", "three"], "explanation": EVIL}],
)
