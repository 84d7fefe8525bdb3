"""What pytest finds of the package: the fixture `ecs_cloud` and its mark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ecs_fsm.testing.emulator import EcsCloud, served


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers", "ecs_cloud(**options): what the cloud of the fixture ecs_cloud is like"
    )


@pytest.fixture
def ecs_cloud(request: pytest.FixtureRequest) -> Iterator[EcsCloud]:
    """A cloud on a free port, for one test; the mark `ecs_cloud` has the options of `served`."""
    mark = request.node.get_closest_marker("ecs_cloud")
    with served(**(mark.kwargs if mark else {})) as cloud:
        yield cloud
