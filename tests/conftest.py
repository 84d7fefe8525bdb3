"""What several files of tests have: a browser with a page that is watched, a compute API."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ecs_fsm.explore import Content, explorer
from ecs_fsm.lifecycles import server_class
from tests.lesson_samples import SAMPLES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from xdist.scheduler import LoadFileScheduling

    from tests.compute import Compute

BROWSER = Path(sys.prefix) / "browser"
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
Opening = Callable[..., "Page"]
FLEETS = "tests/fleet/"
collect_ignore_glob = ["bench*.py"]
PROGRAMS = (
    "tests/integrations/test_notebook.py",
    "tests/monitor/test_watch.py",
    "tests/play/test_play.py",
    "tests/serve/http/test_process.py",
    "tests/serve/huawei/test_sdk.py",
    "tests/serve/test_clients.py",
    "tests/serve/test_schema.py",
    "tests/serve/test_waiters.py",
    "tests/test_readme.py",
    "tests/test_release.py",
    "tests/testing/",
    "tests/waiters/test_loop_writers.py",
)
"""Tests that are marked `programs` as a whole."""
PATIENCE = 120_000
"""Milliseconds after which something that a page should do is taken not to happen."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    """Give each file to one process, and all those of fleets to one, which compiles the loops once."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            scope: str = super()._split_scope(nodeid)
            return FLEETS if scope.startswith(FLEETS) else scope

    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their files; begin with the long ones, so that processes end together."""
    for item in items:
        if item.nodeid.startswith(PROGRAMS):
            item.add_marker("programs")
    items.sort(
        key=lambda item: (
            not item.nodeid.startswith(FLEETS),
            item.get_closest_marker("programs") is None,
        )
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium that `make` found or installed; without one the test fails."""
    from playwright.sync_api import sync_playwright

    told = BROWSER / "browser.json"
    if not told.exists():
        pytest.fail("there is no browser: run make test, or make test-core without one")
    found = json.loads(told.read_text(encoding="utf-8"))
    environment: dict[str, str | float | bool] = {**os.environ, **found["environment"]}
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=found["path"], args=FLAGS, env=environment
        )
        yield opened
        opened.close()


@pytest.fixture
def opening(browser: Browser, tmp_path: Path) -> Iterator[Opening]:
    """Opens the page of a lifecycle; nothing may be complained of, nor leave the page."""
    complaints: list[str] = []
    requested: list[str] = []
    contexts = []

    def opened(
        name: str = "ecs", fragment: str = "", taught: Content = SAMPLES, **how: Any
    ) -> Page:
        file = tmp_path / f"{name}.html"
        file.write_text(_known(name, taught), encoding="utf-8")
        context = browser.new_context(**how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on(
            "console",
            lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requested.append(request.url))
        page.goto(file.as_uri() + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    outside = [url for url in requested if not url.startswith((tmp_path.as_uri(), "blob:null/"))]
    assert outside == []


_texts: dict[tuple[str, int], str] = {}


def _known(name: str, taught: Content) -> str:
    key = name, id(taught)
    if key not in _texts:
        _texts[key] = explorer(server_class(name).lifecycle, taught)
    return _texts[key]


@pytest.fixture(params=["ecs", "nova"])
def compute(request: pytest.FixtureRequest) -> Compute:
    """The compute API of a cloud of either lifecycle, whose clock stands still."""
    return _compute(request.param)


@pytest.fixture
def nova() -> Compute:
    """The same with the lifecycle of nova."""
    return _compute("nova")


@pytest.fixture
def ecs() -> Compute:
    """The same with the lifecycle of an ECS."""
    return _compute("ecs")


def _compute(lifecycle: str) -> Compute:
    from tests.compute import Compute

    return Compute(lifecycle)
