"""Real findings as a page of docs, with a picture of the run that breaks each loop.

The loops stand in findings.toml; everything else on the page follows from the tables.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ecs_fsm.draw import Picture
from ecs_fsm.lifecycles import server_class
from ecs_fsm.waiters import Waiter
from ecs_fsm.waiters.ranking import Ranked, rank
from ecs_fsm.waiters.report import draw

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "gallery.md"
FOLDER = "findings"
INTRODUCTION = """# Wait loops that break

`ecs-fsm check` found these loops in public projects. Each has the run that breaks it, and the
lists of values that would not break, which are those of `ecs-fsm infer`. A finding is marked
*reproduced* if the unmodified client was run against `ecs-fsm serve`
(`tests/waiters/test_gallery.py`), otherwise *read, not run*. `make diagrams` draws the pictures;
`python diagrams/findings.py` writes this page.
"""

Loop = Mapping[str, Any]


def loops() -> list[Loop]:
    """Return the loops in their order."""
    found: list[Loop] = tomllib.loads((HERE / "findings.toml").read_text(encoding="utf-8"))["loop"]
    return found


def waiter_of(loop: Loop) -> Waiter:
    """Return a loop as a waiter."""
    return Waiter(
        loop["operation"],
        loop["target"],
        pending=loop.get("pending"),
        failure=loop.get("failure", ()),
        from_=loop["from"],
        name=loop["name"],
        lifecycle=server_class(loop.get("lifecycle", "nova")).lifecycle,
    )


def finding_of(loop: Loop) -> Ranked:
    """Return the finding that the page shows. Raise `StopIteration` if there is none."""
    return next(one for one in rank(waiter_of(loop)) if one.finding.kind == loop["finding"])


def pictures() -> Iterator[tuple[str, Picture]]:
    """Yield the run of each finding, with its file below the folder of pictures."""
    for loop in loops():
        picture = draw(waiter_of(loop).lifecycle, finding_of(loop).finding)
        yield f"{FOLDER}/{loop['name']}.svg", picture


def page() -> str:
    """Return the page as Markdown."""
    parts = [INTRODUCTION]
    for loop in loops():
        file, _, line = loop["place"].rpartition(":")
        address = f"https://github.com/{loop['project']}/blob/{loop['commit']}/{file}#L{line}"
        ranked = finding_of(loop)
        parts.append(f"## {loop['project']}: {loop['operation']}\n")
        parts.append(f"{loop['says']}\n")
        parts.append(f"- Place: [{loop['place']}]({address}) at commit `{loop['commit'][:12]}`")
        parts.append(f"- Finding: {ranked.level}, {ranked.finding.kind}; {loop['seen']}")
        if "issue" in loop:
            parts.append(f"- Public issue: <{loop['issue']}>, {loop['about']}")
        parts.append(f"- Run: {ranked.sentence}\n")
        parts.append("| list | in the source | better |\n|---|---|---|")
        for name, better in (ranked.fix or {}).items():
            own = ", ".join(loop.get(name, ())) or "-"
            parts.append(f"| {name} | {own} | {', '.join(better) or '-'} |")
        parts.append(f"\n![The run](../diagrams/{FOLDER}/{loop['name']}.svg)\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
