"""What a shell completes: names, states, and the words of a scenario to their last step."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    split_arg_string,
)

from ecs_fsm.core.model import NO_TASK, Kind
from ecs_fsm.lifecycles import NAMES, server_class

if TYPE_CHECKING:
    import click

    from ecs_fsm.core.lifecycle import BaseServer, Lifecycle

Completion = Callable[["click.Context", "click.Parameter", str], list[CompletionItem]]


def completing(words: Callable[[Lifecycle], list[str]]) -> Completion:
    """Return a shell completion that offers words of the lifecycle."""

    def complete(
        ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        known = words(chosen(ctx).lifecycle)
        return [CompletionItem(word) for word in known if word.startswith(incomplete)]

    return complete


def scenario_words(ctx: click.Context, param: click.Parameter, text: str) -> list[CompletionItem]:
    """Complete a word of a scenario: an operation, or an event of the system; then an outcome."""
    from ecs_fsm.core.scenario import choices

    lifecycle = chosen(ctx).lifecycle
    name, colon, rest = text.partition(":")
    operation = lifecycle.operations.get(name.partition("[")[0])
    if not colon:
        found = [n for n in first_words(lifecycle) if n.startswith(text)]
    elif operation is None:
        found = []
    else:
        before, comma, begun = rest.rpartition(",")
        start = f"{name}:{before}{comma}"
        found = [f"{start}{one}" for one in choices(lifecycle, operation) if one.startswith(begun)]
    return [CompletionItem(word) for word in found]


def chosen(ctx: click.Context) -> type[BaseServer]:
    """Return the server class of the lifecycle that the command line chooses."""
    return server_class(ctx.find_root().obj or NAMES[0])


def first_words(lifecycle: Lifecycle) -> list[str]:
    """Return what a word of a scenario can begin with: operations, and events of the system."""
    kinds = (Kind.REQUEST, Kind.SYSTEM)
    return [name for name, trigger in lifecycle.triggers.items() if trigger.kind in kinds]


vm_state_words = completing(lambda lifecycle: [*lifecycle.table.vm_states])
task_state_words = completing(lambda lifecycle: [NO_TASK, *lifecycle.table.task_states])
state_words = completing(lambda lifecycle: [*lifecycle.states])


class WholeWordBash(BashComplete):
    """Bash takes the words of a scenario apart at : and @; this puts them together again."""

    source_template = BashComplete.source_template.replace(
        "env COMP_WORDS=", 'env COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" COMP_WORDS='
    )
    _kept = 0

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one at the cursor, and that one."""
        line = os.environ.get("COMP_LINE")
        if line is None:
            return super().get_completion_args()
        line = line[: int(os.environ["COMP_POINT"])]
        _, *words = split_arg_string(line)
        incomplete = "" if not words or line[-1:].isspace() else words.pop()
        self._kept = len(re.sub(r"[^:@=]*$", "", incomplete))
        return words, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Return what takes the place of the part behind the last sign at which bash divides."""
        return f"{item.type},{item.value[self._kept :]}"


add_completion_class(WholeWordBash)
