"""The terminal of `ecs-fsm play` as a picture of the guide, after a few keys."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from ecs_fsm import ECS
from ecs_fsm.play.application import Play
from ecs_fsm.teach.lesson import lessons
from ecs_fsm.teach.quiz import chosen

DOCS = Path(__file__).parents[1] / "docs"
SIZE = (80, 24)
KEYS = ("1", *"nnnnn", "1", "n", "2", *"nnn")
"""A server is made and stopped, and a rebuild of it runs: it shows ACTIVE and is not done yet."""

FONT = r"\s*@font-face \{.*?\}"
"""A font from the network: the picture needs none, as any fixed width will do."""


async def screenshot() -> str:
    """Return the screen as SVG, written by Textual."""
    app = Play(ECS, lessons(ECS), chosen(ECS, 1, 10))
    async with app.run_test(size=SIZE) as pilot:
        for key in KEYS:
            await pilot.press(key)
            await pilot.pause()
        made = re.sub(FONT, "", app.export_screenshot(title="ecs-fsm play"), flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in made.splitlines()) + "\n"


if __name__ == "__main__":
    file = DOCS / "how-to" / "play.svg"
    file.write_text(asyncio.run(screenshot()), encoding="utf-8", newline="\n")
