"""Rules that alert where a step takes too long: for Prometheus, and as a query of Nova's database.

Each task has one limit, from a profile and the table; a status that only steps show has the sum of
theirs, as one follows the other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.replay.overdue import Limits
from ecs_fsm.replay.ways_out import ways_out

TASK_METRIC, STATUS_METRIC = "openstack_nova_server_task_state", "openstack_nova_server_status"
"""The metrics of openstack-exporter: a series for each server, with its task or status as label."""
AGES: Mapping[str, str] = {
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER) "
    "- CAST(strftime('%s', instances.updated_at) AS INTEGER)",
    "mysql": "TIMESTAMPDIFF(SECOND, instances.updated_at, UTC_TIMESTAMP())",
    "postgresql": "EXTRACT(EPOCH FROM "
    "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC' - instances.updated_at))",
}
"""The seconds since an instance was last written, in each dialect of SQL."""
HEAD = "{mark} Steps of {title} that take too long. Limits: {source}.\n"
FORMATS = ("prometheus", "sql")


def alert_rules(
    lifecycle: Lifecycle, limits: Limits, form: str, dialect: str = next(iter(AGES))
) -> str:
    """Return the rules in a format of `FORMATS`, SQL in a dialect of `AGES`.

    Raise `InvalidInput` for a lifecycle without tasks, or whose steps have no times.
    """
    if lifecycle.table.one_word:
        raise InvalidInput(
            f"the lifecycle {lifecycle.name} has no task_state; alerts are about tasks"
        )
    tasks = dict(_tasks(lifecycle, limits))
    if not tasks:
        raise InvalidInput("no step has a limit: give --profile, or a time with --overdue")
    mark = "#" if form == FORMATS[0] else "--"
    head = HEAD.format(mark=mark, title=lifecycle.name, source=limits.source)
    if form == FORMATS[0]:
        return head + "".join(_prometheus(lifecycle, limits, tasks))
    return head + _sql(tasks, dialect)


def _steps(lifecycle: Lifecycle) -> Iterator[State]:
    return (state for state in lifecycle.states.values() if not lifecycle.rests(state))


def _tasks(lifecycle: Lifecycle, limits: Limits) -> Iterator[tuple[str, int]]:
    """Each task with its limit in whole seconds: the largest of the states that show it."""
    found: dict[str, int] = {}
    for state in _steps(lifecycle):
        limit = limits.of(state)
        if state.task_state and limit is not None:
            found[state.task_state.value] = max(
                found.get(state.task_state.value, 1), math.ceil(limit)
            )
    yield from found.items()


def _statuses(lifecycle: Lifecycle, limits: Limits) -> Iterator[tuple[str, int]]:
    """Each status that no state at rest shows, with its limit in whole seconds."""
    shown: dict[str, list[State]] = {}
    for state in lifecycle.states.values():
        shown.setdefault(state.status.value, []).append(state)
    for status, states in shown.items():
        limit = None if any(map(lifecycle.rests, states)) else limits.of_any(states)
        if limit is not None:
            yield status, math.ceil(limit)


def _prometheus(lifecycle: Lifecycle, limits: Limits, tasks: Mapping[str, int]) -> Iterator[str]:
    """The lines of a rule file. JSON strings are YAML strings."""
    yield "groups:\n"
    yield from _group("tasks", TASK_METRIC, "task_state", tasks, lifecycle)
    statuses = dict(_statuses(lifecycle, limits))
    if statuses:
        yield from _group("statuses", STATUS_METRIC, "status", statuses, lifecycle)


def _group(
    name: str, metric: str, label: str, limits: Mapping[str, int], lifecycle: Lifecycle
) -> Iterator[str]:
    thing = lifecycle.table.thing
    yield f'  - name: "ecs-fsm {lifecycle.name} {name}"\n    rules:\n'
    for word, seconds in limits.items():
        states = [s for s in _steps(lifecycle) if getattr(s, label) == word]
        frees = dict.fromkeys(str(way) for state in states for way in ways_out(lifecycle, state))
        over = " > 0" if label == "task_state" else ""
        who = f"{thing} {{{{ $labels.name }}}} ({{{{ $labels.id }}}})"
        said = json.dumps(f"{who} shows {word} for over {seconds} s", ensure_ascii=False)
        ends = json.dumps(f"frees it: {'; '.join(frees)}", ensure_ascii=False)
        yield f"      - alert: {_camel(thing)}{_camel(label)}Overdue\n"
        yield f"        expr: {json.dumps(f'{metric}{{{label}={json.dumps(word)}}}{over}')}\n"
        yield f"        for: {seconds}s\n"
        yield f"        labels: {{severity: warning, {label}: {json.dumps(word)}}}\n"
        yield "        annotations:\n"
        yield f"          summary: {said}\n"
        yield f"          description: {ends}\n"


def _camel(words: str) -> str:
    return "".join(part.capitalize() for part in words.replace("-", "_").split("_"))


def _sql(tasks: Mapping[str, int], dialect: str) -> str:
    """One query; `updated_at` is the last write of any kind, so a step can be older."""
    age = AGES[dialect]
    rows = [
        f"    SELECT '{task}' AS task_state, {limit} AS seconds" for task, limit in tasks.items()
    ]
    others = ", ".join(f"--dialect {name}" for name in AGES if name != dialect)
    return (
        f"-- For Nova's database in {dialect} ({others}). Any write to a row sets updated_at,\n"
        "-- so that a step can be older than the seconds that are shown, and is never younger.\n"
        "SELECT instances.uuid, instances.host, instances.vm_state, instances.task_state,\n"
        f"  instances.updated_at, {age} AS seconds, limits.seconds AS limit_seconds\n"
        "FROM instances JOIN (\n" + "\n    UNION ALL\n".join(rows) + "\n"
        ") AS limits ON limits.task_state = instances.task_state\n"
        f"WHERE instances.deleted = 0 AND {age} > limits.seconds\n"
        "ORDER BY seconds DESC;\n"
    )
