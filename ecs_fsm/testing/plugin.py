"""The pytest plug-in: the fixture `ecs_cloud` and its mark.

Every test run of an environment with this package loads this module, so the package is imported
only when the fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ecs_fsm.testing.emulator import EcsCloud


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line(
        "markers", "ecs_cloud(**options): options of the cloud of the fixture ecs_cloud"
    )


@pytest.fixture(scope="session")
def shared_ecs_clouds() -> Iterator[Callable[..., EcsCloud]]:
    """Return a function that gives the one cloud of its options, as it was at its start."""
    with ExitStack() as clouds:
        known: dict[str, EcsCloud] = {}

        def shared(**options: Any) -> EcsCloud:
            from ecs_fsm.testing.emulator import served

            key = repr(sorted(options.items()))
            if key in known:
                known[key].reset()
            else:
                known[key] = clouds.enter_context(served(**options))
            return known[key]

        yield shared


@pytest.fixture
def ecs_cloud(request: pytest.FixtureRequest) -> Iterator[EcsCloud]:
    """A cloud on a free port, for one test; the mark `ecs_cloud` has the options of `served`.

    With `shared=True`, tests with the same options share one cloud, which is reset between them.
    """
    from ecs_fsm.testing.emulator import served

    mark = request.node.get_closest_marker("ecs_cloud")
    options = {**(mark.kwargs if mark else {})}
    if options.pop("shared", False):
        yield request.getfixturevalue("shared_ecs_clouds")(**options)
        return
    with served(**options) as cloud:
        yield cloud
