"""The diagrams of `transitions` for a lifecycle, for users of that library."""

from __future__ import annotations

from typing import Any

from transitions.extensions import GraphMachine as LibraryMachine
from transitions.extensions.diagrams import TransitionGraphSupport

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.machine import LifecycleMachine, PathTransition


class _Transition(TransitionGraphSupport, PathTransition):
    """A transition of the table that marks the current state in the graph of its model."""


class GraphMachine(LifecycleMachine, LibraryMachine):
    """The machine of a lifecycle as the library's `GraphMachine`: flat, one arrow for an event.

    `add_model` gives a model `get_graph`. It draws with Graphviz's `dot`, or with this package's
    engine inside `with ecs_fsm.draw.engine():`.
    """

    transition_cls: Any = _Transition

    def __init__(self, lifecycle: Lifecycle) -> None:
        super().__init__(lifecycle)
        self.title = lifecycle.name
