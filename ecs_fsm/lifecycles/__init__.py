"""Lifecycles by name or from a file, and everything that a table in Python is written with.

A lifecycle is imported or read on first use. `load` reads a file. The notation of a table's rows is
described in `ecs_fsm.core.notation`; `ecs_fsm.Lifecycle` reads and checks a `Table`.
"""

from ecs_fsm.core.model import (
    NO_SERVER,
    Fact,
    Guard,
    Kind,
    Rows,
    Surprise,
    Table,
)
from ecs_fsm.core.word import Tone, Word
from ecs_fsm.lifecycles.registry import ENDING, GROUP, NAMES, load, names, server_class

__all__ = [
    "ENDING",
    "GROUP",
    "NAMES",
    "NO_SERVER",
    "Fact",
    "Guard",
    "Kind",
    "Rows",
    "Surprise",
    "Table",
    "Tone",
    "Word",
    "load",
    "names",
    "server_class",
]
