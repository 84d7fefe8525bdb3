"""`transitions`' own diagrams of a lifecycle, for those who know them."""

from __future__ import annotations

from typing import Any

from transitions.extensions import GraphMachine as LibraryMachine
from transitions.extensions.diagrams import TransitionGraphSupport

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.machine import LifecycleMachine, PathTransition


class _Transition(TransitionGraphSupport, PathTransition):
    """A transition of the table that marks in its model's graph where the model is."""


class GraphMachine(LifecycleMachine, LibraryMachine):
    """The machine of a lifecycle as the library's `GraphMachine`: flat, one arrow for an event.

    `add_model` gives a model `get_graph`; what it draws with is Graphviz's `dot`, or our own engine
    inside `with ecs_fsm.draw.engine():`.
    """

    transition_cls: Any = _Transition

    def __init__(self, lifecycle: Lifecycle) -> None:
        super().__init__(lifecycle)
        self.title = lifecycle.name
