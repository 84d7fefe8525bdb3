"""Metrics of a watch for Prometheus, served by `prometheus_client`."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ecs_fsm.core.errors import InvalidInput, require
from ecs_fsm.core.model import NO_TASK
from ecs_fsm.monitor.tracking import Tracking
from ecs_fsm.replay.overdue import Overdue

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

PREFIX = "ecs_fsm_watch"
STATE = ("vm_state", "task_state", "status")


class WatchMetrics:
    """What a scrape gets: servers by state, how long overdue steps run, and how the polls go.

    A poll prepares it, so that a scrape never sees half of one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._metrics: list[Metric] = []
        self._polls: Counter[str] = Counter()

    def describe(self) -> Iterator[Metric]:
        """Nothing is known before the first poll."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the last poll."""
        with self._lock:
            yield from self._metrics

    def failed(self) -> None:
        """Count a poll that got no answer."""
        self._polls["unanswered"] += 1
        with self._lock:
            self._metrics = [*self._metrics[:-1], self._counted()]

    def polled(self, tracking: Tracking, late: Sequence[Overdue], took: float) -> None:
        """Take in a poll that took real seconds."""
        from prometheus_client.core import GaugeMetricFamily

        servers = GaugeMetricFamily(f"{PREFIX}_servers", "Servers by state", labels=STATE)
        shown = Counter(
            tuple(one.standing.row.shown.get(name) or NO_TASK for name in STATE)
            for one in tracking.servers.values()
        )
        for labels, count in sorted(shown.items()):
            servers.add_metric(labels, count)
        names = ("server", "name", "host", *STATE)
        since = GaugeMetricFamily(
            f"{PREFIX}_overdue_seconds", "How long overdue steps have run at least", labels=names
        )
        limits = GaugeMetricFamily(
            f"{PREFIX}_overdue_limit_seconds", "The limits of overdue steps", labels=names
        )
        for one in late:
            row = one.standing.row
            named = (row.server or "", str(row.others.get("name") or ""), row.host or "")
            state = tuple(row.shown.get(name) or NO_TASK for name in STATE)
            since.add_metric((*named, *state), one.at_least)
            limits.add_metric((*named, *state), one.limit)
        last = GaugeMetricFamily(
            f"{PREFIX}_last_poll_timestamp_seconds",
            "The cloud's time at the last answer",
            tracking.at,
        )
        duration = GaugeMetricFamily(f"{PREFIX}_poll_seconds", "How long the last poll took", took)
        self._polls["answered"] += 1
        with self._lock:
            self._metrics = [servers, since, limits, last, duration, self._counted()]

    def _counted(self) -> Metric:
        from prometheus_client.core import CounterMetricFamily

        polls = CounterMetricFamily(f"{PREFIX}_polls", "Polls by their result", labels=("result",))
        for result in ("answered", "unanswered"):
            polls.add_metric((result,), self._polls[result])
        return polls


class MetricsServer:
    """Serves metrics at an address, `HOST:PORT`, until `close`. `port` is the one that it took.

    Raise `InvalidInput` for an address that cannot be listened on.
    """

    def __init__(self, address: str, metrics: WatchMetrics) -> None:
        require("prometheus_client", extra="watch")
        from prometheus_client import CollectorRegistry, start_http_server

        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        if not host or not port.isdigit() or int(port) > 65535:
            raise InvalidInput(f"--listen {address!r}: expected HOST:PORT, as in 127.0.0.1:9180")
        registry = CollectorRegistry()
        registry.register(metrics)
        try:
            self._server, self._thread = start_http_server(int(port), host, registry)
        except OSError as error:
            raise InvalidInput(f"--listen {address}: {error.strerror or error}") from None
        self.port = self._server.server_port

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
