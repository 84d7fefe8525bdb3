"""The log of the emulated cloud."""

from __future__ import annotations

import logging
import os
import time

import pytest

from ecs_fsm.serve.http import listen
from ecs_fsm.serve.http.listen import PatientHandler


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, "", 0, text, None, None)


def test_lines_are_written_in_their_order() -> None:
    read, write = os.pipe()
    handler = PatientHandler(write)
    for number in range(100):
        handler.emit(record(f"line {number}"))
    handler.flush()
    os.close(write)
    with os.fdopen(read) as file:
        assert file.read().splitlines() == [f"line {number}" for number in range(100)]


def test_a_log_that_nothing_reads_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "LAST_WAIT", 0.01)
    read, write = os.pipe()
    handler, begun = PatientHandler(write), time.monotonic()
    for _ in range(listen.MOST_LINES + 1000):
        handler.emit(record("x" * 100))
    handler.flush()
    assert time.monotonic() - begun < 30
    os.close(read)
