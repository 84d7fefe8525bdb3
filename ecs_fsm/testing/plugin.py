"""The pytest plug-in: the fixture `ecs_cloud` and its mark.

Every test run of an environment with this package loads this module, so the package is imported
only when the fixture is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ecs_fsm.testing.emulator import EcsCloud


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line(
        "markers", "ecs_cloud(**options): options of the cloud of the fixture ecs_cloud"
    )


@pytest.fixture
def ecs_cloud(request: pytest.FixtureRequest) -> Iterator[EcsCloud]:
    """A cloud on a free port, for one test; the mark `ecs_cloud` has the options of `served`."""
    from ecs_fsm.testing.emulator import served

    mark = request.node.get_closest_marker("ecs_cloud")
    with served(**(mark.kwargs if mark else {})) as cloud:
        yield cloud
