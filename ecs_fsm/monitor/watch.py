"""Watches a cloud: polls it, says what happens and what is overdue, and outlives its failures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import click

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.io.console import visible
from ecs_fsm.monitor import display
from ecs_fsm.monitor.client import CloudClient, Unanswered
from ecs_fsm.monitor.memory import recall, remember
from ecs_fsm.monitor.metrics import MetricsServer, WatchMetrics
from ecs_fsm.monitor.polling import CloudPoll, CloudPolls
from ecs_fsm.monitor.recorder import Recorder
from ecs_fsm.monitor.requested import latest_request
from ecs_fsm.monitor.tracking import Happened, Tracking
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.forms import span
from ecs_fsm.replay.overdue import Limits, Overdue, overdue

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds before a cloud that does not answer is asked again; each is twice the one before."""
TRIES_ONCE = 5
"""Requests without an answer after which `--once` gives up."""
MOST_ASKED = 20
"""Overdue servers whose instance actions are asked for after one poll."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How to watch: `interval` in seconds; `polls` ends after so many, None never.

    `overdue` is the limit, by default a percentile of the profile, whose `source` is named.
    """

    cloud: str
    overdue: str | None = None
    source: str = "built in"
    interval: float = 30.0
    full_every: int = 10
    polls: int | None = None
    once: bool = False
    state: str | None = None
    record: str | None = None
    listen: str | None = None


class WatchView(Protocol):
    """What shows a watch to its user."""

    def polled(self, poll: CloudPoll, happened: Happened, late: Sequence[Overdue]) -> None:
        """Show a poll."""

    def failed(self, line: str) -> None:
        """Show that the cloud did not answer, and when it is asked again."""


class Watch:
    """Watches one cloud. `sleep` waits for real seconds."""

    def __init__(
        self,
        client: CloudClient,
        lifecycle: Lifecycle,
        settings: WatchSettings,
        profile: Profile | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.tracking = Tracking(lifecycle, profile)
        self.late: list[Overdue] = []
        self._client, self._settings, self._sleep = client, settings, sleep
        known = self.tracking.profile
        self._limits = Limits(known.durations if known else {}, settings.overdue, settings.source)
        self._polling = CloudPolls(client, settings.full_every)
        self._metrics = WatchMetrics()
        self._recorder: Recorder | None = None
        if settings.state:
            recall(settings.state, settings.cloud, self.tracking, self._polling)

    def run(self, shown: WatchView) -> None:
        """Poll until the last one, and show each.

        Raise `InvalidInput` for what cannot be opened, where the servers are those of another
        lifecycle, and where `once` is set and the cloud does not answer.
        """
        with ExitStack() as opened:
            if self._settings.listen:
                server = MetricsServer(self._settings.listen, self._metrics)
                opened.callback(server.close)
            if self._settings.record:
                out = open(self._settings.record, "a", encoding="utf-8")  # noqa: SIM115  # closed by it
                self._recorder = Recorder(out, self.tracking)
                opened.callback(self._recorder.close)
            self._run(shown)

    def _run(self, shown: WatchView) -> None:
        polls, failures = 0, 0
        while True:
            begun = time.monotonic()
            try:
                poll = self._polling.poll()
            except Unanswered as error:
                failures += 1
                self._failed(error, failures, shown)
                continue
            failures = 0
            happened = self._take(poll)
            self._metrics.polled(self.tracking, self.late, time.monotonic() - begun)
            shown.polled(poll, happened, self.late)
            polls += 1
            if polls == self._settings.polls:
                return
            self._sleep(max(self._settings.interval - (time.monotonic() - begun), 0.0))

    def _failed(self, error: Unanswered, failures: int, shown: WatchView) -> None:
        self._metrics.failed()
        if self._settings.once and failures >= TRIES_ONCE:
            raise InvalidInput(f"{error}, asked {failures} times")
        pause = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE)
        pause = max(pause, min(error.after, 3600.0))
        shown.failed(f"{error}; asked again in {span(pause)}")
        self._sleep(pause)

    def _take(self, poll: CloudPoll) -> Happened:
        last = self.tracking.at
        if self._recorder:
            self._recorder.begin()
        happened = self.tracking.take(poll)
        if self._recorder:
            self._recorder.end(poll, last)
        self.late = list(
            overdue(
                self.tracking.lifecycle,
                self.tracking.standing(),
                self._limits,
                poll.at,
                sampled=True,
            )
        )
        self._ask()
        if self._settings.state:
            remember(self._settings.state, self._settings.cloud, self.tracking, self._polling)
        return happened

    def _ask(self) -> None:
        """Ask who requested the steps that are overdue, once each."""
        left = MOST_ASKED
        for one in self.late:
            watched = self.tracking.servers[one.standing.row.server or ""]
            if not watched.asked and left:
                watched.request = latest_request(self._client, one.standing.row.server or "")
                watched.asked, left = True, left - 1


class Lines:
    """A line for each change and for each server that becomes overdue, or each poll as JSON."""

    def __init__(self, tracking: Tracking, cloud: str, *, as_json: bool, whole: bool) -> None:
        self._tracking, self._cloud = tracking, cloud
        self._as_json, self._whole = as_json, whole
        self._late: set[str | None] = set()
        self._written: dict[str | None, list[Explanation]] = {}
        self._begun = False

    def polled(self, poll: CloudPoll, happened: Happened, late: Sequence[Overdue]) -> None:
        """Print a poll."""
        if self._as_json:
            click.echo(display.as_line(happened, self._tracking, late, full=poll.full))
            return
        if self._whole or not self._begun:
            click.echo(display.head(self._cloud, self._tracking, late))
            self._begun = True
        changes = [change for change in happened.changes if not self._known(change)]
        for text in display.happened_lines(happened.at, changes, happened.unknown):
            click.echo(text)
        for one in late:
            server = one.standing.row.server
            if server not in self._late:
                for text in display.late_lines(one, self._tracking.servers[server or ""]):
                    click.echo(text)
        self._late = {one.standing.row.server for one in late}
        sys.stdout.flush()

    def _known(self, change: Explanation) -> bool:
        """Whether a change was shown already, before it was settled, and stays as it was shown."""
        before = self._written.setdefault(change.after.server, [])
        known = any(_alike(change, other) for other in before)
        self._written[change.after.server] = [
            *(other for other in before if other.after is not change.after),
            *([] if change.settled else [change]),
        ]
        return known

    def failed(self, line: str) -> None:
        """Print the line where it does not mix with the answer."""
        click.echo(f"ecs-fsm: {visible(line)}", err=True)


def _alike(one: Explanation, other: Explanation) -> bool:
    return one.after is other.after and one.events == other.events


class LiveTable:
    """A table on a terminal that is drawn anew with each poll."""

    def __init__(self, tracking: Tracking, cloud: str) -> None:
        from rich.live import Live

        from ecs_fsm.io.console import console

        self._tracking, self._cloud = tracking, cloud
        self._late: Sequence[Overdue] = ()
        self.live = Live(console=console(), auto_refresh=False)

    def polled(self, poll: CloudPoll, happened: Happened, late: Sequence[Overdue]) -> None:
        """Draw it."""
        self._late = late
        self._draw("; ".join(f"{s}: {wrong}" for s, wrong in happened.unknown.items()))

    def failed(self, line: str) -> None:
        """Draw it with the line below."""
        self._draw(visible(line))

    def _draw(self, notes: str) -> None:
        self.live.update(
            display.live_table(self._cloud, self._tracking, self._late, notes), refresh=True
        )
