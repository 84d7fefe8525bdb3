"""What the first edition of the Nova table said of waiters is still said of them.

The expected findings were made by the code of the first edition. Rows that changed are left out:
a delete of a server that no host has, or that is being deleted already.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.waiters import Waiter

FILE = Path(__file__).parents[1] / "data" / "nova-verdicts-first-edition.txt"


def listed(text: str, separator: str = ",") -> list[str]:
    return text.split(separator) if text else []


def waiters() -> Iterator[tuple[Waiter, set[str]]]:
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        operation, attribute, starts, target, failure, pending, findings = line.split("|")
        waiter = Waiter(
            operation,
            listed(target),
            failure=listed(failure),
            pending=None if pending == "*" else listed(pending),
            attribute=attribute,
            from_=listed(starts, ";"),
            lifecycle=NOVA,
        )
        yield waiter, set(listed(findings, ";"))


def found(waiter: Waiter) -> set[str]:
    return {f"{finding.kind}={finding.value or ''}" for finding in waiter.findings()}


def test_the_verdicts_on_waiters_of_the_first_edition_do_not_change() -> None:
    judged = [(str(waiter), found(waiter), expected) for waiter, expected in waiters()]
    assert [one for one in judged if one[1] != one[2]] == []
    assert len(judged) == 240
    assert sum(not findings for _, _, findings in judged) > 3
    assert {finding.partition("=")[0] for *_, said in judged for finding in said} >= {
        "misses", "spurious-failure", "leaves-early", "false-success", "blind", "hangs",
    }  # fmt: skip
