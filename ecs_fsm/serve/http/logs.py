"""Lines of the log on standard error, which never wait for their reader."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time

MOST_LINES = 10_000
"""Lines that wait for a reader; further ones are dropped."""
LAST_WAIT = 0.3
"""Seconds in which the last lines are written at the end."""


class PatientHandler(logging.Handler):
    """Writes lines to a file descriptor in a thread of its own."""

    # The thread writes to the descriptor itself: a stream would be locked while a write waits, and
    # the end of the process would wait for the lock.

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: queue.Queue[bytes] = queue.Queue(MOST_LINES)
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a line on, or drop it if too many wait."""
        try:
            self._lines.put_nowait(f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except queue.Full:
            return

    def flush(self) -> None:
        """Wait until all is written, but not long."""
        end = time.monotonic() + LAST_WAIT
        while self._lines.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.005)

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:  # nothing reads any more
                pass
            finally:
                self._lines.task_done()
