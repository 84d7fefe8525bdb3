"""Records of what was done to servers: instance actions, notifications, and Huawei's jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.records.columns import normal
from ecs_fsm.records.json_text import DECODER, LIST, MORE, Names, Row, check_depth, reason
from ecs_fsm.records.layouts import Layout, Listed, Reading
from ecs_fsm.records.meanings import ABSENT, failed
from ecs_fsm.records.observations import ActionStep, Observation, RecordedAction

Fields = Mapping[str, object]
ENVELOPE = "oslo.message"
"""The key of a message that oslo.messaging wraps: its value is the message as JSON text."""
DATA = "nova_object.data"
ENDS = frozenset(("updated_at", "finish_time"))
"""Columns that say when an action ended; the list of `openstack server event` has none."""


def _fields(rows: Iterator[Row], reading: Reading) -> Iterator[Fields]:
    """The rows as dictionaries, without the marks of lists."""
    for names, values in rows:
        if names is not LIST and names is not MORE:
            if len(names) != len(values):
                raise reading.source.error("a row is an object")
            yield dict(zip(names, values, strict=True))


def _object(value: object) -> Fields:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


class InstanceActions(Layout):
    """os-instance-actions, as the API, `openstack server event` and the database give them."""

    name, title = "instance-actions", "os-instance-actions"
    has_states, has_actions = False, True

    def fits(self, names: Names, row: Fields) -> bool:
        """Return whether a first row has this layout."""
        return {"action", "start_time"} <= {*names}

    def sampled(self, rows: Sequence[Row]) -> bool:
        """Return whether states may have been missed."""
        return False

    def read(self, rows: Iterator[Row], reading: Reading) -> Iterator[Listed]:
        """Yield the observations."""
        reading = reading._replace(without_zone=UTC)
        for fields in _fields(rows, reading):
            row = {normal(name): value for name, value in fields.items()}
            yield None, self._row(row, reading)

    def _row(self, row: Fields, reading: Reading) -> Observation:
        word = _text(row.get("action"))
        if word is None:
            raise reading.source.error("no action; expected a row of os-instance-actions")
        given = row.get("events")
        events = given if isinstance(given, list) else [row] if _text(row.get("event")) else []
        steps = tuple(self._step(_object(event), reading) for event in events)
        ended = reading.time_or_none(row, "updated_at", "finish_time")
        finishes = [step.finished for step in steps]
        if finishes and None not in finishes:
            ended = max(time for time in finishes if time is not None)
        results = [step.failed for step in steps]
        outcome: bool | None = None
        if failed(row.get("message")) or True in results:
            outcome = True
        elif ended is not None and None not in results:
            outcome = False
        action = RecordedAction(
            word,
            _operations(reading, "actions", word),
            outcome,
            ended if outcome is not None else None,
            _text(row.get("request_id")),
            steps,
            bool(steps) or not ENDS.isdisjoint(row),
        )
        name = next((n for n in ("instance_uuid", "server_id") if n in row), "instance_uuid")
        return Observation(
            {},
            None,
            None,
            {n: v for n, v in row.items() if not isinstance(v, dict | list)},
            reading.server(row.get(name), name),
            reading.time_or_none(row, "start_time"),
            host=next((step.host for step in reversed(steps) if step.host), None),
            action=action,
        )

    def _step(self, event: Fields, reading: Reading) -> ActionStep:
        word = str(event.get("event", ""))[:200]
        return ActionStep(
            word,
            reading.meanings.tasks(word),
            reading.time_or_none(event, "start_time"),
            reading.time_or_none(event, "finish_time"),
            failed(event.get("result")),
            _text(event.get("host")),
        )


def _operations(reading: Reading, table: str, word: str) -> tuple[str, ...]:
    try:
        return reading.meanings.action(table, word)
    except InvalidInput as error:
        raise reading.source.error(str(error)) from None


class JobAnswers(Layout):
    """Answers about jobs of the Huawei and OTC API: `GET /v1/{project_id}/jobs/{job_id}`."""

    name, title = "jobs", "Huawei job answers"
    has_states, has_actions = False, True

    def fits(self, names: Names, row: Fields) -> bool:
        """Return whether a first row has this layout."""
        return {"job_id", "job_type"} <= {*names}

    def sampled(self, rows: Sequence[Row]) -> bool:
        """Return whether states may have been missed."""
        return False

    def read(self, rows: Iterator[Row], reading: Reading) -> Iterator[Listed]:
        """Yield the observations."""
        reading = reading._replace(without_zone=UTC)
        for job in _fields(rows, reading):
            parts = _object(job.get("entities")).get("sub_jobs")
            for part in parts if isinstance(parts, list) and parts else [job]:
                yield None, self._row(_object(part), reading)

    def _row(self, job: Fields, reading: Reading) -> Observation:
        word = _text(job.get("job_type"))
        if word is None:
            raise reading.source.error("no job_type; expected the answer about a job")
        outcome = failed(job.get("status"))
        ended = reading.time_or_none(job, "end_time")
        action = RecordedAction(
            word,
            _operations(reading, "jobs", word),
            outcome,
            None if outcome is None else ended,
            _text(job.get("job_id")),
        )
        server = _object(job.get("entities")).get("server_id")
        return Observation(
            {},
            None,
            None,
            {n: v for n, v in job.items() if not isinstance(v, dict | list)},
            reading.server(server, "server_id"),
            reading.time_or_none(job, "begin_time"),
            action=action,
        )


class _Notification(NamedTuple):
    """A notification of either kind: its type, its time, and its payload without wrapping."""

    type: str
    timestamp: object
    payload: Fields
    before: tuple[object, object] | None
    after: tuple[object, object]

    @property
    def is_update(self) -> bool:
        return self.type.endswith("instance.update")


class Notifications(Layout):
    """Nova's notifications, versioned or legacy, bare or in the envelope of oslo.messaging."""

    name, title = "notifications", "Nova notifications"
    has_actions = True

    def fits(self, names: Names, row: Fields) -> bool:
        """Return whether a first row has this layout."""
        return ENVELOPE in row or ("event_type" in row and isinstance(row.get("payload"), dict))

    def sampled(self, rows: Sequence[Row]) -> bool:
        """Without changes of tasks, notify_on_state_change is not vm_and_task_state."""
        for names, values in rows:
            row = dict(zip(names, values, strict=False))
            if names is not LIST and names is not MORE and self.fits(names, row):
                try:
                    found = _notification(_opened(row))
                except (ValueError, RecursionError):
                    return False
                if found and found.before and found.before[1] != found.after[1]:
                    return False
        return True

    def read(self, rows: Iterator[Row], reading: Reading) -> Iterator[Listed]:
        """Yield the observations."""
        reading = reading._replace(without_zone=UTC)
        for row in _fields(rows, reading):
            try:
                opened = _opened(row)
            except (ValueError, RecursionError) as error:
                wrong = f"{ENVELOPE} is not valid JSON ({reason(error)})"
                raise reading.source.error(wrong) from None
            if opened is not row:
                check_depth(opened, reading.source)
            found = _notification(opened)
            if found is None:
                raise reading.source.error("no event_type and payload; expected a notification")
            observation = self._row(found, reading)
            if observation is not None:
                yield None, observation

    def _row(self, found: _Notification, reading: Reading) -> Observation | None:
        """What is seen, None for a notification that is not about a server."""
        payload, parts = found.payload, found.type.removeprefix("compute.").split(".")
        name = next((n for n in ("uuid", "instance_id", "instance_uuid") if n in payload), None)
        if parts[0] != "instance" or name is None:
            return None
        time = reading.time(found.timestamp, "timestamp")
        shown: Observation | None = None
        before: Observation | None = None
        try:
            if found.is_update or not reading.complete:
                shown = reading.meanings.of((*found.after, ABSENT))
            if found.before and found.before[0] is not None:
                before = reading.meanings.of((*found.before, ABSENT))
        except InvalidInput as error:
            raise reading.source.error(str(error)) from None
        action = None if found.is_update else self._action(parts[1:], time, payload, reading)
        return Observation(
            shown.shown if shown else {},
            shown.state if shown else None,
            shown.wrong if shown else None,
            {"event_type": found.type, name: payload[name]},
            reading.server(payload[name], name),
            time,
            host=_text(payload.get("host")),
            action=action,
            before=before,
        )

    def _action(
        self, parts: Sequence[str], time: float, payload: Fields, reading: Reading
    ) -> RecordedAction | None:
        """What a notification says of an action: its begin, its end, or its error."""
        word, phase = ".".join(parts[:-1]), parts[-1]
        if not word:
            return None
        ends = phase in ("end", "error")
        return RecordedAction(
            word,
            _operations(reading, "notifications", word),
            phase == "error" if ends else None,
            time if ends else None,
            _text(payload.get("request_id")),
        )


def _opened(row: Fields) -> Fields:
    """The message itself. Raise `ValueError` or `RecursionError` for an envelope without one."""
    if ENVELOPE not in row:
        return row
    message = DECODER.decode(str(row[ENVELOPE]))
    if not isinstance(message, dict):
        raise ValueError("not an object")
    return message


def _notification(row: Fields) -> _Notification | None:
    """The parts of a notification, None for what is not one."""
    kind, payload = row.get("event_type"), _object(row.get("payload"))
    if not isinstance(kind, str) or not payload:
        return None
    before: tuple[object, object] | None = None
    if DATA in payload:
        payload = _object(payload[DATA])
        after = payload.get("state"), payload.get("task_state")
        change = _object(_object(payload.get("state_update")).get(DATA))
        if change:
            before = change.get("old_state"), change.get("old_task_state")
            after = change.get("state"), change.get("new_task_state")
    else:
        task = payload.get("new_task_state", payload.get("state_description"))
        after = payload.get("state"), task
        if "old_state" in payload:
            before = payload["old_state"], payload.get("old_task_state")
    return _Notification(kind, row.get("timestamp"), payload, before, after)
