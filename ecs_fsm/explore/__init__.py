"""The explorer: one HTML page, usable offline, in which a reader runs a lifecycle.

The page holds the table as JSON, the lanes as a picture, and an interpreter for any table.
"""

from __future__ import annotations

from ecs_fsm.explore.explorer import Content, content, explorer

__all__ = ["Content", "content", "explorer"]
