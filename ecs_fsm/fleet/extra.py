"""What fleets need beside the package itself, and the line that says so where it is missing."""

from __future__ import annotations

from importlib import import_module

from ecs_fsm.core.errors import LifecycleError


class MissingExtra(LifecycleError):
    """A library that is not installed; the message says how to install it."""


def need(*modules: str, extra: str = "fleet") -> None:
    """Import the modules. Raises `MissingExtra` where one of them is not installed."""
    for name in modules:
        try:
            import_module(name)
        except ImportError:
            raise MissingExtra(
                f"this needs {name}, which is not installed: pip install 'ecs-fsm[{extra}]'"
            ) from None
