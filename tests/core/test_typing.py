"""What a type checker sees of a server: mypy reads this file, strictly, with all the others."""

from __future__ import annotations

from typing import assert_type

import pytest

from ecs_fsm import Server
from ecs_fsm.ecs import Status, TaskState, VmState


def test_a_type_checker_sees_methods_and_words() -> None:
    server = Server.at("active")
    assert_type(server, Server)
    assert_type(server.stop(), bool)
    assert_type(server.vm_state, VmState)
    assert_type(server.task_state, TaskState | None)
    assert_type(server.status, Status)
    assert_type(server.history[0].event, str | None)


def test_what_is_not_there_and_what_cannot_be_set_are_errors_of_types_too() -> None:
    # mypy complains of an ignored error that it does not find.
    server = Server.at("active")
    with pytest.raises(AttributeError):
        server.stopp()  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        server.status = "ACTIVE"  # type: ignore[misc, assignment]
