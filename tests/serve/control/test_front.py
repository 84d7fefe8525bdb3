"""What a served cloud answers at `/`, and what its page is made of."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from ecs_fsm.core.model import Kind
from ecs_fsm.core.scenario import choices, read_word
from ecs_fsm.lifecycles import NAMES, server_class
from ecs_fsm.serve.control.page import made
from ecs_fsm.testing import served


def test_a_browser_gets_the_page_under_a_strict_policy_and_a_client_the_versions() -> None:
    with served(speed=0) as cloud:
        wanted = {"Accept": "text/html,*/*;q=0.8"}
        page = httpx.get(cloud.url, headers=wanted, timeout=120)
        versions = httpx.get(cloud.url, timeout=120).json()
    assert "versions" in versions
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["x-content-type-options"] == "nosniff"
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    for kept_out in ("default-src", "frame-ancestors", "base-uri", "form-action"):
        assert policy[kept_out] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in str(policy)
    assert "http" not in str(policy)
    assert " style=" not in page.text
    assert " onclick=" not in page.text


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_fault_strikes_the_operation_with_most_steps(name: str) -> None:
    lifecycle = server_class(name).lifecycle
    (example,) = set(re.findall(r'list="texts"[^>]* placeholder="([^"]+)"', made(lifecycle)[0]))
    word = read_word(lifecycle, unescape(example))
    assert word.outcomes
    most = max(len(operation.steps) for operation in lifecycle.operations.values())
    assert len(word.operation.steps) == most


@pytest.mark.parametrize("name", NAMES)
def test_every_outcome_that_is_offered_reads_and_every_step_is_offered(name: str) -> None:
    lifecycle = server_class(name).lifecycle
    requests = [t for t in lifecycle.operations.values() if t.kind is Kind.REQUEST]
    for operation in requests:
        offered = choices(lifecycle, operation)
        for outcome in offered:
            word = read_word(lifecycle, f"{operation.name}:{outcome}")
            assert [f"{o.event}@{o.step}" for o in word.outcomes] == [outcome]
        tasks = {step.task_state for step in operation.steps if step.task_state}
        assert {outcome.partition("@")[2] for outcome in offered} >= (
            set() if operation.unseen else tasks
        )
