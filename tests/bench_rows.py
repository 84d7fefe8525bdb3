"""The result of a measurement: one row of the report of `python -m tests.bench`."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """What was measured for us and for the rival, what it comes to, and what was wanted."""

    what: str
    ours: str
    rival: str
    figure: str
    target: str
    met: bool
